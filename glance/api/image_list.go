package api

import (
	"strconv"
	"strings"
	"time"

	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
)

func (s *service) list(c *rest.Call, _ struct{}) (listing.Page[imageView], error) {
	none := listing.Page[imageView]{}
	q := glance.Query{List: c.List, ProjectID: c.Who.Project.ID, All: c.Who.Admin(), Visibility: c.List.First("visibility"), MemberStatus: c.List.First("member_status"), Tags: c.List.Where["tag"], Properties: map[string]string{}}
	if c.URL.Query().Get("limit") == "" {
		q.Limit = 25
		c.List.Limit = 25
	}
	q.Where = map[string][]string{}
	q.Fields = nil
	for name, values := range c.List.Where {
		if err := filter(&q, name, values[0]); err != nil {
			return none, err
		}
	}
	if q.Visibility != "" && q.Visibility != "all" && !contains(glance.Visibilities, q.Visibility) {
		return none, fault.New(fault.Invalid, "Invalid visibility value: %s", q.Visibility)
	}
	if q.MemberStatus != "" && !contains([]string{"pending", "accepted", "rejected", "all"}, q.MemberStatus) {
		return none, fault.New(fault.Invalid, "Invalid status: %s", q.MemberStatus)
	}
	rows, err := s.g.Images(c.Context(), q)
	return listing.Map(listing.Cut(rows, q.Limit), func(i *glance.Image) imageView { return s.view(c, i) }), err
}

func contains(l []string, s string) bool {
	for _, x := range l {
		if x == s {
			return true
		}
	}
	return false
}

func filter(q *glance.Query, name, value string) error {
	switch {
	case name == "os_hidden" || name == "protected":
		b, ok := rest.Bool(value)
		if !ok {
			return fault.New(fault.Invalid, "Invalid value '%s' for '%s' filter: it is not a boolean.", value, name)
		}
		if name == "protected" {
			q.Compare = append(q.Compare, glance.Comparison{Column: "protected", Op: "=", Value: b})
		} else {
			q.Hidden = b
		}
	case numbers[name][0] != "":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			return fault.New(fault.Invalid, "Invalid value '%s' for '%s' filter: it is no size.", value, name)
		}
		q.Compare = append(q.Compare, glance.Comparison{Column: numbers[name][0], Op: numbers[name][1], Value: n})
	case name == "created_at" || name == "updated_at":
		return compareTime(q, name, value)
	case columns[name]:
		q.Where[name] = []string{value}
		if list, ok := strings.CutPrefix(value, "in:"); ok {
			q.Where[name] = splitQuoted(list)
		}
	case !reserved[name]:
		q.Properties[name] = value
	}
	return nil
}

// splitQuoted cuts a,"b,c",d at the commas outside quotes.
func splitQuoted(s string) []string {
	var out []string
	part, quoted := "", false
	for _, r := range s {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ',' && !quoted:
			out = append(out, part)
			part = ""
		default:
			part += string(r)
		}
	}
	return append(out, part)
}

func compareTime(q *glance.Query, name, value string) error {
	ops := map[string]string{"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "=", "neq": "<>"}
	op, rest, ok := strings.Cut(value, ":")
	if !ok || ops[op] == "" {
		op, rest = "eq", value
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(form, rest); err == nil {
			q.Compare = append(q.Compare, glance.Comparison{Column: name, Op: ops[op], Value: t.UTC()})
			return nil
		}
	}
	return fault.New(fault.Invalid, "Invalid time value '%s' for '%s' filter.", rest, name)
}
