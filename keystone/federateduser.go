package keystone

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"stackd/internal/fault"
	"stackd/keystone/mapping"
)

// A FederatedUser is whom an identity provider means by a name of its own.
type FederatedUser struct {
	IdPID       string `bun:"idp_id,pk"`
	ProtocolID  string `bun:"protocol_id,pk"`
	UniqueID    string `bun:"unique_id,pk"`
	UserID      string `bun:"user_id"`
	DisplayName string `bun:"display_name"`
	Shadow      bool   `bun:"shadow"` // the user was made by sign-in
}

// An ExpiringMembership is a user's being in a group by an identity provider's word.
type ExpiringMembership struct {
	UserID    string    `bun:"user_id,pk"`
	GroupID   string    `bun:"group_id,pk"`
	IdPID     string    `bun:"idp_id,pk"`
	ExpiresAt time.Time `bun:"expires_at"`
}

// WithFederated fills in whom identity providers mean by these users.
func (i *Identity) WithFederated(ctx context.Context, us ...*User) error {
	by, ids := map[string]*User{}, []string{}
	for _, u := range us {
		by[u.ID], ids = u, append(ids, u.ID)
		u.Federated = nil
	}
	rows, err := all[FederatedUser](ctx, i.store, Match{"user_id": ids}, "idp_id", "protocol_id", "unique_id")
	for _, r := range rows {
		by[r.UserID].Federated = append(by[r.UserID].Federated, r)
	}
	return err
}

// federateAs makes those that the user is given, instead of any there were, the ones
// whom identity providers mean by it.
func (i *Identity) federateAs(ctx context.Context, u *User) error {
	if u.Federated == nil {
		return nil
	}
	if _, err := i.store.Delete(ctx, (*FederatedUser)(nil), Match{"user_id": u.ID}); err != nil {
		return err
	}
	for _, f := range u.Federated {
		if _, err := i.IdentityProvider(ctx, f.IdPID); err != nil {
			return asInvalid(err)
		}
		if _, err := i.Protocol(ctx, f.IdPID, f.ProtocolID); err != nil {
			return asInvalid(err)
		}
		old, err := one[FederatedUser](ctx, i.store, Match{"idp_id": f.IdPID, "protocol_id": f.ProtocolID, "unique_id": f.UniqueID})
		if err == nil && old != nil {
			err = conflict("federated_user", "Duplicate entry found with ID %s", f.UniqueID)
		}
		if err != nil {
			return err
		}
		f.UserID, f.DisplayName = u.ID, u.Name
		if err := i.store.Insert(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// asInvalid: what a body names and is not there makes the body wrong.
func asInvalid(err error) error {
	if f := fault.Of(err); f != nil && f.Kind == fault.NotFound {
		return fault.New(fault.Invalid, "%s", f.Text)
	}
	return err
}

// quote writes an id as it stands in a URL: letters, digits and _.-~/ as they are.
func quote(id string) string {
	var b strings.Builder
	for _, c := range []byte(id) {
		if c < 128 && (unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c)) || strings.ContainsRune("_.-~/", rune(c))) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// shadow is the user that stands here for someone of an identity provider, made when
// it is not there. Its name follows the provider's, unless another has it.
func (i *Identity) shadow(ctx context.Context, idp *IdentityProvider, protocol string, u mapping.User) (*User, error) {
	key := Match{"idp_id": idp.ID, "protocol_id": protocol, "unique_id": quote(u.ID)}
	f, err := one[FederatedUser](ctx, i.store, key)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return i.makeShadow(ctx, idp, protocol, u)
	}
	found, err := i.User(ctx, f.UserID)
	if err != nil || f.DisplayName == u.Name && (u.Email == "" || found.Extra["email"] == u.Email) {
		return found, err
	}
	if f.Shadow {
		if found.Name, err = i.freeName(ctx, found.DomainID, u.Name, idp.ID, found.ID); err != nil {
			return nil, err
		}
		addMail(found, u.Email)
		if err := i.store.Update(ctx, found); err != nil {
			return nil, err
		}
	}
	f.DisplayName = u.Name
	return found, firstOf(i.store.Update(ctx, f), i.changed(ctx))
}

func addMail(u *User, mail string) {
	if mail == "" {
		return
	}
	if u.Extra == nil {
		u.Extra = map[string]any{}
	}
	u.Extra["email"] = mail
}

func (i *Identity) makeShadow(ctx context.Context, idp *IdentityProvider, protocol string, m mapping.User) (*User, error) {
	home, err := i.homeOf(ctx, m.Domain, idp)
	if err != nil {
		return nil, err
	}
	name, err := i.freeName(ctx, home, m.Name, idp.ID, "")
	if err != nil {
		return nil, err
	}
	u := &User{Name: name, DomainID: home, Enabled: true}
	addMail(u, m.Email)
	if err := i.CreateUser(ctx, u, ""); err != nil {
		return nil, err
	}
	return u, i.store.Insert(ctx, &FederatedUser{IdPID: idp.ID, ProtocolID: protocol, UniqueID: quote(m.ID), UserID: u.ID, DisplayName: m.Name, Shadow: true})
}

// freeName is the name, or when another user of the domain has it, that at the provider.
func (i *Identity) freeName(ctx context.Context, domain, name, idp, own string) (string, error) {
	for n, try := range []string{name, name + "@" + idp, name + "@" + idp + "#" + NewID()[:8]} {
		old, err := one[User](ctx, i.store, Match{"domain_id": domain, "name": try})
		if err != nil || old == nil || old.ID == own || n == 2 {
			return try, err
		}
	}
	return name, nil
}

// homeOf is the id of the domain that a mapping names; none is the provider's.
func (i *Identity) homeOf(ctx context.Context, d *mapping.Domain, idp *IdentityProvider) (string, error) {
	if d == nil || *d == (mapping.Domain{}) {
		return idp.DomainID, nil
	}
	id, err := i.findDomain(ctx, Named{ID: d.ID, Name: d.Name})
	if err == nil && id == "" {
		return "", missing("domain", d.ID+d.Name)
	}
	return id, err
}

// mappedGroups are the ids of a mapping's groups; one that is not there gives nothing.
func (i *Identity) mappedGroups(ctx context.Context, id *mapping.Identity, idp *IdentityProvider) ([]string, error) {
	rows, err := all[Group](ctx, i.store, Match{"id": id.GroupIDs})
	for _, g := range id.Groups {
		if err != nil {
			return nil, err
		}
		home, e := i.homeOf(ctx, g.Domain, idp)
		if e != nil {
			return nil, e
		}
		var more []*Group
		more, err = all[Group](ctx, i.store, Match{"name": g.Name, "domain_id": home})
		rows = append(rows, more...)
	}
	ids := []string{}
	for _, g := range rows {
		ids = append(ids, g.ID)
	}
	return unique(ids), err
}

// believe keeps the provider's word on a user's groups for as long as it is good. It
// tells whether that changes what the user may do.
func (i *Identity) believe(ctx context.Context, idp *IdentityProvider, user string, groups []string) (bool, error) {
	old, err := all[ExpiringMembership](ctx, i.store, Match{"user_id": user, "idp_id": idp.ID})
	if err != nil {
		return false, err
	}
	if _, err := i.store.Delete(ctx, (*ExpiringMembership)(nil), Match{"user_id": user, "idp_id": idp.ID}); err != nil {
		return false, err
	}
	life, now := i.memberFor(idp), i.db.Now()
	if life <= 0 {
		return len(old) > 0, nil
	}
	for _, g := range groups {
		if err := i.store.Insert(ctx, &ExpiringMembership{user, g, idp.ID, now.Add(life)}); err != nil {
			return false, err
		}
	}
	same := len(old) == len(groups)
	for _, m := range old {
		same = same && m.ExpiresAt.After(now) && slices.Contains(groups, m.GroupID)
	}
	return !same, nil
}
