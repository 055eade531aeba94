package api

import (
	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/nova"
)

// moves are the actions that take a server elsewhere, or give it another flavor.
func (s *service) moves() []rest.Route {
	resize := s.action("resize", "os_compute_api:servers:resize", nil)
	resize.Body, resize.Do = s.shelf.Get("servers.resize"), rest.DoNothing(s.resize)
	migrate := s.action("migrate", "os_compute_api:os-migrate-server:migrate", nil)
	migrate.Body, migrate.Do = s.shelf.Get("servers.migrate"), rest.DoNothing(s.migrate)
	live := s.action("os-migrateLive", "os_compute_api:os-migrate-server:migrate_live", nil)
	live.Body, live.Do = s.shelf.Get("servers.migrateLive"), rest.DoNothing(s.migrateLive)
	evacuate := s.action("evacuate", "os_compute_api:os-evacuate", nil)
	evacuate.Body, evacuate.Do, evacuate.Status = s.shelf.Get("servers.evacuate"), rest.Do(s.evacuate), 200
	confirm := s.action("confirmResize", "os_compute_api:servers:confirm_resize", func(r *rest.Call, id string) error { return s.c.ConfirmResize(r.Context(), id) })
	confirm.Status = 204
	return []rest.Route{
		resize, migrate, live, evacuate, confirm,
		s.action("revertResize", "os_compute_api:servers:revert_resize", func(r *rest.Call, id string) error { return s.c.RevertResize(r.Context(), id) }),
	}
}

func (s *service) resize(c *rest.Call, in struct {
	byID
	Resize struct {
		Flavor     any     `json:"flavorRef"`
		DiskConfig *string `json:"OS-DCF:diskConfig"`
	} `json:"resize"`
}) error {
	s.ctx(c)
	return s.c.Resize(c.Context(), in.ID, nova.ResizeSpec{Flavor: text(in.Resize.Flavor), DiskConfig: in.Resize.DiskConfig})
}

// migrate lets callers say the host since 2.56.
func (s *service) migrate(c *rest.Call, in struct {
	byID
	To struct {
		Host *string `json:"host"`
	} `json:"migrate"`
}) error {
	s.ctx(c)
	host := ""
	if in.To.Host != nil {
		host = *in.To.Host
		if err := c.Require("os_compute_api:os-migrate-server:migrate:host", c.Own()); err != nil {
			return err
		}
	}
	return s.c.Migrate(c.Context(), in.ID, host)
}

// migrateLive: since 2.25 local disks are copied as it needs be, and nobody says how full a
// disk may become.
func (s *service) migrateLive(c *rest.Call, in struct {
	byID
	To struct {
		Host  *string `json:"host"`
		Block any     `json:"block_migration"`
		Over  any     `json:"disk_over_commit"`
	} `json:"os-migrateLive"`
}) error {
	s.ctx(c)
	if !c.From(2, 25) && in.To.Over == nil {
		return fault.New(fault.Invalid, "Invalid input for field/attribute os-migrateLive. 'disk_over_commit' is a required property")
	}
	spec := nova.LiveSpec{Later: c.From(2, 34)}
	if in.To.Host != nil {
		spec.Host = *in.To.Host
		if err := c.Require("os_compute_api:os-migrate-server:migrate_live:host", c.Own()); err != nil {
			return err
		}
	}
	if v, ok := rest.Bool(text(in.To.Block)); ok {
		spec.Block = &v
	}
	return s.c.LiveMigrate(c.Context(), in.ID, spec)
}

// evacuate answers with a password before 2.14, when the caller said whether the disks are
// shared as well.
func (s *service) evacuate(c *rest.Call, in struct {
	byID
	To struct {
		Host   *string `json:"host"`
		Shared any     `json:"onSharedStorage"`
		Pass   *string `json:"adminPass"`
	} `json:"evacuate"`
}) (map[string]string, error) {
	s.ctx(c)
	if !c.From(2, 14) && in.To.Shared == nil {
		return nil, fault.New(fault.Invalid, "Invalid input for field/attribute evacuate. 'onSharedStorage' is a required property")
	}
	spec := nova.EvacuateSpec{Off: c.From(2, 95)}
	if in.To.Host != nil {
		spec.Host = *in.To.Host
	}
	if err := s.c.Evacuate(c.Context(), in.ID, spec); err != nil || c.From(2, 14) {
		return nil, err
	}
	pass := password()
	if in.To.Pass != nil {
		pass = *in.To.Pass
	}
	return map[string]string{"adminPass": pass}, nil
}
