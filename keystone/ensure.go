package keystone

import (
	"context"

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
