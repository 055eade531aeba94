package keystone

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"stackd/internal/listing"
)

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
