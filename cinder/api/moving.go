package api

import (
	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/rest"
)

func (s *service) retype(c *rest.Call, in struct {
	ID     string `path:"id"`
	Retype struct {
		Type   string  `json:"new_type"`
		Policy *string `json:"migration_policy"`
	} `json:"os-retype"`
}) error {
	return s.c.RetypeVolume(c.Context(), c.Who, in.ID, in.Retype.Type, text(in.Retype.Policy) == "on-demand")
}

func (s *service) migrate(c *rest.Call, in struct {
	ID      string `path:"id"`
	Migrate struct {
		Host    *string `json:"host"`
		Cluster *string `json:"cluster"`
		Force   any     `json:"force_host_copy"`
		Lock    any     `json:"lock_volume"`
	} `json:"os-migrate_volume"`
}) error {
	m := in.Migrate
	if c.From(3, 16) && (m.Host == nil) == (m.Cluster == nil) {
		return fault.New(fault.Invalid, "Must provide one and only one of: host or cluster.")
	}
	if m.Host == nil {
		return fault.New(fault.Invalid, "Invalid host: No available service named '%s'", text(m.Cluster))
	}
	return s.c.MigrateVolume(c.Context(), in.ID, *m.Host)
}

func (s *service) migrateCompletion(c *rest.Call, in struct {
	ID   string `path:"id"`
	Done struct {
		New string `json:"new_volume"`
	} `json:"os-migrate_volume_completion"`
}) (any, error) {
	err := s.c.CompleteMigration(c.Context(), in.ID, in.Done.New)
	return map[string]any{"save_volume_id": in.ID}, err
}

func (s *service) extendCompletion(c *rest.Call, in struct {
	ID   string              `path:"id"`
	Done struct{ Error any } `json:"os-extend_volume_completion"`
}) error {
	return s.c.CompleteExtend(c.Context(), in.ID, yes(in.Done.Error))
}

func (s *service) revert(c *rest.Call, in struct {
	ID     string `path:"id"`
	Revert struct {
		Snapshot *string `json:"snapshot_id"`
	} `json:"revert"`
}) error {
	return s.c.RevertVolume(c.Context(), in.ID, text(in.Revert.Snapshot))
}

func (s *service) reimage(c *rest.Call, in struct {
	ID      string `path:"id"`
	Reimage struct {
		Image    string `json:"image_id"`
		Reserved any    `json:"reimage_reserved"`
	} `json:"os-reimage"`
}) error {
	if yes(in.Reimage.Reserved) {
		t, err := s.volume(c)
		if err == nil {
			err = c.Require("volume:reimage_reserved", t)
		}
		if err != nil {
			return err
		}
	}
	return s.c.ReimageVolume(c.Context(), in.ID, in.Reimage.Image, yes(in.Reimage.Reserved))
}

type uploadView struct {
	ID         string  `wire:"id"`
	Updated    stamp   `wire:"updated_at"`
	Status     string  `wire:"status"`
	Text       *string `wire:"display_description"`
	Size       int64   `wire:"size"`
	Type       any     `wire:"volume_type"`
	ImageID    string  `wire:"image_id"`
	Container  string  `wire:"container_format"`
	Format     string  `wire:"disk_format"`
	ImageName  string  `wire:"image_name"`
	Visibility string  `wire:"visibility,3.1.."`
	Protected  bool    `wire:"protected,3.1.."`
}

func (s *service) upload(c *rest.Call, in struct {
	ID     string `path:"id"`
	Upload struct {
		Name       string  `json:"image_name"`
		Force      any     `json:"force"`
		Format     string  `json:"disk_format"`
		Container  *string `json:"container_format"`
		Visibility string  `json:"visibility"`
		Protected  any     `json:"protected"`
	} `json:"os-volume_upload_image"`
}) (any, error) {
	u := in.Upload
	w := cinder.ImageSpec{Name: u.Name, Format: u.Format, Container: text(u.Container), Visibility: u.Visibility, Protected: yes(u.Protected)}
	if !c.From(3, 1) {
		w.Visibility, w.Protected = "", false
	}
	if w.Visibility == "public" {
		if err := c.Require("volume_extension:volume_actions:upload_public", c.Own()); err != nil {
			return nil, err
		}
	}
	v, w, err := s.c.UploadVolume(c.Context(), in.ID, w, yes(u.Force))
	if err != nil {
		return nil, err
	}
	t, err := s.c.Store.Type(c.Context(), v.TypeID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"os-volume_upload_image": uploadView{v.ID, stamp(v.UpdatedAt), v.Status, v.Description, v.Size, s.viewType(c, t), w.ID, w.Container, w.Format, w.Name, w.Visibility, w.Protected}}, nil
}
