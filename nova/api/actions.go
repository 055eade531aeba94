package api

import (
	"strings"

	"stackd/internal/rest"
	"stackd/nova"
)

// action is the row of one server action that takes no arguments.
func (s *service) action(name, rule string, do func(*rest.Call, string) error) rest.Route {
	return rest.Route{On: "POST /v2.1/servers/{id}/action", Action: name, Rule: rule, Status: 202, Mutates: true,
		Do: rest.DoNothing(func(c *rest.Call, in byID) error { s.ctx(c); return do(c, in.ID) })}
}

func (s *service) actions() []rest.Route {
	c := s.c
	lock := s.action("lock", "os_compute_api:os-lock-server:lock", s.lock)
	lock.Body = s.shelf.Get("servers.lock")
	reboot := s.action("reboot", "os_compute_api:servers:reboot", s.reboot)
	reboot.Body = s.shelf.Get("servers.reboot")
	reset := s.action("os-resetState", "os_compute_api:os-admin-actions:reset_state", s.resetState)
	reset.Body = s.shelf.Get("servers.resetState")
	add := s.action("addSecurityGroup", "os_compute_api:os-security-groups:add", s.group(c.AddGroup))
	drop := s.action("removeSecurityGroup", "os_compute_api:os-security-groups:remove", s.group(c.DropGroup))
	add.Body, drop.Body = s.shelf.Get("servers.securityGroup"), s.shelf.Get("servers.securityGroup")
	image := s.action("createImage", "os_compute_api:servers:create_image", nil)
	image.Body, image.Do = s.shelf.Get("servers.createImage"), rest.Do(s.createImage)
	rebuild := s.action("rebuild", "os_compute_api:servers:rebuild", nil)
	rebuild.Body, rebuild.Do = s.shelf.Get("servers.rebuild"), rest.Do(s.rebuild)
	rescue := s.action("rescue", "os_compute_api:os-rescue", nil)
	rescue.Body, rescue.Do, rescue.Status = s.shelf.Get("servers.rescue"), rest.Do(s.rescue), 200
	backup := s.action("createBackup", "os_compute_api:os-create-backup", nil)
	backup.Body, backup.Do = s.shelf.Get("servers.createBackup"), rest.Do(s.createBackup)
	password := s.action("changePassword", "os_compute_api:os-admin-password", func(r *rest.Call, id string) error { return c.ChangePassword(r.Context(), id) })
	password.Body = s.shelf.Get("servers.changePassword")
	dump := s.action("trigger_crash_dump", "os_compute_api:servers:trigger_crash_dump", func(r *rest.Call, id string) error { return c.CrashDump(r.Context(), id) })
	dump.Since = rest.V(2, 17)
	return []rest.Route{
		dump, image, rebuild, rescue, backup, password,
		s.action("shelve", "os_compute_api:os-shelve:shelve", func(r *rest.Call, id string) error { return c.Shelve(r.Context(), id) }),
		s.action("shelveOffload", "os_compute_api:os-shelve:shelve_offload", func(r *rest.Call, id string) error { return c.ShelveOffload(r.Context(), id) }),
		s.unshelveRow(),
		s.action("unrescue", "os_compute_api:os-unrescue", func(r *rest.Call, id string) error { return c.Unrescue(r.Context(), id) }),
		s.action("os-start", "os_compute_api:servers:start", func(r *rest.Call, id string) error { return c.Start(r.Context(), id) }),
		s.action("os-stop", "os_compute_api:servers:stop", func(r *rest.Call, id string) error { return c.Stop(r.Context(), id) }),
		s.action("pause", "os_compute_api:os-pause-server:pause", func(r *rest.Call, id string) error { return c.Pause(r.Context(), id) }),
		s.action("unpause", "os_compute_api:os-pause-server:unpause", func(r *rest.Call, id string) error { return c.Unpause(r.Context(), id) }),
		s.action("suspend", "os_compute_api:os-suspend-server:suspend", func(r *rest.Call, id string) error { return c.Suspend(r.Context(), id) }),
		s.action("resume", "os_compute_api:os-suspend-server:resume", func(r *rest.Call, id string) error { return c.Resume(r.Context(), id) }),
		s.action("unlock", "os_compute_api:os-lock-server:unlock", func(r *rest.Call, id string) error { return c.Unlock(r.Context(), id) }),
		s.action("forceDelete", "os_compute_api:os-deferred-delete:force", func(r *rest.Call, id string) error { return c.Delete(r.Context(), id, true) }),
		lock, reboot, reset, add, drop,
	}
}

func (s *service) reboot(c *rest.Call, id string) error {
	var in struct{ Reboot struct{ Type string } }
	if err := c.Read(&in); err != nil {
		return err
	}
	return s.c.Reboot(c.Context(), id, strings.EqualFold(in.Reboot.Type, "HARD"))
}

func (s *service) lock(c *rest.Call, id string) error {
	var in struct {
		Lock *struct {
			Reason *string `json:"locked_reason"`
		}
	}
	if err := c.Read(&in); err != nil {
		return err
	}
	by := "owner"
	if c.Who.Admin() {
		by = "admin"
	}
	var why *string
	if in.Lock != nil {
		why = in.Lock.Reason
	}
	return s.c.Lock(c.Context(), id, by, why)
}

func (s *service) resetState(c *rest.Call, id string) error {
	var in struct {
		Reset struct{ State string } `json:"os-resetState"`
	}
	if err := c.Read(&in); err != nil {
		return err
	}
	return s.c.ResetState(c.Context(), id, map[string]string{"active": nova.Active, "error": nova.Errored}[in.Reset.State])
}

func (s *service) group(do func(ctx ctxt, id, name string) error) func(*rest.Call, string) error {
	return func(c *rest.Call, id string) error {
		var in map[string]struct{ Name string }
		if err := c.Read(&in); err != nil {
			return err
		}
		for _, v := range in {
			return do(c.Context(), id, v.Name)
		}
		return nil
	}
}

type imageOut struct {
	ID string `wire:"image_id,2.45.."`
}

// createImage answers with the new image's address, since 2.45 with its id.
func (s *service) createImage(c *rest.Call, in struct {
	byID
	Image struct {
		Name     string
		Metadata map[string]string
	} `json:"createImage"`
}) (*imageOut, error) {
	s.ctx(c)
	id, err := s.c.CreateImage(c.Context(), in.ID, strings.TrimSpace(in.Image.Name), in.Image.Metadata)
	return madeImage(c, id, err)
}

func (s *service) createBackup(c *rest.Call, in struct {
	byID
	Backup struct {
		Name     string
		Type     string `json:"backup_type"`
		Rotation any
		Metadata map[string]string
	} `json:"createBackup"`
}) (*imageOut, error) {
	s.ctx(c)
	b := in.Backup
	id, err := s.c.CreateBackup(c.Context(), in.ID, strings.TrimSpace(b.Name), b.Type, number(b.Rotation), b.Metadata)
	return madeImage(c, id, err)
}

func (s *service) rescue(c *rest.Call, in struct {
	byID
	Rescue struct {
		AdminPass *string
		Image     string `json:"rescue_image_ref"`
	} `json:"rescue"`
}) (map[string]string, error) {
	s.ctx(c)
	pass := password()
	if in.Rescue.AdminPass != nil {
		pass = *in.Rescue.AdminPass
	}
	return map[string]string{"adminPass": pass}, s.c.Rescue(c.Context(), in.ID, in.Rescue.Image, c.From(2, 87))
}

func madeImage(c *rest.Call, id string, err error) (*imageOut, error) {
	if err != nil {
		return nil, err
	}
	if c.From(2, 45) {
		return &imageOut{id}, nil
	}
	c.W.Header().Set("Location", c.Base()+"/images/"+id)
	return nil, nil
}
