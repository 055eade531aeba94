package ldap

import (
	"context"
	"strings"

	"stackd/keystone"

	"github.com/go-ldap/ldap/v3"
)

// inChain is the rule by which Active Directory looks through groups in groups.
const inChain = ":1.2.840.113556.1.4.1941:"

// equals is the filter of an attribute's value, whatever the value holds.
func equals(attribute, value string) string {
	return "(" + attribute + "=" + ldap.EscapeFilter(value) + ")"
}

// find asks for entries of a tree that match all filters.
func (d *Directory) find(ctx context.Context, t tree, filters ...string) ([]*ldap.Entry, error) {
	filter := "(&(objectClass=" + ldap.EscapeFilter(t.class) + ")" + t.filter + strings.Join(filters, "") + ")"
	return d.search(ctx, t.base, scopes[d.set.text("query_scope")], filter, t.attributes())
}

// search is empty where the base is not there.
func (d *Directory) search(ctx context.Context, base string, scope int, filter string, attributes []string) ([]*ldap.Entry, error) {
	q := ldap.NewSearchRequest(base, scope, derefs[d.set.text("alias_dereferencing")], 0, int(requestTime.Seconds()), false, filter, attributes, nil)
	var out []*ldap.Entry
	err := d.with(ctx, func(c *ldap.Conn) error {
		ask := c.Search
		if n := d.set.number("page_size"); n > 0 {
			ask = func(q *ldap.SearchRequest) (*ldap.SearchResult, error) { return c.SearchWithPaging(q, uint32(n)) }
		}
		r, err := ask(q)
		if ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
			return nil
		}
		if err != nil {
			return err
		}
		out = r.Entries
		return nil
	})
	return out, err
}

// one is the first of the entries there are.
func one(es []keystone.Entry, err error) (*keystone.Entry, error) {
	if err != nil || len(es) == 0 {
		return nil, err
	}
	return &es[0], nil
}

// User is one user by the attribute that is its id.
func (d *Directory) User(ctx context.Context, id string) (*keystone.Entry, error) {
	return one(d.findUsers(ctx, equals(d.users.id, id)))
}

// UserNamed is one user by its name.
func (d *Directory) UserNamed(ctx context.Context, name string) (*keystone.Entry, error) {
	return one(d.findUsers(ctx, equals(d.users.name, name)))
}

// Users are all users.
func (d *Directory) Users(ctx context.Context) ([]keystone.Entry, error) { return d.findUsers(ctx) }

func (d *Directory) findUsers(ctx context.Context, filters ...string) ([]keystone.Entry, error) {
	found, err := d.find(ctx, d.users, filters...)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	enabled, err := d.whoIsEnabled(ctx)
	if err != nil {
		return nil, err
	}
	var out []keystone.Entry
	for _, e := range found {
		if u, ok := d.users.entry(e); ok {
			u.Enabled = enabled(e, u)
			out = append(out, u)
		}
	}
	return out, nil
}

// Group is one group by the attribute that is its id.
func (d *Directory) Group(ctx context.Context, id string) (*keystone.Entry, error) {
	return one(d.findGroups(ctx, equals(d.groups.id, id)))
}

// Groups are all groups.
func (d *Directory) Groups(ctx context.Context) ([]keystone.Entry, error) { return d.findGroups(ctx) }

func (d *Directory) findGroups(ctx context.Context, filters ...string) ([]keystone.Entry, error) {
	found, err := d.find(ctx, d.groups, filters...)
	var out []keystone.Entry
	for _, e := range found {
		if g, ok := d.groups.entry(e); ok {
			out = append(out, g)
		}
	}
	return out, err
}

// GroupsOf are the groups that a user is in.
func (d *Directory) GroupsOf(ctx context.Context, u keystone.Entry) ([]keystone.Entry, error) {
	who := u.Ref
	if d.set.truth("group_members_are_ids") {
		who = u.ID
	}
	if d.set.truth("group_ad_nesting") {
		return d.findGroups(ctx, equals("member"+inChain, who))
	}
	return d.findGroups(ctx, equals(d.memberAttribute(), who))
}

func (d *Directory) memberAttribute() string { return d.set.text("group_member_attribute") }

// Members are the ids of the users in a group.
func (d *Directory) Members(ctx context.Context, id string) ([]string, error) {
	t := d.groups
	t.also = map[string]string{d.memberAttribute(): ""}
	found, err := d.find(ctx, t, equals(t.id, id))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	members := found[0].GetEqualFoldAttributeValues(d.memberAttribute())
	if d.set.truth("group_members_are_ids") {
		return members, nil
	}
	var in []string // filters
	if d.set.truth("group_ad_nesting") {
		in = []string{equals("memberOf"+inChain, found[0].DN)}
	}
	users, err := d.find(ctx, d.users, in...)
	if err != nil {
		return nil, err
	}
	return d.pick(users, members, in != nil), nil
}

// pick are the ids of the users that the members name, or of all.
func (d *Directory) pick(users []*ldap.Entry, members []string, all bool) []string {
	wanted := map[string]bool{}
	for _, m := range members {
		wanted[normal(m)] = true
	}
	var out []string
	for _, e := range users {
		if u, ok := d.users.entry(e); ok && (all || wanted[normal(e.DN)]) {
			out = append(out, u.ID)
		}
	}
	return out
}

// normal writes a DN so that two ways to write it are one.
func normal(dn string) string {
	p, err := ldap.ParseDN(dn)
	if err != nil {
		return strings.ToLower(dn)
	}
	return strings.ToLower(p.String())
}
