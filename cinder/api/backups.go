package api

import (
	"slices"
	"strings"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
)

func (s *service) backups() []rest.Route {
	const at = "/v3/backups"
	list := &rest.Listing{Key: "backups", Filters: []string{"id", "name", "name~", "status", "status~", "volume_id", "snapshot_id", "size", "project_id", "metadata", "created_at", "updated_at"},
		Sorts: []string{"id", "name", "status", "size", "volume_id", "snapshot_id", "created_at", "updated_at", "data_timestamp"}, Also: []string{"all_tenants", "with_count"}}
	return []rest.Route{
		{On: "GET " + at, Rule: "backup:get_all", Do: rest.Do(s.listBackups), List: list},
		{On: "GET " + at + "/detail", Rule: "backup:get_all", Do: rest.Do(s.detailBackups), List: list},
		{On: "POST " + at, Rule: "backup:create", Target: s.ofVolume("backup", "volume_id"), Do: rest.Do(s.createBackup), Body: s.shelf.Get("backups.create"), Status: 202},
		{On: "POST " + at + "/import_record", Rule: "backup:backup-import", Do: rest.Do(s.importBackup), Body: s.shelf.Get("backups.record"), Status: 201, MaxBody: 1 << 20},
		{On: "GET " + at + "/{id}", Rule: "backup:get", Target: s.backup, Do: rest.Do(s.showBackup)},
		{On: "PUT " + at + "/{id}", Since: rest.V(3, 9), Rule: "backup:update", Target: s.backup, Do: rest.Do(s.updateBackup), Body: s.shelf.Get("backups.update")},
		{On: "DELETE " + at + "/{id}", Rule: "backup:delete", Target: s.backup, Do: rest.DoNothing(s.deleteBackup(false)), Mutates: true, Status: 202},
		{On: "POST " + at + "/{id}/restore", Rule: "backup:restore", Target: s.backup, Do: rest.Do(s.restoreBackup), Body: s.shelf.Get("backups.restore"), Status: 202},
		{On: "GET " + at + "/{id}/export_record", Rule: "backup:export-import", Target: s.backup, Do: rest.Do(s.exportBackup)},
		{On: "POST " + at + "/{id}/action", Action: "os-reset_status", Rule: "volume_extension:backup_admin_actions:reset_status", Target: s.backup, Do: rest.DoNothing(s.resetBackup), Body: s.shelf.Get("actions.resetSnapshot"), Status: 202},
		{On: "POST " + at + "/{id}/action", Action: "os-force_delete", Rule: "volume_extension:backup_admin_actions:force_delete", Target: s.backup, Do: rest.DoNothing(s.deleteBackup(true)), Body: s.shelf.Get("actions.any"), Status: 202},
	}
}

type backupBrief struct {
	ID    string  `wire:"id"`
	Name  *string `wire:"name"`
	Links []link  `wire:"links"`
}

type backupView struct {
	ID          string            `wire:"id"`
	Status      string            `wire:"status"`
	Size        int64             `wire:"size"`
	Objects     int64             `wire:"object_count"`
	Zone        string            `wire:"availability_zone"`
	Container   string            `wire:"container"`
	Created     stamp             `wire:"created_at"`
	Updated     stamp             `wire:"updated_at"`
	Name        *string           `wire:"name"`
	Description *string           `wire:"description"`
	Reason      *string           `wire:"fail_reason"`
	Volume      string            `wire:"volume_id"`
	Links       []link            `wire:"links"`
	Incremental bool              `wire:"is_incremental"`
	Children    bool              `wire:"has_dependent_backups"`
	Snapshot    *string           `wire:"snapshot_id"`
	DataAt      stamp             `wire:"data_timestamp"`
	Metadata    map[string]string `wire:"metadata,3.43.."`
	User        string            `wire:"user_id,3.56.."`
	KeyID       string            `wire:"encryption_key_id,3.64..,omitempty"`
	*backupProject
}

type backupProject struct {
	Project string `wire:"os-backup-project-attr:project_id,3.18.."`
}

func briefBackup(c *rest.Call, b *cinder.Backup) backupBrief {
	return backupBrief{b.ID, b.Name, self(c, "backups", b.ID)}
}

func viewBackup(c *rest.Call, b *cinder.Backup) backupView {
	v := backupView{ID: b.ID, Status: b.Status, Size: b.Size, Objects: b.ObjectCount, Zone: b.Zone, Container: b.Container, Created: stamp(b.CreatedAt), Updated: stamp(b.UpdatedAt), Name: b.Name, Description: b.Description,
		Reason: some(b.FailReason), Volume: b.VolumeID, Links: self(c, "backups", b.ID), Incremental: b.ParentID != "", Children: b.Children, Snapshot: some(b.SnapshotID), DataAt: stamp(b.DataAt), Metadata: orEmpty(b.Metadata), User: b.UserID, KeyID: b.KeyID}
	if c.May("backup:backup_project_attribute", c.Own()) {
		v.backupProject = &backupProject{b.ProjectID}
	}
	return v
}

func (s *service) findBackups(c *rest.Call) (listing.Page[*cinder.Backup], error) {
	q, err := query(c)
	if err != nil {
		return listing.Page[*cinder.Backup]{}, err
	}
	p, err := s.c.Backups(c.Context(), q)
	if q.Count {
		counted(c, p.Total)
	}
	return p, err
}

func (s *service) listBackups(c *rest.Call, _ struct{}) (listing.Page[backupBrief], error) {
	p, err := s.findBackups(c)
	return page(c, p, func(b *cinder.Backup) backupBrief { return briefBackup(c, b) }), err
}

func (s *service) detailBackups(c *rest.Call, _ struct{}) (listing.Page[backupView], error) {
	p, err := s.findBackups(c)
	return page(c, p, func(b *cinder.Backup) backupView { return viewBackup(c, b) }), err
}

func (s *service) createBackup(c *rest.Call, in struct {
	Backup struct {
		named
		Volume      string            `json:"volume_id"`
		Snapshot    *string           `json:"snapshot_id"`
		Container   *string           `json:"container"`
		Zone        *string           `json:"availability_zone"`
		Incremental any               `json:"incremental"`
		Force       any               `json:"force"`
		Metadata    map[string]string `json:"metadata"`
	}
}) (any, error) {
	b := in.Backup
	w := cinder.BackupSpec{VolumeID: b.Volume, SnapshotID: text(b.Snapshot), Container: text(b.Container), Zone: text(b.Zone), Incremental: yes(b.Incremental), Force: yes(b.Force), Metadata: b.Metadata}
	w.Name, w.Description = b.both()
	made, err := s.c.CreateBackup(c.Context(), c.Who, w)
	if err != nil {
		return nil, err
	}
	return map[string]any{"backup": briefBackup(c, made)}, nil
}

func (s *service) showBackup(c *rest.Call, in byID) (any, error) {
	b, err := s.c.Backup(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"backup": viewBackup(c, b)}, nil
}

func (s *service) updateBackup(c *rest.Call, in struct {
	ID     string `path:"id"`
	Backup *struct {
		named
		Metadata map[string]string `json:"metadata"`
	}
}) (any, error) {
	if in.Backup == nil {
		return nil, fault.New(fault.Invalid, "Missing required element 'backup' in request body.")
	}
	b, err := s.c.ChangeBackup(c.Context(), in.ID, func(_ ctxt, b *cinder.Backup) error {
		name, words := in.Backup.both()
		if name != nil {
			b.Name = name
		}
		if words != nil {
			b.Description = words
		}
		if in.Backup.Metadata != nil && c.From(3, 43) {
			b.Metadata = in.Backup.Metadata
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"backup": briefBackup(c, b)}, nil
}

func (s *service) deleteBackup(force bool) func(*rest.Call, byID) error {
	return func(c *rest.Call, in byID) error { return s.c.DeleteBackup(c.Context(), in.ID, force) }
}

func (s *service) restoreBackup(c *rest.Call, in struct {
	ID      string `path:"id"`
	Restore *struct {
		Volume *string `json:"volume_id"`
		Name   *string `json:"name"`
	}
}) (any, error) {
	volume, name := "", (*string)(nil)
	if in.Restore != nil {
		volume, name = text(in.Restore.Volume), trimmed(in.Restore.Name)
	}
	if volume != "" {
		to, err := s.c.Store.Volume(c.Context(), volume)
		if err == nil {
			_, err = seen(c, to.ProjectID, cinder.NoVolume(volume))
		}
		if err != nil {
			return nil, err
		}
	}
	v, err := s.c.RestoreBackup(c.Context(), c.Who, in.ID, volume, name)
	if err != nil {
		return nil, err
	}
	return map[string]any{"restore": map[string]any{"backup_id": in.ID, "volume_id": v.ID, "volume_name": v.Name}}, nil
}

func (s *service) exportBackup(c *rest.Call, in byID) (any, error) {
	kind, url, err := s.c.ExportBackup(c.Context(), in.ID)
	return map[string]any{"backup-record": map[string]string{"backup_service": kind, "backup_url": url}}, err
}

func (s *service) importBackup(c *rest.Call, in struct {
	Record struct {
		Service string `json:"backup_service"`
		URL     string `json:"backup_url"`
	} `json:"backup-record"`
}) (any, error) {
	b, err := s.c.ImportBackup(c.Context(), c.Who, in.Record.Service, in.Record.URL)
	if err != nil {
		return nil, err
	}
	return map[string]any{"backup": briefBackup(c, b)}, nil
}

var backupMayBe = []string{"available", "error", "creating", "deleting", "restoring", "error_deleting"}

func (s *service) resetBackup(c *rest.Call, in struct {
	ID    string                  `path:"id"`
	Reset struct{ Status string } `json:"os-reset_status"`
}) error {
	if !slices.Contains(backupMayBe, strings.ToLower(in.Reset.Status)) {
		return fault.New(fault.Invalid, "Invalid input for field/attribute status. Value: %s. %s is not a 'backup_status'", in.Reset.Status, rest.Repr(in.Reset.Status))
	}
	return s.c.ResetBackup(c.Context(), in.ID, strings.ToLower(in.Reset.Status))
}
