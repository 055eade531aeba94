// Package api is the image service's REST surface (image API v2).
package api

import (
	"net/http"
	"slices"

	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/internal/token"
)

type service struct {
	g     *glance.Imaging
	shelf *rest.Shelf
}

// New is the image API below /v2, and its version documents.
func New(g *glance.Imaging, tokens token.Checker, rules *policy.Rules, keystone string) http.Handler {
	a := &rest.API{Name: "image", Tokens: tokens, Rules: rules, Keystone: keystone, Fault: shape, Links: links, MaxLimit: 1000,
		Denied: func(rule string) *fault.Error {
			return fault.New(fault.Forbidden, "You are not authorized to complete %s action.", rule)
		},
		Violated: func(v rest.Violation) *fault.Error {
			return fault.New(fault.Invalid, "Provided object does not match schema: %s", v.Text)
		},
		Malformed: func() *fault.Error { return fault.New(fault.Invalid, "Malformed JSON in request body.") }}
	return named(a.Handler(Routes(g)))
}

// named: "/v2/images/" is an image whose name was forgotten, and not the list.
func named(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/images/" {
			u := *r.URL
			u.Path += "-"
			r = r.Clone(r.Context())
			r.URL = &u
		}
		h.ServeHTTP(w, r)
	})
}

// Routes are all rows of the image service.
func Routes(g *glance.Imaging) []rest.Route {
	s := &service{g, rest.NewShelf(metadefFiles, "schema/metadefs")}
	return slices.Concat(s.versions(), s.images(), s.data(), s.imports(), s.members(), s.infos(), s.tasks(), s.locationRows(), s.caches(), s.schemas(), s.namespaces(), s.definitions())
}

const unidentified = "This server could not verify that you are authorized to access the document you requested. Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required."

// shape is WebOb's, throughout.
func shape(c *rest.Call, status int, f *fault.Error) any {
	text := f.Text
	switch {
	case status == 401:
		text = unidentified
	case f.Type == "media":
		return map[string]string{"message": text + "\n<br /><br />\n", "code": "415 Unsupported Media Type", "title": "Unsupported Media Type"}
	}
	return rest.WebOb(status, text)
}

// links are what a listing has beside its items.
func links(c *rest.Call, next string) map[string]any {
	key := c.Route.List.Key
	first := *c.URL
	q := first.Query()
	q.Del("marker")
	m := map[string]any{"first": path(c.URL.Path, q.Encode()), "schema": "/v2/schemas/" + key}
	if next != "" {
		m["next"] = c.Next(next)
	}
	return m
}

func path(p, query string) string {
	if query == "" {
		return p
	}
	return p + "?" + query
}

type byID struct {
	ID string `path:"id"`
}

// may asks a rule about an image.
func may(c *rest.Call, rule string) func(*glance.Image) error {
	return func(i *glance.Image) error { return c.Require(rule, target(i)) }
}

func target(i *glance.Image) policy.Target {
	return policy.Target{"project_id": i.Owner, "owner": i.Owner, "visibility": i.Visibility}
}
