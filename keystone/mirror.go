package keystone

import (
	"context"
)

// What a directory keeps is mirrored in the rows of users, groups and memberships as
// it is read, so that all that is asked of users holds for these too. The directory
// is the truth: it is read at sign-in, and for anything else when what is known is
// older than Options.DirectoryFresh. It is never read within a transaction.

// userRow is a user as it is now, nil when there is none.
func (i *Identity) userRow(ctx context.Context, id string) (*User, error) {
	if err := i.freshen(ctx, "user", id); err != nil {
		return nil, err
	}
	return one[User](ctx, i.store, Match{"id": id})
}

// mirrored is the directory that keeps a user or group, and its id there; nil when
// none does.
func (i *Identity) mirrored(ctx context.Context, kind, id string) (*directory, string, error) {
	if len(id) != 64 {
		return nil, "", nil
	}
	x, err := one[DirectoryID](ctx, i.store, Match{"public_id": id, "kind": kind})
	if err != nil || x == nil {
		return nil, "", err
	}
	d, err := i.directory(ctx, x.DomainID)
	return d, x.LocalID, err
}

// directoryOf is mirrored of a user who may not be there.
func (i *Identity) directoryOf(ctx context.Context, u *User) (*directory, string, error) {
	if u == nil {
		return nil, "", nil
	}
	return i.mirrored(ctx, "user", u.ID)
}

// freshen reads a user with its groups, or a group, if a directory keeps it and what
// is known is old.
func (i *Identity) freshen(ctx context.Context, kind, id string) error {
	if i.db.InTx(ctx) {
		return nil
	}
	d, local, err := i.mirrored(ctx, kind, id)
	if err != nil || d == nil || !d.due(id) {
		return err
	}
	if kind == "user" {
		e, err := d.User(ctx, local)
		if err != nil {
			return unreachable(d.domain, err)
		}
		_, err = i.mirrorUser(ctx, d, id, e)
		return err
	}
	e, err := d.Group(ctx, local)
	if err != nil {
		return unreachable(d.domain, err)
	}
	return i.mirrorGroup(ctx, d, id, e)
}

// userInDirectory is the user by its name there, nil when there is none.
func (i *Identity) userInDirectory(ctx context.Context, d *directory, name string) (*User, error) {
	e, err := d.UserNamed(ctx, name)
	if err != nil || e == nil {
		return nil, unreachableOr(d.domain, err)
	}
	return i.mirrorUser(ctx, d, publicID(d.domain, "user", e.ID), e)
}

func unreachableOr(domain string, err error) error {
	if err == nil {
		return nil
	}
	return unreachable(domain, err)
}

// mirrorUser keeps what was read of a user; nil is one that is gone.
func (i *Identity) mirrorUser(ctx context.Context, d *directory, id string, e *Entry) (*User, error) {
	var groups []Entry
	if e != nil {
		var err error
		if groups, err = d.GroupsOf(ctx, *e); err != nil {
			return nil, unreachable(d.domain, err)
		}
	}
	var u *User
	err := i.db.Tx(ctx, func(ctx context.Context) (err error) {
		if e == nil {
			return i.unmirror(ctx, "user", []string{id})
		}
		if u, err = i.keepUser(ctx, d.domain, *e); err != nil {
			return err
		}
		var ids []string
		for _, g := range groups {
			if err := i.keepGroup(ctx, d.domain, g); err != nil {
				return err
			}
			ids = append(ids, publicID(d.domain, "group", g.ID))
		}
		return i.keepMembers(ctx, Match{"user_id": u.ID}, func(m *Membership) string { return m.GroupID }, ids, func(g string) *Membership { return &Membership{u.ID, g} })
	})
	if err == nil {
		d.read(id)
	}
	return u, err
}

// mirrorGroup keeps what was read of a group.
func (i *Identity) mirrorGroup(ctx context.Context, d *directory, id string, e *Entry) error {
	err := i.db.Tx(ctx, func(ctx context.Context) error {
		if e == nil {
			return i.unmirror(ctx, "group", []string{id})
		}
		return i.keepGroup(ctx, d.domain, *e)
	})
	if err == nil {
		d.read(id)
	}
	return err
}

// unmirror forgets what is gone from its directory, for as long as it is: roles stay
// assigned, should it come back.
func (i *Identity) unmirror(ctx context.Context, kind string, ids []string) error {
	var row any = (*User)(nil)
	if kind == "group" {
		row = (*Group)(nil)
	}
	n, err := i.store.Delete(ctx, row, Match{"id": ids})
	if err != nil || n == 0 {
		return err
	}
	if _, err := i.store.Delete(ctx, (*Membership)(nil), Match{kind + "_id": ids}); err != nil {
		return err
	}
	return i.changed(ctx)
}
