package api

import (
	"context"
	"net/url"
	"reflect"

	"stackd/internal/rest"
)

type pageKey struct{}

// A seenPage is what the links of a listing are made of.
type seenPage struct {
	first, last string
	n, limit    int
}

func remember(c *rest.Call, items []any, limit int) {
	p := seenPage{n: len(items), limit: limit}
	if p.n > 0 {
		p.first, p.last = wireID(items[0]), wireID(items[p.n-1])
	}
	c.Request = c.WithContext(context.WithValue(c.Context(), pageKey{}, p))
}

func wireID(v any) string {
	f := reflect.Indirect(reflect.ValueOf(v)).FieldByName("ID")
	if !f.IsValid() {
		return ""
	}
	return f.String()
}

// links are the ways to the next and the previous page. Like neutron, a full page
// always has a next one, though it may turn out empty.
func links(c *rest.Call, _ string) map[string]any {
	p, ok := c.Context().Value(pageKey{}).(seenPage)
	if !ok || p.limit == 0 {
		return nil
	}
	var out []any
	if p.n >= p.limit || c.List.Reverse {
		out = append(out, map[string]any{"rel": "next", "href": c.Base() + c.URL.Path + "?" + turn(c, p.last, false)})
	}
	if p.n >= p.limit || !c.List.Reverse {
		out = append(out, map[string]any{"rel": "previous", "href": c.Base() + c.URL.Path + "?" + turn(c, p.first, true)})
	}
	return map[string]any{c.Route.List.Key + "_links": out}
}

func turn(c *rest.Call, marker string, back bool) string {
	q := url.Values{}
	for k, v := range c.URL.Query() {
		if k != "page_reverse" && k != "marker" {
			q[k] = v
		}
	}
	if marker != "" {
		q.Set("marker", marker)
	}
	if back {
		q.Set("page_reverse", "True")
	}
	return q.Encode()
}
