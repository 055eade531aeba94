package api

import (
	"slices"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
)

func (s *service) snapshots() []rest.Route {
	list := &rest.Listing{Key: "snapshots", Filters: []string{"id", "name", "name~", "display_name", "description~", "status", "volume_id", "volume_size", "user_id", "project_id", "metadata", "availability_zone", "created_at", "updated_at", "consumes_quota"},
		Sorts: []string{"id", "name", "display_name", "status", "volume_id", "volume_size", "created_at", "updated_at", "user_id", "project_id"}, Also: []string{"all_tenants", "with_count"}}
	act := func(action, rule, schema string, status int, do func(*rest.Call) (any, error)) rest.Route {
		return rest.Route{On: "POST /v3/snapshots/{id}/action", Action: action, Rule: rule, Target: s.snapshot, Do: do, Body: s.shelf.Get("actions." + schema), Status: status}
	}
	return append([]rest.Route{
		{On: "GET /v3/snapshots", Rule: "volume:get_all_snapshots", Do: rest.Do(s.listSnapshots), List: list},
		{On: "GET /v3/snapshots/detail", Rule: "volume:get_all_snapshots", Do: rest.Do(s.detailSnapshots), List: list},
		{On: "POST /v3/snapshots", Rule: "volume:create_snapshot", Target: s.ofVolume("snapshot", "volume_id"), Do: rest.Do(s.createSnapshot), Body: s.shelf.Get("volume.snapshot"), Status: 202},
		{On: "GET /v3/snapshots/{id}", Rule: "volume:get_snapshot", Target: s.snapshot, Do: rest.Do(s.showSnapshot)},
		{On: "PUT /v3/snapshots/{id}", Rule: "volume:update_snapshot", Target: s.snapshot, Do: rest.Do(s.updateSnapshot), Body: s.shelf.Get("volume.snapshotUpdate")},
		{On: "DELETE /v3/snapshots/{id}", Rule: "volume:delete_snapshot", Target: s.snapshot, Do: rest.DoNothing(s.deleteSnapshot(false)), Mutates: true, Status: 202},
		act("os-reset_status", "volume_extension:snapshot_admin_actions:reset_status", "resetSnapshot", 202, rest.DoNothing(s.resetSnapshot)),
		act("os-force_delete", "volume_extension:snapshot_admin_actions:force_delete", "any", 202, rest.DoNothing(s.deleteSnapshot(true))),
		act("os-unmanage", "snapshot_extension:snapshot_unmanage", "any", 202, plain(s.c.UnmanageSnapshot)),
		act("os-update_snapshot_status", "snapshot_extension:snapshot_actions:update_snapshot_status", "snapshotStatus", 202, rest.DoNothing(s.snapshotStatus)),
	}, s.bagRows("snapshots", "volume:get_snapshot_metadata", "volume:update_snapshot_metadata", "volume:delete_snapshot_metadata", s.snapshot, "volume:update_snapshot_metadata", bag{s.c.SnapshotMetadata, s.c.ChangeSnapshotMetadata})...)
}

type snapshotView struct {
	ID          string            `wire:"id"`
	Created     stamp             `wire:"created_at"`
	Updated     stamp             `wire:"updated_at"`
	Name        *string           `wire:"name"`
	Description *string           `wire:"description"`
	Volume      string            `wire:"volume_id"`
	Status      string            `wire:"status"`
	Size        int64             `wire:"size"`
	Metadata    map[string]string `wire:"metadata"`
	Group       *string           `wire:"group_snapshot_id,3.14.."`
	User        string            `wire:"user_id,3.41.."`
	Consumes    bool              `wire:"consumes_quota,3.65.."`
	*extendedSnapshot
}

type extendedSnapshot struct {
	Project  string `wire:"os-extended-snapshot-attributes:project_id"`
	Progress string `wire:"os-extended-snapshot-attributes:progress"`
}

func viewSnapshot(c *rest.Call, p *cinder.Snapshot, whole bool) snapshotView {
	v := snapshotView{ID: p.ID, Created: stamp(p.CreatedAt), Updated: stamp(p.UpdatedAt), Name: p.Name, Description: p.Description, Volume: p.VolumeID, Status: p.Status, Size: p.Size,
		Metadata: p.Metadata, Group: some(p.GroupSnapshotID), User: p.UserID, Consumes: true}
	if whole && c.May("volume_extension:extended_snapshot_attributes", policy.Target{"project_id": p.ProjectID}) {
		v.extendedSnapshot = &extendedSnapshot{p.ProjectID, p.Progress()}
	}
	return v
}

func (s *service) findSnapshots(c *rest.Call) (listing.Page[*cinder.Snapshot], error) {
	q, err := query(c)
	if err != nil {
		return listing.Page[*cinder.Snapshot]{}, err
	}
	p, err := s.c.Snapshots(c.Context(), q)
	if q.Count {
		counted(c, p.Total)
	}
	return p, err
}

func (s *service) listSnapshots(c *rest.Call, _ struct{}) (listing.Page[snapshotView], error) {
	p, err := s.findSnapshots(c)
	return page(c, p, func(p *cinder.Snapshot) snapshotView { return viewSnapshot(c, p, false) }), err
}

func (s *service) detailSnapshots(c *rest.Call, _ struct{}) (listing.Page[snapshotView], error) {
	p, err := s.findSnapshots(c)
	return page(c, p, func(p *cinder.Snapshot) snapshotView { return viewSnapshot(c, p, true) }), err
}

func (s *service) createSnapshot(c *rest.Call, in struct {
	Snapshot struct {
		named
		Volume   string            `json:"volume_id"`
		Force    any               `json:"force"`
		Metadata map[string]string `json:"metadata"`
	}
}) (any, error) {
	w := cinder.SnapshotSpec{VolumeID: in.Snapshot.Volume, Metadata: in.Snapshot.Metadata}
	w.Name, w.Description = in.Snapshot.both()
	if c.From(3, 66) { // force is for those who may not need to say so
		if in.Snapshot.Force != nil && !yes(in.Snapshot.Force) {
			return nil, fault.New(fault.Invalid, "Invalid value '%v' for force. The 'force' flag is invalid since microversion 3.66: snapshots of volumes in use need none.", in.Snapshot.Force)
		}
		w.InUse = true
	} else {
		w.InUse = yes(in.Snapshot.Force)
	}
	p, err := s.c.CreateSnapshot(c.Context(), c.Who, w)
	if err != nil {
		return nil, err
	}
	return map[string]any{"snapshot": viewSnapshot(c, p, false)}, nil
}

func (s *service) showSnapshot(c *rest.Call, in byID) (any, error) {
	p, err := s.c.Store.Snapshot(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"snapshot": viewSnapshot(c, p, true)}, nil
}

func (s *service) updateSnapshot(c *rest.Call, in struct {
	ID       string `path:"id"`
	Snapshot named
}) (any, error) {
	p, err := s.c.ChangeSnapshot(c.Context(), in.ID, func(_ ctxt, p *cinder.Snapshot) error {
		name, text := in.Snapshot.both()
		if name != nil {
			p.Name = name
		}
		if text != nil {
			p.Description = text
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"snapshot": viewSnapshot(c, p, false)}, nil
}

func (s *service) deleteSnapshot(force bool) func(*rest.Call, byID) error {
	return func(c *rest.Call, in byID) error { return s.c.DeleteSnapshot(c.Context(), in.ID, force) }
}

var snapshotMayBe = []string{"creating", "available", "deleting", "error", "error_deleting", "backing-up", "restoring", "unmanaging"}

func (s *service) resetSnapshot(c *rest.Call, in struct {
	ID    string                  `path:"id"`
	Reset struct{ Status string } `json:"os-reset_status"`
}) error {
	if !slices.Contains(snapshotMayBe, in.Reset.Status) {
		return fault.New(fault.Invalid, "Invalid input for field/attribute status. Value: %s. %s is not a 'snapshot_status'", in.Reset.Status, rest.Repr(in.Reset.Status))
	}
	return s.c.ResetSnapshot(c.Context(), in.ID, in.Reset.Status)
}

func (s *service) snapshotStatus(c *rest.Call, in struct {
	ID  string `path:"id"`
	Set struct {
		Status   string `json:"status"`
		Progress string `json:"progress"`
	} `json:"os-update_snapshot_status"`
}) error {
	return s.c.ReportSnapshot(c.Context(), in.ID, in.Set.Status, in.Set.Progress)
}
