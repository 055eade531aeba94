// Package api is compute's REST surface: its rows, wire types and one short
// function a row. See internal/rest for how a row becomes an answer.
package api

import (
	"embed"
	"net/http"
	"slices"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/internal/token"
	"stackd/nova"
)

//go:embed schema/*.json
var schemas embed.FS

// Versions are the microversions offered.
var Versions = rest.Range{Min: rest.V(2, 1), Max: rest.V(2, 96)}

type service struct {
	c     *nova.Compute
	shelf *rest.Shelf
}

// New is compute's API below /v2.1, and its version documents.
func New(c *nova.Compute, tokens token.Checker, rules *policy.Rules, keystone string) http.Handler {
	a := &rest.API{Name: "compute", Versions: Versions, Legacy: "X-Openstack-Nova-Api-Version", Tokens: tokens, Rules: rules, Keystone: keystone,
		Fault: shape, RequestID: []string{"X-Openstack-Request-Id", "X-Compute-Request-Id"}}
	return compatible(a.Handler(Routes(c)))
}

// compatible serves /v2 as /v2.1 without microversions, which is all that is left
// of the old API.
func compatible(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest, ok := strings.CutPrefix(r.URL.Path, "/v2/"); ok && rest != "" {
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath = "/v2.1/"+rest, ""
			r.Header.Del("X-OpenStack-Nova-API-Version")
			r.Header.Del("OpenStack-API-Version")
		}
		h.ServeHTTP(w, r)
	})
}

// Routes are all rows of compute.
func Routes(c *nova.Compute) []rest.Route {
	s := &service{c, rest.NewShelf(schemas, "schema")}
	return slices.Concat(s.versions(), s.servers(), s.actions(), s.moves(), s.migrations(), s.parts(), s.interfaces(), s.volumes(), s.consoles(), s.assisted(), s.flavors(), s.keypairs(), s.hosts(), s.services(), s.aggregates(), s.quotas(), s.groups())
}

var faults = map[int]string{400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound", 405: "badMethod", 409: "conflictingRequest",
	413: "overLimit", 415: "badMediaType", 429: "overLimit", 501: "notImplemented", 503: "serviceUnavailable"}

type problem struct {
	Code    int    `wire:"code"`
	Message string `wire:"message"`
}

// shape is nova's error shape: {"itemNotFound": {"code": 404, "message": …}}.
func shape(c *rest.Call, status int, f *fault.Error) any {
	switch {
	case status == 401:
		return rest.Unidentified()
	case f.Type == "path" || f.Type == "body":
		return rest.WebOb(status, f.Text)
	}
	name := faults[status]
	if name == "" {
		name = "computeFault"
	}
	return map[string]any{name: problem{status, f.Text}}
}

// byID is the path of one thing.
type byID struct {
	ID string `path:"id"`
}

// ctx carries the request's id into compute, which writes it to the actions.
func (s *service) ctx(c *rest.Call) {
	c.Request = c.Request.WithContext(nova.WithRequestID(c.Context(), c.ID))
}

// link is one of a thing's links.
type link struct {
	Rel  string `wire:"rel"`
	Href string `wire:"href"`
	Type string `wire:"type,,omitempty"`
}

func links(c *rest.Call, kind, id string) []link {
	return []link{{Rel: "self", Href: c.Base() + "/v2.1/" + kind + "/" + id}, {Rel: "bookmark", Href: c.Base() + "/" + kind + "/" + id}}
}

func bookmark(c *rest.Call, kind, id string) []link {
	return []link{{Rel: "bookmark", Href: c.Base() + "/" + kind + "/" + id}}
}
