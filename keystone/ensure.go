package keystone

import (
	"context"
	"maps"
	"slices"

	"stackd/internal/fault"
)

// EnsureProject is the id of a project of the default domain, made when missing.
func (i *Identity) EnsureProject(ctx context.Context, name string) (id string, err error) {
	err = i.db.Tx(ctx, func(ctx context.Context) error {
		id, err = i.ensureProject(ctx, &Project{Name: name, DomainID: DefaultDomain, ParentID: DefaultDomain})
		return err
	})
	return id, err
}

// EnsureUser is the id of a user of the default domain, made when missing with the
// password; one that is there keeps its own.
func (i *Identity) EnsureUser(ctx context.Context, name, password string) (string, error) {
	u, err := one[User](ctx, i.store, Match{"domain_id": DefaultDomain, "name": name})
	if err != nil || u != nil {
		return userID(u), err
	}
	u = &User{Name: name, DomainID: DefaultDomain, Enabled: true}
	err = i.CreateUser(ctx, u, password)
	return u.ID, err
}

func userID(u *User) string {
	if u == nil {
		return ""
	}
	return u.ID
}

// EnsureRole gives a user a global role by its name.
func (i *Identity) EnsureRole(ctx context.Context, user string, on Target, role string) error {
	r, err := one[Role](ctx, i.store, Match{"domain_id": "", "name": role})
	if err == nil && r == nil {
		err = fault.New(fault.NotFound, "Could not find role: %s.", role)
	}
	if err != nil {
		return err
	}
	return i.Assign(ctx, NewAssignment(Actor{"user", user}, on, r.ID, false))
}

// HomeOf is the name of the project in which a user works: the one named, which must
// be there, else the user's default project, else the first on which it has a role;
// "" when there is none.
func (i *Identity) HomeOf(ctx context.Context, user Named, project string) (string, error) {
	u, err := i.findUser(ctx, user)
	if err == nil && u == nil {
		err = fault.New(fault.NotFound, "There is no user %s in domain %s.", user.Name, user.DomainName)
	}
	if err != nil {
		return "", err
	}
	if project != "" {
		p, err := one[Project](ctx, i.store, Match{"domain_id": u.DomainID, "name": project})
		if err == nil && p == nil {
			err = fault.New(fault.NotFound, "There is no project %s in domain %s.", project, user.DomainName)
		}
		return project, err
	}
	if u.DefaultProjectID != "" {
		if p, err := one[Project](ctx, i.store, Match{"id": u.DefaultProjectID}); err != nil || p != nil {
			return p.Name, err
		}
	}
	ids, err := i.Scopes(ctx, u.ID, "project")
	if err != nil || len(ids) == 0 {
		return "", err
	}
	by, err := byID(ctx, i.store, ids, func(p *Project) string { return p.Name })
	if err != nil || len(by) == 0 {
		return "", err
	}
	return slices.Min(slices.Collect(maps.Keys(by))), nil
}
