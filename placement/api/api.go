// Package api is placement's REST surface, microversions 1.0 to 1.39.
package api

import (
	"embed"
	"net/http"
	"slices"
	"time"

	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/internal/token"
	"stackd/placement"
)

//go:embed schema/*.json
var schemas embed.FS

// Versions are the microversions offered.
var Versions = rest.Range{Min: rest.V(1, 0), Max: rest.V(1, 39)}

type service struct {
	p     *placement.Placement
	shelf *rest.Shelf
}

// New is placement's API and its version document.
func New(p *placement.Placement, tokens token.Checker, rules *policy.Rules, keystone string) http.Handler {
	a := &rest.API{Name: "placement", Versions: Versions, Tokens: tokens, Rules: rules, Keystone: keystone, Fault: shape, MaxBody: 4 << 20,
		Denied: func(rule string) *fault.Error {
			return fault.New(fault.Forbidden, "Policy does not allow %s to be performed.", rule)
		},
		Violated: func(v rest.Violation) *fault.Error {
			return fault.New(fault.Invalid, "JSON does not validate: %s", v.Text)
		},
		Malformed: func() *fault.Error { return fault.New(fault.Invalid, "Malformed JSON: the body is no JSON") }}
	return a.Handler(Routes(p))
}

// Routes are all rows of placement.
func Routes(p *placement.Placement) []rest.Route {
	s := &service{p, rest.NewShelf(schemas, "schema")}
	return slices.Concat(s.root(), s.providers(), s.inventories(), s.tagged(), s.classes(), s.allocations(), s.usages(), s.candidates())
}

func (s *service) root() []rest.Route {
	return []rest.Route{{On: "GET /", Open: true, Do: rest.Do(func(c *rest.Call, _ struct{}) (any, error) {
		return map[string]any{"versions": []any{map[string]any{"id": "v1.0", "max_version": Versions.Max.String(), "min_version": Versions.Min.String(), "status": "CURRENT",
			"links": []link{{"self", ""}}}}}, nil
	})}}
}

type link struct {
	Rel  string `wire:"rel"`
	Href string `wire:"href"`
}

// explained is how WebOb opens the text of a status.
var explained = map[int]string{
	400: "The server could not comply with the request since it is either malformed or otherwise incorrect.", 403: "Access was denied to this resource.", 404: "The resource could not be found.",
	405: "The method specified is not allowed for this resource.", 409: "There was a conflict when trying to complete your request.",
	406: "The resource could not be generated that was acceptable to your browser (content of type application/json. ", 413: "The body of your request was too large for this server.",
	500: "The server has either erred or is incapable of performing the requested operation.",
}

type problem struct {
	Status  int    `wire:"status"`
	Title   string `wire:"title"`
	Detail  string `wire:"detail"`
	Code    string `wire:"code,1.23..1.999,omitempty"`
	Request string `wire:"request_id"`
	Max     string `wire:"max_version,,omitempty"`
	Min     string `wire:"min_version,,omitempty"`
}

func shape(c *rest.Call, status int, f *fault.Error) any {
	if status == 401 {
		return rest.Unidentified()
	}
	p := problem{Status: status, Title: http.StatusText(status), Detail: explained[status] + "\n\n " + f.Text + "  ", Request: c.ID, Code: f.Type}
	switch {
	case status == 406:
		p.Detail = explained[406] + "\n\n Invalid microversion: Unacceptable version header: " + c.Version.String()
		p.Max, p.Min, p.Code = Versions.Max.String(), Versions.Min.String(), ""
	case p.Code == "" || p.Code == "path" || p.Code == "version" || p.Code == "body":
		p.Code = "placement.undefined_code"
	}
	return map[string]any{"errors": []problem{p}}
}

// fresh says, since 1.15, when a thing last changed and that it may change again.
func fresh(c *rest.Call, at time.Time) {
	if c.From(1, 15) {
		c.W.Header().Set("Last-Modified", at.UTC().Format(http.TimeFormat))
		c.W.Header().Set("Cache-Control", "no-cache")
	}
}

type byID struct {
	ID string `path:"id"`
}

// place is the address of something new.
func place(c *rest.Call, path string) { c.W.Header().Set("Location", c.Base()+path) }
