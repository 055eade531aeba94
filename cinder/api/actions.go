package api

import (
	"slices"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/rest"
)

func (s *service) actions() []rest.Route {
	const own, admin = "volume_extension:volume_actions:", "volume_extension:volume_admin_actions:"
	act := func(action, rule, schema string, status int, do func(*rest.Call) (any, error)) rest.Route {
		return rest.Route{On: "POST /v3/volumes/{id}/action", Action: action, Rule: rule, Target: s.volume, Do: do, Body: s.shelf.Get("actions." + schema), Status: status}
	}
	revert := act("revert", "volume:revert_to_snapshot", "revert", 202, rest.DoNothing(s.revert))
	revert.Since = rest.V(3, 40)
	extended := act("os-extend_volume_completion", admin+"extend_volume_completion", "extendCompletion", 202, rest.DoNothing(s.extendCompletion))
	extended.Since = rest.V(3, 71)
	reimage := act("os-reimage", "volume:reimage", "reimage", 202, rest.DoNothing(s.reimage))
	reimage.Since = rest.V(3, 68)
	return []rest.Route{
		act("os-extend", "volume:extend", "extend", 202, rest.DoNothing(s.extend)),
		act("os-reset_status", admin+"reset_status", "resetVolume", 202, rest.DoNothing(s.resetVolume)),
		act("os-force_delete", admin+"force_delete", "any", 202, rest.DoNothing(s.forceDelete)),
		act("os-set_bootable", "volume:update", "bootable", 200, rest.DoNothing(s.setBootable)),
		act("os-update_readonly_flag", "volume:update_readonly_flag", "readonly", 202, rest.DoNothing(s.setReadonly)),
		act("os-show_image_metadata", "volume:get_volume_metadata", "any", 200, rest.Do(s.imageMetadata)),
		act("os-set_image_metadata", "volume_extension:volume_image_metadata:set", "setImageMetadata", 200, rest.Do(s.setImageMetadata)),
		act("os-unset_image_metadata", "volume_extension:volume_image_metadata:remove", "unsetImageMetadata", 200, rest.DoNothing(s.unsetImageMetadata)),
		act("os-reserve", own+"reserve", "any", 202, plain(s.c.ReserveVolume)),
		act("os-unreserve", own+"unreserve", "any", 202, plain(s.c.UnreserveVolume)),
		act("os-begin_detaching", own+"begin_detaching", "any", 202, plain(s.c.BeginDetaching)),
		act("os-roll_detaching", own+"roll_detaching", "any", 202, plain(s.c.RollDetaching)),
		act("os-attach", own+"attach", "attach", 202, rest.DoNothing(s.attach)),
		act("os-detach", own+"detach", "detach", 202, rest.DoNothing(s.detach)),
		act("os-force_detach", admin+"force_detach", "forceDetach", 202, rest.DoNothing(s.forceDetach)),
		act("os-initialize_connection", own+"initialize_connection", "connector", 200, rest.Do(s.initialize)),
		act("os-terminate_connection", own+"terminate_connection", "connector", 202, rest.DoNothing(s.terminate)),
		act("os-retype", "volume:retype", "retype", 202, rest.DoNothing(s.retype)),
		act("os-migrate_volume", admin+"migrate_volume", "migrate", 202, rest.DoNothing(s.migrate)),
		act("os-migrate_volume_completion", admin+"migrate_volume_completion", "migrateCompletion", 200, rest.Do(s.migrateCompletion)),
		act("os-volume_upload_image", own+"upload_image", "upload", 202, rest.Do(s.upload)),
		act("os-unmanage", "volume_extension:volume_unmanage", "any", 202, plain(s.c.UnmanageVolume)),
		revert, extended, reimage,
	}
}

func plain(f func(ctx ctxt, id string) error) func(*rest.Call) (any, error) {
	return rest.DoNothing(func(c *rest.Call, in byID) error { return f(c.Context(), in.ID) })
}

func (s *service) extend(c *rest.Call, in struct {
	ID     string `path:"id"`
	Extend struct {
		Size any `json:"new_size"`
	} `json:"os-extend"`
}) error {
	attached := false
	if c.From(3, 42) {
		t, err := s.volume(c)
		if err != nil {
			return err
		}
		attached = c.May("volume:extend_attached_volume", t)
	}
	return s.c.ExtendVolume(c.Context(), in.ID, integer(in.Extend.Size), attached)
}

// mayBe are the statuses that an administrator may write.
var mayBe = []string{"creating", "available", "deleting", "error", "error_deleting", "error_managing", "managing", "attaching", "in-use", "detaching", "maintenance", "error_extending", "extending", "reserved", "downloading", "uploading", "retyping", "backing-up", "restoring-backup", "error_restoring", "error_backing-up", "awaiting-transfer"}

func (s *service) resetVolume(c *rest.Call, in struct {
	ID    string `path:"id"`
	Reset struct {
		Status    *string `json:"status"`
		Attach    *string `json:"attach_status"`
		Migration *string `json:"migration_status"`
	} `json:"os-reset_status"`
}) error {
	r := in.Reset
	if r.Status == nil && r.Attach == nil && r.Migration == nil {
		return fault.New(fault.Invalid, "Invalid input received: Must specify 'status', 'attach_status' or 'migration_status' for update.")
	}
	if r.Status != nil && !slices.Contains(mayBe, *r.Status) {
		return fault.New(fault.Invalid, "Invalid input for field/attribute status. Value: %s. %s is not a 'volume_status'", *r.Status, rest.Repr(*r.Status))
	}
	return s.c.ResetVolume(c.Context(), in.ID, cinder.Reset{Status: r.Status, Attach: r.Attach, Migration: r.Migration})
}

func (s *service) forceDelete(c *rest.Call, in byID) error {
	return s.c.DeleteVolume(c.Context(), in.ID, false, true)
}

func (s *service) setBootable(c *rest.Call, in struct {
	ID  string                 `path:"id"`
	Set struct{ Bootable any } `json:"os-set_bootable"`
}) error {
	return s.c.SetFlags(c.Context(), in.ID, func(v *cinder.Volume) error { v.Bootable = yes(in.Set.Bootable); return nil })
}

func (s *service) setReadonly(c *rest.Call, in struct {
	ID  string                 `path:"id"`
	Set struct{ Readonly any } `json:"os-update_readonly_flag"`
}) error {
	return s.c.SetFlags(c.Context(), in.ID, func(v *cinder.Volume) error {
		if v.Status != cinder.Available {
			return fault.New(fault.Invalid, "Invalid volume: Volume %s status must be available to update readonly flag, but current status is: %s.", v.ID, v.Status)
		}
		v.MarkReadOnly(yes(in.Set.Readonly))
		return nil
	})
}

func (s *service) imageMetadata(c *rest.Call, in byID) (any, error) {
	v, err := s.c.Store.Volume(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"metadata": orEmpty(v.Image)}, nil
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func (s *service) setImageMetadata(c *rest.Call, in struct {
	ID  string                               `path:"id"`
	Set struct{ Metadata map[string]string } `json:"os-set_image_metadata"`
}) (any, error) {
	m, err := s.c.ChangeImageMetadata(c.Context(), in.ID, func(m map[string]string) error {
		for k, v := range in.Set.Metadata {
			m[k] = v
		}
		return nil
	})
	return map[string]any{"metadata": m}, err
}

func (s *service) unsetImageMetadata(c *rest.Call, in struct {
	ID    string               `path:"id"`
	Unset struct{ Key string } `json:"os-unset_image_metadata"`
}) error {
	_, err := s.c.ChangeImageMetadata(c.Context(), in.ID, func(m map[string]string) error {
		if _, ok := m[in.Unset.Key]; !ok {
			return fault.New(fault.NotFound, "Metadata key: %s does not exist.", in.Unset.Key) // as the real service: a key, and not a volume, is missing
		}
		delete(m, in.Unset.Key)
		return nil
	})
	return err
}

func (s *service) attach(c *rest.Call, in struct {
	ID     string `path:"id"`
	Attach struct {
		Server     string `json:"instance_uuid"`
		Host       string `json:"host_name"`
		Mountpoint string `json:"mountpoint"`
		Mode       string `json:"mode"`
	} `json:"os-attach"`
}) error {
	a := in.Attach
	if a.Mode == "" {
		a.Mode = "rw"
	}
	return s.c.AttachVolume(c.Context(), &cinder.Attachment{VolumeID: in.ID, ServerID: a.Server, Host: a.Host, Mountpoint: a.Mountpoint, Mode: a.Mode, BootIndex: -1})
}

func (s *service) detach(c *rest.Call, in struct {
	ID     string `path:"id"`
	Detach struct {
		ID *string `json:"attachment_id"`
	} `json:"os-detach"`
}) error {
	if err := s.c.MayPull(c.Context(), in.ID, c.Who); err != nil {
		return err
	}
	return s.c.DetachVolume(c.Context(), in.ID, text(in.Detach.ID))
}

func (s *service) forceDetach(c *rest.Call, in struct {
	ID     string `path:"id"`
	Detach struct {
		ID *string `json:"attachment_id"`
	} `json:"os-force_detach"`
}) error {
	if err := s.c.MayPull(c.Context(), in.ID, c.Who); err != nil {
		return err
	}
	return s.c.DetachVolume(c.Context(), in.ID, text(in.Detach.ID))
}

type connecting struct {
	ID         string                             `path:"id"`
	Initialize struct{ Connector map[string]any } `json:"os-initialize_connection"`
}

func (s *service) initialize(c *rest.Call, in connecting) (any, error) {
	v, err := s.c.Store.Volume(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	info, err := s.c.Connection(c.Context(), v, "", in.Initialize.Connector)
	if err != nil {
		return nil, err
	}
	host, _ := in.Initialize.Connector["host"].(string)
	if info, err = s.c.Told(c.Context(), v, cinder.ByHost(v.ID, host), info); err != nil {
		return nil, err
	}
	info["enforce_multipath"] = in.Initialize.Connector["enforce_multipath"] == true
	return map[string]any{"connection_info": info}, nil
}

func (s *service) terminate(c *rest.Call, in struct {
	byID
	Terminate struct{ Connector struct{ Host string } } `json:"os-terminate_connection"`
}) error {
	if err := s.c.MayPull(c.Context(), in.ID, c.Who); err != nil {
		return err
	}
	return s.c.Terminate(c.Context(), in.ID, in.Terminate.Connector.Host)
}
