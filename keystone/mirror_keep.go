package keystone

import (
	"context"
	"reflect"
	"slices"
)

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
