// Package api is block storage's REST surface, microversions 3.0 to 3.71. A path may
// name the caller's project after /v3, as clients before 3.67 do: the rows do not.
package api

import (
	"context"
	"embed"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/internal/token"
)

//go:embed schema/*.json
var schemas embed.FS

// Versions are the microversions offered.
var Versions = rest.Range{Min: rest.V(3, 0), Max: rest.V(3, 71)}

type service struct {
	c     *cinder.Storage
	shelf *rest.Shelf
}

// New is block storage's API below /v3, and its version documents.
func New(c *cinder.Storage, tokens token.Checker, rules *policy.Rules, keystone string) http.Handler {
	a := &rest.API{Name: "volume", Versions: Versions, Tokens: ofProject{tokens}, Rules: rules, Keystone: keystone, Fault: shape, Links: links,
		Statuses: map[fault.Kind]int{fault.OverQuota: http.StatusRequestEntityTooLarge}, RequestID: []string{"X-Openstack-Request-Id", "X-Compute-Request-Id"}}
	routes := Routes(c)
	return shorten(a.Handler(routes), collections(routes))
}

// Routes are all rows of block storage.
func Routes(c *cinder.Storage) []rest.Route {
	s := &service{c, rest.NewShelf(schemas, "schema")}
	return slices.Concat(s.versions(), s.volumes(), s.metadata(), s.actions(), s.snapshots(), s.types(), s.attachments(), s.quotas(), s.places(), s.qos(), s.transfers(), s.groupTypes(), s.groups(), s.groupSnapshots(), s.consistencyGroups(), s.messages(), s.manage(), s.backups())
}

// collections are what may follow /v3.
func collections(routes []rest.Route) map[string]bool {
	out := map[string]bool{}
	for _, r := range routes {
		if p := strings.Split(r.On, "/"); len(p) > 2 {
			out[p[2]] = true
		}
	}
	return out
}

type pathKey struct{}

// shorten takes the project out of the path, and remembers it.
func shorten(h http.Handler, collections map[string]bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := strings.SplitN(r.URL.Path, "/", 4)
		if len(p) == 4 && p[0] == "" && p[1] == "v3" && !collections[p[2]] && p[3] != "" {
			r = r.Clone(context.WithValue(r.Context(), pathKey{}, p[2]))
			r.URL.Path, r.URL.RawPath = "/v3/"+p[3], ""
		}
		if p := r.URL.Path; strings.HasPrefix(p, "/v3/") && strings.HasSuffix(p, "/") && len(p) > 4 && p != "/v3/default-types/" { // a thing whose id was forgotten, and not the list
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath = p+"-", ""
		}
		h.ServeHTTP(w, r)
	})
}

// ofProject refuses callers of another project than the path names.
type ofProject struct{ token.Checker }

func (o ofProject) Check(ctx context.Context, t string) (*token.Who, error) {
	who, err := o.Checker.Check(ctx, t)
	return of(ctx, who, err)
}

// CheckLate is token.LateChecker's, where the checker is one.
func (o ofProject) CheckLate(ctx context.Context, t string) (*token.Who, error) {
	late, ok := o.Checker.(token.LateChecker)
	if !ok {
		return o.Check(ctx, t)
	}
	who, err := late.CheckLate(ctx, t)
	return of(ctx, who, err)
}

func of(ctx context.Context, who *token.Who, err error) (*token.Who, error) {
	if p, _ := ctx.Value(pathKey{}).(string); err == nil && p != "" && p != who.Project.ID {
		return nil, fault.New(fault.Invalid, "Malformed request url")
	}
	return who, err
}

var faults = map[int]string{400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound", 405: "badMethod", 409: "conflictingRequest",
	413: "overLimit", 415: "badMediaType", 429: "overLimit", 501: "notImplemented", 503: "serviceUnavailable"}

type problem struct {
	Code    int    `wire:"code"`
	Message string `wire:"message"`
	Retry   string `wire:"retryAfter,,omitempty"`
}

// shape is cinder's error shape: {"itemNotFound": {"code": 404, "message": …}}.
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
	p := problem{Code: status, Message: f.Text}
	if status == 413 {
		p.Retry = "0"
		c.W.Header().Set("Retry-After", "0")
	}
	return map[string]any{name: p}
}

// stamp is a time as cinder writes it.
type stamp time.Time

// MarshalJSON is null for no time.
func (s stamp) MarshalJSON() ([]byte, error) {
	t := time.Time(s)
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(t.UTC().Format(`"2006-01-02T15:04:05.000000"`)), nil
}

type byID struct {
	ID string `path:"id"`
}

type link struct {
	Rel  string `wire:"rel"`
	Href string `wire:"href"`
}

func below(c *rest.Call) string {
	if c.Who.Project.ID == "" {
		return ""
	}
	return "/" + c.Who.Project.ID
}

func self(c *rest.Call, kind, id string) []link {
	return []link{{"self", c.Base() + "/v3" + below(c) + "/" + kind + "/" + id}, {"bookmark", c.Base() + below(c) + "/" + kind + "/" + id}}
}

type countKey struct{}

// counted shows how many there are of all pages.
func counted(c *rest.Call, n int) {
	c.Request = c.Request.WithContext(context.WithValue(c.Context(), countKey{}, n))
}

// linkNames are the listings whose links are not named after their key.
var linkNames = map[string]string{"volume_types": "volume_type_links", "backups": "backups_links", "groups": "group_links", "group_snapshots": "group_snapshot_links", "group_types": "group_type_links", "consistencygroups": "consistencygroup_links"}

// links are what a listing has beside its items.
func links(c *rest.Call, next string) map[string]any {
	out := map[string]any{}
	if n, ok := c.Context().Value(countKey{}).(int); ok {
		out["count"] = n
	}
	if next != "" {
		name := linkNames[c.Route.List.Key]
		if name == "" {
			name = c.Route.List.Key + "_links"
		}
		out[name] = []link{{"next", c.Base() + "/v3" + below(c) + strings.TrimPrefix(c.Next(next), "/v3")}}
	}
	return out
}

// page shows a page. A full one has a link to the next, as the real service cannot
// know that there is none.
func page[A, B any](c *rest.Call, p listing.Page[A], f func(A) B) listing.Page[B] {
	out := listing.Map(p, f)
	n, err := strconv.Atoi(c.URL.Query().Get("limit"))
	out.More = out.More || err == nil && n > 0 && len(out.Items) == n
	return out
}

// whole tells whether the caller sees all projects' things, as it asked.
func whole(c *rest.Call) bool {
	v := c.URL.Query().Get("all_tenants")
	b, ok := rest.Bool(v)
	return c.Who.Admin() && (c.Who.Project.ID == "" || v != "" && (b || !ok))
}
