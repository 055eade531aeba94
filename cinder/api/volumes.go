package api

import (
	"strconv"
	"strings"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
)

var volumeFilters = []string{"id", "name", "name~", "display_name", "display_name~", "description~", "status", "status~", "size", "metadata", "glance_metadata", "bootable", "migration_status", "availability_zone", "availability_zone~", "group_id", "consistencygroup_id",
	"snapshot_id", "source_volid", "multiattach", "volume_type_id", "host", "user_id", "project_id", "created_at", "updated_at"}

var volumeSorts = []string{"id", "status", "size", "availability_zone", "name", "display_name", "bootable", "created_at", "updated_at", "volume_type", "volume_type_id", "host", "user_id", "project_id", "attach_status", "snapshot_id", "source_volid"}

func (s *service) volumes() []rest.Route {
	list := &rest.Listing{Key: "volumes", Filters: volumeFilters, Sorts: volumeSorts, Also: []string{"all_tenants", "with_count"}}
	return []rest.Route{
		{On: "GET /v3/volumes", Rule: "volume:get_all", Do: rest.Do(s.listVolumes), List: list},
		{On: "GET /v3/volumes/detail", Rule: "volume:get_all", Do: rest.Do(s.detailVolumes), List: list},
		{On: "GET /v3/volumes/summary", Since: rest.V(3, 12), Rule: "volume:get_all", Do: rest.Do(s.summary)},
		{On: "POST /v3/volumes", Rule: "volume:create", Do: rest.Do(s.createVolume), Body: s.shelf.Get("volume.create"), Status: 202},
		{On: "GET /v3/volumes/{id}", Rule: "volume:get", Target: s.volume, Do: rest.Do(s.showVolume)},
		{On: "PUT /v3/volumes/{id}", Rule: "volume:update", Target: s.volume, Do: rest.Do(s.updateVolume), Body: s.shelf.Get("volume.update")},
		{On: "DELETE /v3/volumes/{id}", Rule: "volume:delete", Target: s.volume, Do: rest.DoNothing(s.deleteVolume), Mutates: true, Status: 202},
	}
}

// query is the caller's listing of one kind of thing.
func query(c *rest.Call) (cinder.VolumeQuery, error) {
	q := cinder.VolumeQuery{List: c.List, ProjectID: c.Who.Project.ID}
	if whole(c) {
		q.ProjectID = ""
	} else {
		delete(q.Where, "project_id")
	}
	for name := range q.Where {
		switch {
		case strings.HasSuffix(name, "~") && !c.From(3, 34), (name == "created_at" || name == "updated_at") && !c.From(3, 60):
			delete(q.Where, name)
		}
	}
	if c.URL.Query().Get("limit") == "0" { // none is what was asked for
		q.Where["id"] = []string{""}
	}
	q.Count, _ = rest.Bool(c.URL.Query().Get("with_count"))
	q.Count = q.Count && c.From(3, 45)
	if v := c.URL.Query().Get("offset"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return q, fault.New(fault.Invalid, "Invalid input received: offset param must be an integer")
		}
		q.Offset = n
	}
	return q, nil
}

func (s *service) findVolumes(c *rest.Call) (listing.Page[*cinder.Volume], error) {
	q, err := query(c)
	if err != nil {
		return listing.Page[*cinder.Volume]{}, err
	}
	p, err := s.c.Volumes(c.Context(), q)
	if q.Count {
		counted(c, p.Total)
	}
	return p, err
}

func (s *service) listVolumes(c *rest.Call, _ struct{}) (listing.Page[volumeBrief], error) {
	p, err := s.findVolumes(c)
	return page(c, p, func(v *cinder.Volume) volumeBrief { return volumeBrief{v.ID, v.Name, self(c, "volumes", v.ID)} }), err
}

func (s *service) detailVolumes(c *rest.Call, _ struct{}) (none listing.Page[volumeView], _ error) {
	p, err := s.findVolumes(c)
	if err != nil {
		return none, err
	}
	legacy, err := s.legacyOf(c, p.Items...)
	return page(c, p, func(v *cinder.Volume) volumeView {
		w := s.view(c, v, true)
		if legacy[v.GroupID] {
			w.OldGroup = w.Group
		}
		return w
	}), err
}

// legacyOf are those of volumes' groups that are consistency groups.
func (s *service) legacyOf(c *rest.Call, vs ...*cinder.Volume) (map[string]bool, error) {
	var groups []string
	for _, v := range vs {
		groups = append(groups, v.GroupID)
	}
	return s.c.LegacyAmong(c.Context(), groups)
}

func (s *service) summary(c *rest.Call, _ struct{}) (any, error) {
	project := c.Who.Project.ID
	if whole(c) {
		project = ""
	}
	n, size, meta, err := s.c.Summary(c.Context(), project, c.From(3, 36))
	if err != nil {
		return nil, err
	}
	out := map[string]any{"total_count": n, "total_size": size}
	if c.From(3, 36) {
		out["metadata"] = meta
	}
	return map[string]any{"volume-summary": out}, nil
}

// named are the two members that have an older name each.
type named struct {
	Name        *string `json:"name"`
	Description *string `json:"description"`
	OldName     *string `json:"display_name"`
	OldText     *string `json:"display_description"`
}

func (n named) both() (name, text *string) {
	name, text = trimmed(n.Name), trimmed(n.Description)
	if name == nil {
		name = trimmed(n.OldName)
	}
	if text == nil {
		text = trimmed(n.OldText)
	}
	return name, text
}

func trimmed(s *string) *string {
	if s == nil {
		return nil
	}
	t := strings.TrimSpace(*s)
	return &t
}

type volumeBody struct {
	named
	Size     any
	Type     *string           `json:"volume_type"`
	Zone     *string           `json:"availability_zone"`
	Snapshot *string           `json:"snapshot_id"`
	Source   *string           `json:"source_volid"`
	Replica  *string           `json:"source_replica"`
	ImageRef *string           `json:"imageRef"`
	ImageID  *string           `json:"image_id"`
	Group    *string           `json:"group_id"`
	OldGroup *string           `json:"consistencygroup_id"`
	Backup   *string           `json:"backup_id"`
	Multi    any               `json:"multiattach"`
	Metadata map[string]string `json:"metadata"`
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (s *service) createVolume(c *rest.Call, in struct{ Volume volumeBody }) (any, error) {
	b := in.Volume
	w := cinder.VolumeSpec{Type: text(b.Type), Zone: text(b.Zone), SnapshotID: text(b.Snapshot), SourceID: text(b.Source), ImageID: text(b.ImageRef), Metadata: b.Metadata}
	w.Name, w.Description = b.both()
	if w.ImageID == "" {
		w.ImageID = text(b.ImageID)
	}
	w.GroupID = text(b.OldGroup)
	if c.From(3, 13) && b.Group != nil {
		w.GroupID = text(b.Group)
	}
	if c.From(3, 47) {
		w.BackupID = text(b.Backup)
	}
	if m, _ := b.Multi.(bool); m {
		return nil, fault.New(fault.Invalid, "multiattach parameter has been removed. The default behavior is to use multiattach enabled volume types. Contact your administrator to create a multiattach enabled volume type and use it to create multiattach volumes.")
	}
	if text(b.Replica) != "" {
		return nil, fault.New(fault.Invalid, "Invalid input received: Creating a volume from a replica source was part of the replication v1 implementation which is no longer available.")
	}
	if w.ImageID != "" {
		if err := c.Require("volume:create_from_image", c.Own()); err != nil {
			return nil, err
		}
	}
	if b.Size == nil && w.SnapshotID == "" && w.SourceID == "" && w.BackupID == "" && w.GroupID == "" {
		return nil, fault.New(fault.Invalid, malformed)
	}
	if b.Size != nil {
		w.Size = integer(b.Size)
		if w.Size < 1 {
			return nil, fault.New(fault.Invalid, "Invalid input received: Invalid volume size provided for create request: %v (size argument must be an integer (or string representation of an integer) and greater than zero).", b.Size)
		}
	}
	w.MayShare = c.May("volume:multiattach", c.Own())
	v, err := s.c.CreateVolume(c.Context(), c.Who, w)
	if err != nil {
		return nil, err
	}
	return map[string]any{"volume": s.view(c, v, false)}, nil
}

const malformed = "The server could not comply with the request since it is either malformed or otherwise incorrect."

// integer reads a number or its text.
func integer(x any) int64 {
	switch v := x.(type) {
	case float64:
		return int64(v)
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		if err == nil {
			return n
		}
	}
	return 0
}

// yes reads a boolean or its text.
func yes(x any) bool {
	switch v := x.(type) {
	case bool:
		return v
	case string:
		b, _ := rest.Bool(v)
		return b
	}
	return false
}

func (s *service) showVolume(c *rest.Call, in byID) (any, error) {
	v, err := s.c.Volume(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	legacy, err := s.legacyOf(c, v)
	if err != nil {
		return nil, err
	}
	w := s.view(c, v, true)
	if legacy[v.GroupID] {
		w.OldGroup = w.Group
	}
	return map[string]any{"volume": w}, nil
}

func (s *service) updateVolume(c *rest.Call, in struct {
	ID     string `path:"id"`
	Volume struct {
		named
		Metadata *map[string]string `json:"metadata"`
	}
}) (any, error) {
	name, words := in.Volume.both()
	v, err := s.c.RenameVolume(c.Context(), in.ID, name, words, in.Volume.Metadata)
	if err != nil {
		return nil, err
	}
	return map[string]any{"volume": s.view(c, v, false)}, nil
}

func (s *service) deleteVolume(c *rest.Call, in struct {
	ID      string `path:"id"`
	Cascade bool   `query:"cascade"`
	Force   bool   `query:"force"`
}) error {
	force := in.Force && c.From(3, 23)
	if force {
		t, err := s.volume(c)
		if err == nil {
			err = c.Require("volume:force_delete", t)
		}
		if err != nil {
			return err
		}
	}
	return s.c.DeleteVolume(c.Context(), in.ID, in.Cascade, force)
}
