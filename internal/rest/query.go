package rest

import (
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/listing"
)

// A Listing says how a collection may be read.
type Listing struct {
	Key     string   // of the items in the answer
	Filters []string // names taken into List.Where
	Prefix  []string // and names that begin so: "tag:"
	Sorts   []string // nil is any of the filters
	Strict  bool     // an unknown parameter is a 400; else it is ignored
	// Also are parameters that are neither filter nor paging, allowed when Strict.
	Also []string
}

var paging = []string{"limit", "marker", "sort", "sort_key", "sort_dir", "fields", "page_reverse", "offset"}

func (a *API) query(c *Call) error {
	l := c.Route.List
	if l == nil {
		return nil
	}
	q := c.Values()
	c.List = listing.List{Where: map[string][]string{}, Limit: a.maxLimit()}
	for name, values := range q {
		if l.filters(name) {
			c.List.Where[name] = values
		} else if l.Strict && !slices.Contains(paging, name) && !slices.Contains(l.Also, name) {
			return fault.New(fault.Invalid, "Invalid input for query parameters: Additional properties are not allowed (%s was unexpected)", Repr(name))
		}
	}
	c.List.Marker = q.Get("marker")
	for _, f := range q["fields"] {
		c.List.Fields = append(c.List.Fields, strings.Split(f, ",")...)
	}
	c.List.Reverse, _ = Bool(q.Get("page_reverse"))
	return cmpErr(c.readLimit(q), c.readSorts(q, l))
}

func cmpErr(errs ...error) error {
	for _, e := range errs {
		if e != nil {
			return e
		}
	}
	return nil
}

func (l *Listing) filters(name string) bool {
	return slices.Contains(l.Filters, name) || slices.ContainsFunc(l.Prefix, func(p string) bool { return strings.HasPrefix(name, p) })
}

func (a *API) maxLimit() int {
	if a.MaxLimit > 0 {
		return a.MaxLimit
	}
	return 1000
}

func (c *Call) readLimit(q url.Values) error {
	s := q.Get("limit")
	if s == "" {
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return fault.New(fault.Invalid, "limit param must be an integer that is not negative, not %s", Repr(s)).Named("limit")
	}
	if n > 0 {
		c.List.Limit = min(c.List.Limit, n)
	}
	return nil
}

func (c *Call) readSorts(q url.Values, l *Listing) error {
	dirs := q["sort_dir"]
	for i, k := range q["sort_key"] {
		d := ""
		if i < len(dirs) {
			d = dirs[i]
		} else if len(dirs) > 0 {
			d = dirs[len(dirs)-1]
		}
		c.List.Sorts = append(c.List.Sorts, listing.Sort{Key: k, Desc: d == "desc"})
		if d != "" && d != "asc" && d != "desc" {
			return fault.New(fault.Invalid, "Unknown sort direction %s, must be asc or desc", Repr(d))
		}
	}
	for part := range strings.SplitSeq(q.Get("sort"), ",") {
		if k, d, _ := strings.Cut(part, ":"); k != "" {
			c.List.Sorts = append(c.List.Sorts, listing.Sort{Key: k, Desc: d == "desc"})
		}
	}
	sorts := l.Sorts
	if sorts == nil {
		sorts = l.Filters
	}
	for _, s := range c.List.Sorts {
		if !slices.Contains(sorts, s.Key) {
			return fault.New(fault.Invalid, "Sort key %s is not supported", Repr(s.Key)).Named("sort")
		}
	}
	return nil
}

// Bool reads a boolean as OpenStack's services do.
func Bool(s string) (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "t", "true", "on", "y", "yes":
		return true, true
	case "0", "f", "false", "off", "n", "no":
		return false, true
	}
	return false, false
}

// Next is the path and query of the page after marker, below Base.
func (c *Call) Next(marker string) string {
	q := c.URL.Query()
	q.Set("marker", marker)
	return c.URL.Path + "?" + q.Encode()
}

func (c *Call) links(next string) map[string]any {
	if c.api.Links != nil {
		return c.api.Links(c, next)
	}
	if next == "" {
		return nil
	}
	link := map[string]any{"rel": "next", "href": c.Base() + c.Next(next)}
	return map[string]any{c.Route.List.Key + "_links": []any{link}}
}

// lastID is the wire "id" of the last item of a page.
func lastID(items reflect.Value) string {
	if items.Len() == 0 {
		return ""
	}
	v := reflect.Indirect(items.Index(items.Len() - 1))
	if v.Kind() == reflect.Interface {
		v = reflect.Indirect(v.Elem())
	}
	if v.Kind() == reflect.Map {
		for _, k := range v.MapKeys() {
			if k.String() == "id" {
				return strings.Trim(asString(v.MapIndex(k)), `"`)
			}
		}
		return ""
	}
	if v.Kind() != reflect.Struct {
		return ""
	}
	for _, f := range planOf(v.Type()) {
		if f.name == "id" {
			return asString(v.FieldByIndex(f.index))
		}
	}
	return ""
}

func asString(v reflect.Value) string {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if v.Kind() == reflect.Int || v.Kind() == reflect.Int64 {
		return strconv.FormatInt(v.Int(), 10)
	}
	return v.String()
}
