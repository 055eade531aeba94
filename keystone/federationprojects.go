package keystone

import (
	"context"

	"stackd/keystone/mapping"
)

// provision makes the projects of a mapping, and gives the user its roles there; in
// sync, roles on projects that the mapping does not give are taken back. All is
// checked before anything is made.
func (i *Identity) provision(ctx context.Context, idp *IdentityProvider, u *User, ps []mapping.Project, sync bool) error {
	roles, err := i.mappedRoles(ctx, idp, u, ps)
	if err != nil {
		return err
	}
	want := map[Assignment]bool{}
	for _, p := range ps {
		id, err := i.mappedProject(ctx, idp, p)
		if err != nil {
			return err
		}
		for _, r := range p.Roles {
			want[NewAssignment(Actor{"user", u.ID}, Target{"project", id}, roles[r.Name], false)] = true
		}
	}
	have, err := all[Assignment](ctx, i.store, Match{"actor_kind": "user", "actor_id": u.ID, "target_kind": "project"})
	if err != nil {
		return err
	}
	moved := false
	for _, a := range have {
		if want[*a] {
			delete(want, *a)
		} else if sync {
			if _, err := i.store.Delete(ctx, (*Assignment)(nil), a.match()); err != nil {
				return err
			}
			moved = true
		}
	}
	for a := range want {
		if err := i.Assign(ctx, a); err != nil {
			return err
		}
	}
	if moved {
		return i.changed(ctx)
	}
	return nil
}

// mappedRoles are the ids of the roles by name: all must be there, and be global or
// of the user's domain.
func (i *Identity) mappedRoles(ctx context.Context, idp *IdentityProvider, u *User, ps []mapping.Project) (map[string]string, error) {
	var names []string
	for _, p := range ps {
		for _, r := range p.Roles {
			names = append(names, r.Name)
		}
	}
	rows, err := all[Role](ctx, i.store, Match{"name": unique(names)}, "domain_id") // global ones first
	if err != nil {
		return nil, err
	}
	ids, foreign := map[string]string{}, map[string]bool{}
	for _, r := range rows {
		switch {
		case ids[r.Name] != "":
		case r.DomainID == "" || r.DomainID == u.DomainID:
			ids[r.Name] = r.ID
		default:
			foreign[r.Name] = true
		}
	}
	for _, n := range names {
		if ids[n] == "" && foreign[n] {
			return nil, forbidden("role: %s must be within the same domain as the identity provider: %s.", n, idp.ID)
		}
		if ids[n] == "" {
			return nil, missing("role", n)
		}
	}
	return ids, nil
}

func (i *Identity) mappedProject(ctx context.Context, idp *IdentityProvider, m mapping.Project) (string, error) {
	home, err := i.homeOf(ctx, m.Domain, idp)
	if err != nil {
		return "", err
	}
	p, err := one[Project](ctx, i.store, Match{"domain_id": home, "name": m.Name})
	if err == nil && p == nil {
		p = &Project{Name: m.Name, DomainID: home, Enabled: true}
		err = i.CreateProject(ctx, p)
	}
	if err != nil {
		return "", err
	}
	return p.ID, nil
}
