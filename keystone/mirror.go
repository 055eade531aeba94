package keystone

import (
	"context"
	"log/slog"
	"maps"
	"reflect"
	"slices"

	"stackd/internal/listing"
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

// named keeps the id that something of a directory has here.
func (i *Identity) named(ctx context.Context, domain, kind, local string) (string, error) {
	id := publicID(domain, kind, local)
	n, err := i.store.Count(ctx, (*DirectoryID)(nil), Match{"public_id": id})
	if err == nil && n == 0 {
		err = i.store.Insert(ctx, &DirectoryID{id, domain, kind, local})
	}
	return id, err
}

// keepUser writes a user's row if anything is new. One that was disabled is signed out.
func (i *Identity) keepUser(ctx context.Context, domain string, e Entry) (*User, error) {
	id, err := i.named(ctx, domain, "user", e.ID)
	if err != nil {
		return nil, err
	}
	old, err := one[User](ctx, i.store, Match{"id": id})
	if err != nil {
		return nil, err
	}
	today := i.db.Now().Truncate(day)
	u := &User{ID: id, CreatedAt: i.db.Now()}
	if old != nil {
		*u = *old
	}
	u.DomainID, u.Name, u.Enabled, u.DefaultProjectID, u.Extra, u.LastActiveAt = domain, e.Name, e.Enabled, e.DefaultProject, e.Extra, today
	if old == nil {
		if err := i.clearName(ctx, "user", domain, u.Name); err != nil {
			return nil, err
		}
		return u, i.store.Insert(ctx, u)
	}
	if old.Name == u.Name && old.Enabled == u.Enabled && old.DefaultProjectID == u.DefaultProjectID && sameExtra(old.Extra, u.Extra) {
		if old.LastActiveAt.Equal(today) {
			return u, nil
		}
		return u, i.store.Update(ctx, u)
	}
	if old.Enabled && !u.Enabled {
		u.TokensFrom = i.db.Now()
	}
	if old.Name != u.Name {
		if err := i.clearName(ctx, "user", domain, u.Name); err != nil {
			return nil, err
		}
	}
	return u, firstOf(i.store.Update(ctx, u), i.changed(ctx))
}

func sameExtra(a, b map[string]any) bool {
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
}

// clearName makes room for a name: the row that has it is of one that was renamed or
// is gone, and is read again when it is asked for. A row that no directory keeps stays.
func (i *Identity) clearName(ctx context.Context, kind, domain, name string) error {
	id, row := "", any((*User)(nil))
	if kind == "group" {
		row = (*Group)(nil)
		g, err := one[Group](ctx, i.store, Match{"domain_id": domain, "name": name})
		if err != nil || g == nil {
			return err
		}
		id = g.ID
	} else {
		u, err := one[User](ctx, i.store, Match{"domain_id": domain, "name": name})
		if err != nil || u == nil {
			return err
		}
		id = u.ID
	}
	if n, err := i.store.Count(ctx, (*DirectoryID)(nil), Match{"public_id": id}); err != nil || n == 0 {
		return firstOf(err, conflict(kind, "Duplicate entry found with name %s at domain ID %s", name, domain))
	}
	_, err := i.store.Delete(ctx, row, Match{"id": id})
	return err
}

func (i *Identity) keepGroup(ctx context.Context, domain string, e Entry) error {
	id, err := i.named(ctx, domain, "group", e.ID)
	if err != nil {
		return err
	}
	description, _ := e.Extra["description"].(string)
	g := &Group{ID: id, DomainID: domain, Name: e.Name, Description: description}
	old, err := one[Group](ctx, i.store, Match{"id": id})
	if err != nil || old != nil && old.Name == g.Name && old.Description == g.Description {
		return err
	}
	if old == nil || old.Name != g.Name {
		if err := i.clearName(ctx, "group", domain, g.Name); err != nil {
			return err
		}
	}
	if old == nil {
		return i.store.Insert(ctx, g)
	}
	return firstOf(i.store.Update(ctx, g), i.changed(ctx))
}

// keepMembers makes the memberships that match those with the wanted ids at the
// other end.
func (i *Identity) keepMembers(ctx context.Context, m Match, end func(*Membership) string, wanted []string, with func(string) *Membership) error {
	have, err := all[Membership](ctx, i.store, m)
	if err != nil {
		return err
	}
	var before []string
	for _, x := range have {
		if before = append(before, end(x)); !slices.Contains(wanted, end(x)) {
			if _, err := i.store.Delete(ctx, (*Membership)(nil), Match{"user_id": x.UserID, "group_id": x.GroupID}); err != nil {
				return err
			}
		}
	}
	slices.Sort(before)
	wanted = slices.Compact(slices.Sorted(slices.Values(wanted)))
	for _, id := range wanted {
		if _, there := slices.BinarySearch(before, id); !there {
			if err := i.store.Insert(ctx, with(id)); err != nil {
				return err
			}
		}
	}
	if slices.Equal(before, wanted) {
		return nil
	}
	return i.changed(ctx)
}

// freshenList reads what a listing of users or groups is about.
func (i *Identity) freshenList(ctx context.Context, kind string, l listing.List) error {
	if i.db.InTx(ctx) {
		return nil
	}
	if id := l.First("user_id"); id != "" {
		return i.freshen(ctx, "user", id)
	}
	if id := l.First("group_id"); id != "" {
		return i.freshenMembers(ctx, id)
	}
	for _, domain := range l.Where["domain_id"] {
		d, err := i.directory(ctx, domain)
		if err != nil {
			return err
		}
		if d != nil && d.due(kind) {
			if err := i.mirrorAll(ctx, d, kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// mirrorAll reads all users or groups of a directory.
func (i *Identity) mirrorAll(ctx context.Context, d *directory, kind string) error {
	read := d.Users
	if kind == "group" {
		read = d.Groups
	}
	es, err := read(ctx)
	if err != nil {
		return unreachable(d.domain, err)
	}
	names, gone := map[string]bool{}, map[string]bool{}
	err = i.db.Tx(ctx, func(ctx context.Context) error {
		clear(names)
		if err := i.rowsOf(ctx, d.domain, kind, gone); err != nil {
			return err
		}
		for _, e := range es {
			if names[e.Name] {
				slog.Warn("a directory has a name twice: the second is left out", "domain", d.domain, "kind", kind, "name", e.Name, "id", e.ID)
				continue
			}
			names[e.Name] = true
			delete(gone, publicID(d.domain, kind, e.ID))
			if kind == "group" {
				err = i.keepGroup(ctx, d.domain, e)
			} else {
				_, err = i.keepUser(ctx, d.domain, e)
			}
			if err != nil {
				return err
			}
		}
		if len(gone) == 0 {
			return nil
		}
		return i.unmirror(ctx, kind, slices.Collect(maps.Keys(gone)))
	})
	if err == nil {
		d.read(kind)
	}
	return err
}

// rowsOf fills in the ids of a domain's users or groups that its directory keeps.
func (i *Identity) rowsOf(ctx context.Context, domain, kind string, ids map[string]bool) error {
	clear(ids)
	known, err := all[DirectoryID](ctx, i.store, Match{"domain_id": domain, "kind": kind})
	if err != nil {
		return err
	}
	rows := map[string]bool{}
	if kind == "group" {
		var l []*Group
		l, err = all[Group](ctx, i.store, Match{"domain_id": domain})
		for _, g := range l {
			rows[g.ID] = true
		}
	} else {
		var l []*User
		l, err = all[User](ctx, i.store, Match{"domain_id": domain})
		for _, u := range l {
			rows[u.ID] = true
		}
	}
	for _, x := range known {
		if rows[x.PublicID] {
			ids[x.PublicID] = true
		}
	}
	return err
}

// freshenMembers reads who is in a group, if a directory keeps it.
func (i *Identity) freshenMembers(ctx context.Context, id string) error {
	d, local, err := i.mirrored(ctx, "group", id)
	if err != nil || d == nil || !d.due("members "+id) {
		return err
	}
	members, err := d.Members(ctx, local)
	if err != nil {
		return unreachable(d.domain, err)
	}
	if err := i.mirrorAll(ctx, d, "user"); err != nil {
		return err
	}
	users := map[string]bool{}
	err = i.db.Tx(ctx, func(ctx context.Context) error {
		if err := i.rowsOf(ctx, d.domain, "user", users); err != nil {
			return err
		}
		var ids []string
		for _, m := range members {
			if u := publicID(d.domain, "user", m); users[u] {
				ids = append(ids, u)
			}
		}
		return i.keepMembers(ctx, Match{"group_id": id}, func(m *Membership) string { return m.UserID }, ids, func(u string) *Membership { return &Membership{u, id} })
	})
	if err == nil {
		d.read("members " + id)
	}
	return err
}
