package keystone

import (
	"context"
	"maps"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
)

// A Role is a name that policies know. One with a domain is that domain's own
// shorthand: it never shows in a token, only what it implies does.
type Role struct {
	ID          string         `bun:"id,pk"`
	DomainID    string         `bun:"domain_id"`
	Name        string         `bun:"name"`
	Description *string        `bun:"description"`
	Options     map[string]any `bun:"options"`
	Extra       map[string]any `bun:"extra"`
}

// An ImpliedRole says that who has the prior role has the implied one, too.
type ImpliedRole struct {
	PriorID   string `bun:"prior_id,pk"`
	ImpliedID string `bun:"implied_id,pk"`
}

// CreateRole keeps a new role.
func (i *Identity) CreateRole(ctx context.Context, r *Role) error {
	r.ID, r.Options = orNewID(r.ID), tidy(r.Options)
	return i.db.Tx(ctx, func(ctx context.Context) error {
		if r.DomainID != "" {
			if _, err := i.Domain(ctx, r.DomainID); err != nil {
				return err
			}
		}
		if err := i.store.Insert(ctx, r); sqldb.Taken(err) {
			return roleTaken(r)
		} else if err != nil {
			return err
		}
		return i.changed(ctx)
	})
}

func roleTaken(r *Role) error {
	if r.DomainID != "" {
		return conflict("role", "Duplicate entry found with name %s at domain ID %s", r.Name, r.DomainID)
	}
	return conflict("role", "Duplicate entry found with name %s", r.Name)
}

// Role is one role by id.
func (i *Identity) Role(ctx context.Context, id string) (*Role, error) {
	r, err := one[Role](ctx, i.store, Match{"id": id})
	if err == nil && r == nil {
		return nil, missing("role", id)
	}
	return r, err
}

// Roles is one page of roles: global ones, unless filter domain_id names a domain.
func (i *Identity) Roles(ctx context.Context, l listing.List) (listing.Page[*Role], error) {
	rs, err := i.store.Roles(ctx, l)
	return listing.Cut(rs, l.Limit), err
}

// UpdateRole changes a role in place.
func (i *Identity) UpdateRole(ctx context.Context, id string, change func(*Role) error) (*Role, error) {
	var r *Role
	err := i.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		if r, err = i.Role(ctx, id); err != nil {
			return err
		}
		old, fixed := *r, immutable(r.Options)
		old.Extra = maps.Clone(r.Extra)
		if err := change(r); err != nil {
			return err
		}
		r.Options = tidy(r.Options)
		if fixed && (immutable(r.Options) || !freed(old, *r)) {
			return locked("role", id)
		}
		if r.DomainID != old.DomainID {
			return fault.New(fault.Invalid, "Cannot change Domain ID")
		}
		if err := i.store.Update(ctx, r); sqldb.Taken(err) {
			return roleTaken(r)
		} else if err != nil {
			return err
		}
		return i.changed(ctx)
	})
	return r, err
}

// DeleteRole takes a role away from everyone.
func (i *Identity) DeleteRole(ctx context.Context, id string) error {
	return i.drop(ctx, func(ctx context.Context) error {
		r, err := i.Role(ctx, id)
		if err != nil {
			return err
		}
		if immutable(r.Options) {
			return forbidden("Cannot delete immutable role resource `%s`. Set resource option \"immutable\" to false first.", id)
		}
		return i.store.DropRole(ctx, id)
	})
}

// pair looks that both roles are there.
func (i *Identity) pair(ctx context.Context, prior, implied string) (*Role, *Role, error) {
	p, err := i.Role(ctx, prior)
	if err != nil {
		return nil, nil, err
	}
	q, err := i.Role(ctx, implied)
	return p, q, err
}

// Imply lets the prior role imply another; a rule that is there stays.
func (i *Identity) Imply(ctx context.Context, prior, implied string) (p, q *Role, err error) {
	err = i.db.Tx(ctx, func(ctx context.Context) error {
		if p, q, err = i.pair(ctx, prior, implied); err != nil {
			return err
		}
		if q.Name == "admin" && q.DomainID == "" {
			return forbidden("Role %s cannot be an implied role", q.ID)
		}
		if p.DomainID == "" && q.DomainID != "" {
			return forbidden("A global role cannot imply a domain's own role.")
		}
		old, err := one[ImpliedRole](ctx, i.store, Match{"prior_id": prior, "implied_id": implied})
		if err != nil || old != nil {
			return err
		}
		if err := i.store.Insert(ctx, &ImpliedRole{prior, implied}); err != nil {
			return err
		}
		return i.changed(ctx)
	})
	return p, q, err
}

// Implication is both roles of a rule that is there.
func (i *Identity) Implication(ctx context.Context, prior, implied string) (*Role, *Role, error) {
	p, q, err := i.pair(ctx, prior, implied)
	if err != nil {
		return nil, nil, err
	}
	rule, err := one[ImpliedRole](ctx, i.store, Match{"prior_id": prior, "implied_id": implied})
	if err == nil && rule == nil {
		err = notImplied(prior, implied)
	}
	return p, q, err
}

func notImplied(prior, implied string) error {
	return fault.New(fault.NotFound, "%s does not imply %s.", prior, implied)
}

// Unimply takes a rule away.
func (i *Identity) Unimply(ctx context.Context, prior, implied string) error {
	return i.drop(ctx, func(ctx context.Context) error {
		n, err := i.store.Delete(ctx, (*ImpliedRole)(nil), Match{"prior_id": prior, "implied_id": implied})
		if err == nil && n == 0 {
			return notImplied(prior, implied)
		}
		return err
	})
}

// Implications are what each prior role implies; prior "" is all of them.
func (i *Identity) Implications(ctx context.Context, prior string) (map[*Role][]*Role, error) {
	m := Match{}
	if prior != "" {
		m["prior_id"] = prior
	}
	rules, err := all[ImpliedRole](ctx, i.store, m, "prior_id", "implied_id")
	if err != nil {
		return nil, err
	}
	roles, err := all[Role](ctx, i.store, Match{})
	by := map[string]*Role{}
	for _, r := range roles {
		by[r.ID] = r
	}
	out := map[*Role][]*Role{}
	for _, r := range rules {
		if p, q := by[r.PriorID], by[r.ImpliedID]; p != nil && q != nil {
			out[p] = append(out[p], q)
		}
	}
	return out, err
}
