package api

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/nova"
)

// find reads the servers that the query string asks for.
func (s *service) find(c *rest.Call, allTenants string) (listing.Page[*nova.Server], error) {
	none := listing.Page[*nova.Server]{}
	q, empty, err := s.serverQuery(c, allTenants)
	if err != nil || empty {
		return none, err
	}
	rows, err := s.c.Servers(c.Context(), q)
	if err != nil {
		return none, err
	}
	return listing.Cut(rows, q.Limit), nil
}

func (s *service) serverQuery(c *rest.Call, allTenants string) (q nova.ServerQuery, empty bool, err error) {
	l := c.List
	q = nova.ServerQuery{List: l, ProjectID: c.Who.Project.ID}
	q.Where = map[string][]string{}
	admin := c.May("os_compute_api:servers:allow_all_filters", c.Own())
	for _, name := range []string{"image", "user_id", "reservation_id", "hostname", "key_name", "host", "node", "vm_state", "task_state", "uuid", "access_ip_v4", "access_ip_v6", "launch_index"} {
		adminOnly := slices.Contains([]string{"host", "node", "user_id", "vm_state", "task_state", "uuid", "hostname", "key_name", "launch_index"}, name)
		if l.Has(name) && (admin || !adminOnly || c.From(2, 83) && slices.Contains([]string{"user_id", "key_name", "vm_state", "task_state", "launch_index", "hostname"}, name)) {
			q.Where[name] = l.Where[name]
		}
	}
	if v, ok := rest.Bool(l.First("all_tenants")); l.Has("all_tenants") && (v || !ok && l.First("all_tenants") == "") {
		if err := c.Require(allTenants, c.Own()); err != nil {
			return q, false, err
		}
		q.ProjectID = l.First("project_id") + l.First("tenant_id")
	} else if l.Has("all_tenants") && !ok {
		return q, false, fault.New(fault.Invalid, "Invalid value for all_tenants: %s", l.First("all_tenants"))
	}
	q.NameRegex = l.First("name")
	q.Tags, q.AnyTags, q.NotTags, q.NotAnyTags = csv(l, "tags"), csv(l, "tags-any"), csv(l, "not-tags"), csv(l, "not-tags-any")
	if v, ok := rest.Bool(l.First("deleted")); ok && v && admin {
		q.Deleted = true
	}
	if empty, err = s.states(c, &q); err != nil || empty {
		return q, empty, err
	}
	if q.ChangesSince, err = when(l, "changes-since"); err != nil {
		return q, false, err
	}
	if q.ChangesBefore, err = when(l, "changes-before"); err != nil {
		return q, false, err
	}
	empty, err = s.byFlavorAndAddress(c, &q)
	return q, empty, err
}

func csv(l listing.List, name string) []string {
	if l.First(name) == "" {
		return nil
	}
	return strings.Split(l.First(name), ",")
}

// states turns status filters into vm_states; an unknown status matches nothing.
func (s *service) states(c *rest.Call, q *nova.ServerQuery) (empty bool, err error) {
	for _, st := range c.List.Where["status"] {
		if strings.EqualFold(st, "deleted") && !c.Who.Admin() {
			return false, fault.New(fault.Forbidden, "Only administrators may list deleted instances")
		}
		if strings.EqualFold(st, "deleted") {
			q.Deleted = true
		}
		q.States = append(q.States, nova.StatesOf(strings.ToUpper(st))...)
	}
	return len(c.List.Where["status"]) > 0 && q.States == nil, nil
}

func when(l listing.List, name string) (time.Time, error) {
	text := l.First(name)
	if text == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05.999999", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fault.New(fault.Invalid, "Invalid input for query parameters %s. Value: %s. '%s' is not a 'date-time'", name, text, text)
}

// byFlavorAndAddress narrows by what the servers table does not have as a column.
func (s *service) byFlavorAndAddress(c *rest.Call, q *nova.ServerQuery) (empty bool, err error) {
	narrow := func(ids []string) {
		if q.IDs == nil {
			q.IDs = append([]string{}, ids...)
			return
		}
		q.IDs = slices.DeleteFunc(q.IDs, func(id string) bool { return !slices.Contains(ids, id) })
	}
	for name, v6 := range map[string]bool{"ip": false, "ip6": true} {
		if !c.List.Has(name) {
			continue
		}
		ids, err := s.c.Networks.WithAddress(c.Context(), c.List.First(name), v6)
		if err != nil {
			return false, err
		}
		narrow(ids)
	}
	if f := c.List.First("flavor"); f != "" {
		all, err := s.c.Servers(c.Context(), nova.ServerQuery{ProjectID: q.ProjectID})
		if err != nil {
			return false, err
		}
		ids := []string{}
		for _, r := range all {
			if r.Flavor.ID == f {
				ids = append(ids, r.ID)
			}
		}
		narrow(ids)
	}
	if v, ok := rest.Bool(c.List.First("locked")); ok && c.From(2, 73) {
		q.Where["locked"] = []string{strconv.FormatBool(v)}
	}
	return q.IDs != nil && len(q.IDs) == 0, nil
}
