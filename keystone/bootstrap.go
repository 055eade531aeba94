package keystone

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// BootstrapSpec is what a new cloud begins with.
type BootstrapSpec struct {
	AdminUser     string // "admin"
	AdminPassword string // of the admin when it is made, or when it has none; "" keeps
	ResetAdmin    bool   // the admin gets AdminPassword in any case: nobody knows the one it has
	AdminProject  string // "admin"
	Region        string // "RegionOne"
	// Endpoints are the addresses of the services there are: service type → URL.
	// Types other than those of Services are refused.
	Endpoints map[string]string
}

// ServiceNames are the services of a cloud by their type in the catalog.
var ServiceNames = map[string]string{
	"identity": "keystone", "image": "glance", "placement": "placement", "compute": "nova",
	"network": "neutron", "volumev3": "cinderv3", "object-store": "swift",
}

// chain are the roles of which each implies the next.
var chain = []string{"admin", "manager", "member", "reader"}

// Bootstrap makes what a cloud must have: keys, the default domain, roles, the
// admin and its project, the service project, the catalog. What is there already
// stays as it is, but for endpoints, which follow the addresses given.
func (i *Identity) Bootstrap(ctx context.Context, b BootstrapSpec) error {
	b.AdminUser, b.AdminProject, b.Region = cmp.Or(b.AdminUser, "admin"), cmp.Or(b.AdminProject, "admin"), cmp.Or(b.Region, "RegionOne")
	for kind := range b.Endpoints {
		if ServiceNames[kind] == "" {
			return fmt.Errorf("bootstrap: there is no service of type %q", kind)
		}
	}
	var fresh User
	old, err := one[User](ctx, i.store, Match{"domain_id": DefaultDomain, "name": b.AdminUser})
	if err == nil && (old == nil || old.PasswordHash == "" || b.ResetAdmin) { // hashing takes a quarter of a second of every start
		err = i.setPassword(ctx, &fresh, b.AdminPassword)
	}
	if err != nil {
		return err
	}
	return i.drop(ctx, func(ctx context.Context) error {
		if err := i.setUpKeys(ctx); err != nil {
			return err
		}
		domain, err := i.ensureProject(ctx, &Project{ID: DefaultDomain, Name: "Default", Description: "The default domain", IsDomain: true})
		if err != nil {
			return err
		}
		roles, err := i.ensureRoles(ctx)
		if err != nil {
			return err
		}
		if err := i.ensureAdmin(ctx, b, domain, roles["admin"], fresh); err != nil {
			return err
		}
		_, err = i.ensureProject(ctx, &Project{Name: "service", DomainID: domain, ParentID: domain, Description: "What the services own."})
		if err != nil {
			return err
		}
		return i.ensureCatalog(ctx, b)
	})
}

// AdminKnows tells whether a password is that of the administrator, whom Bootstrap has
// made with it or found with another.
func (i *Identity) AdminKnows(ctx context.Context, password string) (bool, error) {
	u, err := one[User](ctx, i.store, Match{"domain_id": DefaultDomain, "name": "admin"})
	if err != nil || u == nil {
		return false, err
	}
	return i.verify(ctx, u, password)
}

func (i *Identity) ensureProject(ctx context.Context, p *Project) (string, error) {
	old, err := one[Project](ctx, i.store, Match{"domain_id": p.DomainID, "name": p.Name})
	if err != nil || old != nil {
		return idOf(old), err
	}
	if p.IsDomain {
		if old, err = one[Project](ctx, i.store, Match{"id": p.ID}); err != nil || old != nil {
			return idOf(old), err
		}
	}
	p.ID, p.Enabled, p.Options = orNewID(p.ID), true, map[string]any{}
	return p.ID, i.store.Insert(ctx, p)
}

func idOf(p *Project) string {
	if p == nil {
		return ""
	}
	return p.ID
}

func (i *Identity) ensureRoles(ctx context.Context) (map[string]string, error) {
	ids := map[string]string{}
	for _, name := range append(chain[:len(chain):len(chain)], "service") {
		r, err := one[Role](ctx, i.store, Match{"domain_id": "", "name": name})
		if err != nil {
			return nil, err
		}
		if r == nil {
			r = &Role{ID: NewID(), Name: name, Options: map[string]any{"immutable": true}}
			if err := i.store.Insert(ctx, r); err != nil {
				return nil, err
			}
		}
		ids[name] = r.ID
	}
	for n := range len(chain) - 1 {
		if err := i.ensure(ctx, &ImpliedRole{ids[chain[n]], ids[chain[n+1]]}, (*ImpliedRole)(nil), Match{"prior_id": ids[chain[n]], "implied_id": ids[chain[n+1]]}); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func (i *Identity) ensure(ctx context.Context, row, kind any, m Match) error {
	n, err := i.store.Count(ctx, kind, m)
	if err != nil || n > 0 {
		return err
	}
	return i.store.Insert(ctx, row)
}

func (i *Identity) ensureAdmin(ctx context.Context, b BootstrapSpec, domain, role string, fresh User) error {
	project, err := i.ensureProject(ctx, &Project{Name: b.AdminProject, DomainID: domain, ParentID: domain, Description: "Bootstrap project for initializing the cloud."})
	if err != nil {
		return err
	}
	u, err := one[User](ctx, i.store, Match{"domain_id": domain, "name": b.AdminUser})
	if err != nil {
		return err
	}
	if u == nil {
		u = &User{ID: NewID(), Name: b.AdminUser, DomainID: domain, Enabled: true, Options: map[string]any{}, CreatedAt: i.db.Now(), PasswordHash: fresh.PasswordHash, PasswordAt: fresh.PasswordAt}
		err = i.store.Insert(ctx, u)
	} else if (u.PasswordHash == "" || b.ResetAdmin) && fresh.PasswordHash != "" {
		u.PasswordHash, u.PasswordAt, u.PasswordExpiresAt = fresh.PasswordHash, fresh.PasswordAt, time.Time{}
		u.Enabled, u.LastActiveAt, u.TokensFrom = true, i.db.Now().Truncate(day), i.db.Now() // whatever kept it out, it is let in
		err = firstOf(i.forgive(ctx, u.ID), i.store.Update(ctx, u))
	}
	if err != nil {
		return err
	}
	for _, t := range []Target{{"project", project}, System} {
		a := NewAssignment(Actor{"user", u.ID}, t, role, false)
		if err := i.ensure(ctx, &a, (*Assignment)(nil), a.match()); err != nil {
			return err
		}
	}
	return nil
}

func (i *Identity) ensureCatalog(ctx context.Context, b BootstrapSpec) error {
	if err := i.ensure(ctx, &Region{ID: b.Region}, (*Region)(nil), Match{"id": b.Region}); err != nil {
		return err
	}
	for kind, url := range b.Endpoints {
		name := ServiceNames[kind]
		s, err := one[Service](ctx, i.store, Match{"type": kind, "name": name})
		if err != nil {
			return err
		}
		if s == nil {
			s = &Service{ID: NewID(), Type: kind, Name: &name, Enabled: true}
			if err := i.store.Insert(ctx, s); err != nil {
				return err
			}
		}
		for _, face := range []string{"public", "internal", "admin"} {
			if err := i.ensureEndpoint(ctx, &Endpoint{ServiceID: s.ID, Interface: face, RegionID: b.Region, URL: url, Enabled: true}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (i *Identity) ensureEndpoint(ctx context.Context, e *Endpoint) error {
	old, err := one[Endpoint](ctx, i.store, Match{"service_id": e.ServiceID, "interface": e.Interface, "region_id": e.RegionID})
	if err != nil || old != nil && old.URL == e.URL {
		return err
	}
	if old != nil {
		old.URL = e.URL
		return i.store.Update(ctx, old)
	}
	e.ID = NewID()
	return i.store.Insert(ctx, e)
}
