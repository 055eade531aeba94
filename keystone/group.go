package keystone

import (
	"context"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
)

// A Group is users who are given roles together.
type Group struct {
	ID          string         `bun:"id,pk"`
	DomainID    string         `bun:"domain_id"`
	Name        string         `bun:"name"`
	Description string         `bun:"description"`
	Extra       map[string]any `bun:"extra"`
}

// A Membership is a user's being in a group.
type Membership struct {
	UserID  string `bun:"user_id,pk"`
	GroupID string `bun:"group_id,pk"`
}

// CreateGroup keeps a new group.
func (i *Identity) CreateGroup(ctx context.Context, g *Group) error {
	g.ID = orNewID(g.ID)
	return i.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := i.Domain(ctx, g.DomainID); err != nil {
			return err
		}
		if err := i.mayWrite(ctx, g.DomainID); err != nil {
			return err
		}
		err := i.store.Insert(ctx, g)
		if sqldb.Taken(err) {
			return groupTaken(g)
		}
		return err
	})
}

func groupTaken(g *Group) error {
	return conflict("group", "Duplicate entry found with name %s at domain ID %s", g.Name, g.DomainID)
}

// Group is one group by id.
func (i *Identity) Group(ctx context.Context, id string) (*Group, error) {
	if err := i.freshen(ctx, "group", id); err != nil {
		return nil, err
	}
	g, err := one[Group](ctx, i.store, Match{"id": id})
	if err == nil && g == nil {
		return nil, missing("group", id)
	}
	return g, err
}

// Groups is one page of groups; filter "user_id" is those that a user is in.
func (i *Identity) Groups(ctx context.Context, l listing.List) (listing.Page[*Group], error) {
	if err := i.freshenList(ctx, "group", l); err != nil {
		return listing.Page[*Group]{}, err
	}
	gs, err := i.store.Groups(ctx, l)
	return listing.Cut(gs, l.Limit), err
}

// UpdateGroup changes a group in place.
func (i *Identity) UpdateGroup(ctx context.Context, id string, change func(*Group) error) (*Group, error) {
	var g *Group
	err := i.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		if g, err = i.Group(ctx, id); err != nil {
			return err
		}
		home := g.DomainID
		if err := i.mayWrite(ctx, home); err != nil {
			return err
		}
		if err := change(g); err != nil {
			return err
		}
		if g.DomainID != home {
			return fault.New(fault.Invalid, "Cannot change group's domain ID")
		}
		if err = i.store.Update(ctx, g); sqldb.Taken(err) {
			return groupTaken(g)
		}
		return err
	})
	return g, err
}

// DeleteGroup takes a group away, and the roles its users had by it.
func (i *Identity) DeleteGroup(ctx context.Context, id string) error {
	return i.drop(ctx, func(ctx context.Context) error {
		g, err := i.Group(ctx, id)
		if err == nil {
			err = i.mayWrite(ctx, g.DomainID)
		}
		if err != nil {
			return err
		}
		return i.store.DropGroup(ctx, id)
	})
}

// member looks that both are there.
func (i *Identity) member(ctx context.Context, group, user string) (*Membership, error) {
	if _, err := i.Group(ctx, group); err != nil {
		return nil, err
	}
	if _, err := i.User(ctx, user); err != nil {
		return nil, err
	}
	return one[Membership](ctx, i.store, Match{"group_id": group, "user_id": user})
}

// AddMember puts a user into a group; one that is in it stays.
func (i *Identity) AddMember(ctx context.Context, group, user string) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		m, err := i.member(ctx, group, user)
		if err == nil {
			err = i.mayJoin(ctx, group, user)
		}
		if err != nil || m != nil {
			return err
		}
		if err := i.store.Insert(ctx, &Membership{UserID: user, GroupID: group}); err != nil {
			return err
		}
		return i.changed(ctx)
	})
}

// mayJoin: who is in a directory's group, and where its users are, the directory says.
func (i *Identity) mayJoin(ctx context.Context, group, user string) error {
	n, err := i.store.Count(ctx, (*DirectoryID)(nil), Match{"public_id": []string{group, user}})
	if err == nil && n > 0 {
		return Denied("LDAP does not support write operations")
	}
	return err
}

// IsMember is nil when the user is in the group.
func (i *Identity) IsMember(ctx context.Context, group, user string) error {
	m, err := i.member(ctx, group, user)
	if err == nil && m == nil {
		return notMember(group, user)
	}
	return err
}

func notMember(group, user string) error {
	return fault.New(fault.NotFound, "Could not find user '%s' in group '%s'.", user, group)
}

// RemoveMember takes a user out of a group it is in.
func (i *Identity) RemoveMember(ctx context.Context, group, user string) error {
	return i.drop(ctx, func(ctx context.Context) error {
		if _, err := i.member(ctx, group, user); err != nil {
			return err
		}
		if err := i.mayJoin(ctx, group, user); err != nil {
			return err
		}
		n, err := i.store.Delete(ctx, (*Membership)(nil), Match{"group_id": group, "user_id": user})
		if err == nil && n == 0 {
			return notMember(group, user)
		}
		return err
	})
}
