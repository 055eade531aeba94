package ldap

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"stackd/keystone"

	"github.com/go-ldap/ldap/v3"
)

// entry reads what came back; ok is false of what has no id or no name.
func (t tree) entry(e *ldap.Entry) (out keystone.Entry, ok bool) {
	out = keystone.Entry{Ref: e.DN, ID: t.idOf(e), Name: e.GetEqualFoldAttributeValue(t.name), Extra: map[string]any{}}
	if out.ID == "" || out.Name == "" {
		slog.Info("an entry of a directory has no id or no name", "dn", e.DN, "id", t.id, "name", t.name)
		return out, false
	}
	t.put(e, out.Extra, "description", t.description)
	t.put(e, out.Extra, "email", t.mail)
	for from, to := range t.also {
		t.put(e, out.Extra, to, from)
	}
	if t.defaultProject != "" && !slices.Contains(t.ignore, "default_project_id") {
		out.DefaultProject = e.GetEqualFoldAttributeValue(t.defaultProject)
	}
	return out, true
}

// reserved are members of a user that no attribute may stand in for.
var reserved = []string{"", "id", "name", "domain_id", "enabled", "default_project_id", "options", "links", "password", "password_expires_at"}

func (t tree) put(e *ldap.Entry, extra map[string]any, name, attribute string) {
	if attribute == "" || slices.Contains(reserved, name) || slices.Contains(t.ignore, name) {
		return
	}
	if v := e.GetEqualFoldAttributeValue(attribute); v != "" {
		extra[name] = v
	}
}

// idOf is the id; one with several values is what the DN says.
func (t tree) idOf(e *ldap.Entry) string {
	vs := e.GetEqualFoldAttributeValues(t.id)
	if len(vs) == 1 {
		return vs[0]
	}
	dn, err := ldap.ParseDN(e.DN)
	if err != nil || len(vs) == 0 || len(dn.RDNs) == 0 {
		return ""
	}
	for _, a := range dn.RDNs[0].Attributes {
		if strings.EqualFold(a.Type, t.id) {
			return a.Value
		}
	}
	return ""
}

// whoIsEnabled tells how to see whether a user is enabled. With emulation it is
// being in a group.
func (d *Directory) whoIsEnabled(ctx context.Context) (func(*ldap.Entry, keystone.Entry) bool, error) {
	ignored := slices.Contains(d.users.ignore, "enabled")
	if ignored || !d.set.truth("user_enabled_emulation") {
		return func(e *ldap.Entry, _ keystone.Entry) bool {
			return ignored || d.enabled(e.GetEqualFoldAttributeValue(d.users.enabled))
		}, nil
	}
	base, member, ids := d.set.text("user_enabled_emulation_dn"), "member", false
	if base == "" {
		base = "cn=enabled_users," + d.users.base
	}
	if d.set.truth("user_enabled_emulation_use_group_config") {
		member, ids = d.memberAttribute(), d.set.truth("group_members_are_ids")
	}
	found, err := d.search(ctx, base, ldap.ScopeBaseObject, "(objectClass=*)", []string{member})
	if err != nil {
		return nil, err
	}
	in := map[string]bool{}
	for _, e := range found {
		for _, m := range e.GetEqualFoldAttributeValues(member) {
			if !ids {
				m = normal(m)
			}
			in[m] = true
		}
	}
	return func(e *ldap.Entry, u keystone.Entry) bool {
		if ids {
			return in[u.ID]
		}
		return in[normal(e.DN)]
	}, nil
}

// enabled reads the attribute's text ("" is not there): a bit of a mask that stands
// for disabled, or a truth, in whatever letters, that may be inverted. What is
// neither is disabled.
func (d *Directory) enabled(text string) bool {
	if text == "" {
		text = d.set.text("user_enabled_default")
	}
	if mask := d.set.number("user_enabled_mask"); mask != 0 {
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		return err == nil && n&int64(mask) != int64(mask)
	}
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true":
		return !d.set.truth("user_enabled_invert")
	case "false":
		return d.set.truth("user_enabled_invert")
	}
	return false
}
