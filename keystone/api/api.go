package api

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/keystone"
)

//go:embed schema/*.json
var files embed.FS

// API answers for one Identity.
type API struct {
	id    *keystone.Identity
	shelf *rest.Shelf
}

// New is the handler of identity's whole REST API; "/" is its version document.
func New(id *keystone.Identity, rules *policy.Rules) http.Handler {
	api := &rest.API{Name: "identity", Tokens: doorkeeper{id}, Tokenless: tokenless(id), Rules: rules, MaxLimit: 1 << 30, Fault: shape, Denied: keystone.Denied, Violated: violated, Malformed: malformed, Links: links}
	h := api.Handler(Routes(id))
	api.Audit = (&API{id: id}).audit
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "X-Auth-Token")
		h.ServeHTTP(w, r)
	})
}

// Routes are all rows of identity.
func Routes(id *keystone.Identity) []rest.Route {
	a := &API{id: id, shelf: rest.NewShelf(files, "schema")}
	var all []rest.Route
	for _, rows := range [][]rest.Route{
		versionRows(), a.tokenRows(), a.domainRows(), a.projectRows(), a.tagRows(), a.userRows(), a.groupRows(), a.roleRows(),
		a.impliedRows(), a.grantRows(), a.assignmentRows(), a.regionRows(), a.serviceRows(), a.endpointRows(), a.policyRows(),
		a.credentialRows(), a.ec2Rows(), a.appCredRows(), a.accessRuleRows(), a.trustRows(), a.registeredLimitRows(), a.limitRows(),
		a.endpointFilterRows(), a.consumerRows(), a.oauth1Rows(), a.oauth2Rows(), a.domainConfigRows(), a.endpointPolicyRows(), goneRows(), a.auditRows(), a.signatureRows(),
		a.federationRows(), a.protocolRows(), a.serviceProviderRows(), a.federationAuthRows(), a.samlRows(),
	} {
		all = append(all, rows...)
	}
	return all
}

func shape(c *rest.Call, status int, f *fault.Error) any {
	if status == 401 {
		c.W.Header().Set("Www-Authenticate", fmt.Sprintf("Keystone uri=%q", c.Base()+"/v3"))
	}
	switch d := f.Detail.(type) {
	case *keystone.Receipt:
		return receipt(c, d)
	case oauth2Error:
		return d.shape(c, f)
	}
	switch {
	case f.Type == "path":
		c.W.Header().Set("Content-Type", "text/html; charset=utf-8")
		return page(status)
	case f.Type == "body":
		return map[string]any{"message": f.Text + "<br /><br />\n\n\n", "code": "413 Request Entity Too Large", "title": "Request Entity Too Large"}
	}
	return map[string]any{"error": map[string]any{"code": status, "message": f.Text, "title": http.StatusText(status)}}
}

func page(status int) string {
	text := "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again."
	if status == 405 {
		text = "The method is not allowed for the requested URL."
	}
	name := http.StatusText(status)
	return fmt.Sprintf("<!doctype html>\n<html lang=en>\n<title>%d %s</title>\n<h1>%s</h1>\n<p>%s</p>\n", status, name, name, text)
}

const blame = " The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error."

func malformed() *fault.Error {
	return fault.New(fault.Invalid, "Expecting to find valid JSON in request body."+blame)
}

// expecting is the fault of something that the request left out.
func expecting(attribute, target string) error {
	return fault.New(fault.Invalid, "Expecting to find %s in %s."+blame, attribute, target)
}

// violated names fields below the one member that every body has.
func violated(v rest.Violation) *fault.Error {
	if len(v.Path) < 2 {
		return fault.New(fault.Invalid, "%s", v.Text)
	}
	return fault.New(fault.Invalid, "Invalid input for field '%s': %s", strings.Join(v.Path[1:], "/"), v.Text)
}

func links(c *rest.Call, next string) map[string]any {
	m := map[string]any{"next": nil, "self": c.Base() + c.URL.RequestURI(), "previous": nil}
	if next != "" {
		m["next"] = c.Base() + c.Next(next)
	}
	return map[string]any{"links": m}
}

// self is the "links" of one thing.
type self struct {
	Self string `wire:"self"`
}

func link(c *rest.Call, collection, id string) self {
	return self{c.Base() + "/v3/" + collection + "/" + id}
}

// merge puts the members that a request's object gives over what is there; those
// that the wire type does not know go into its Extra.
func merge(raw json.RawMessage, wire any) error {
	if err := json.Unmarshal(raw, wire); err != nil {
		return malformed().Because(err)
	}
	var given map[string]any
	if err := json.Unmarshal(raw, &given); err != nil {
		return malformed().Because(err)
	}
	v := reflect.ValueOf(wire).Elem()
	for n := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(n).Tag.Get("json"), ",")
		delete(given, name)
	}
	for _, ours := range []string{"id", "links"} {
		delete(given, ours)
	}
	extra := v.FieldByName("Extra")
	if !extra.IsValid() || len(given) == 0 {
		return nil
	}
	if extra.IsNil() {
		extra.Set(reflect.ValueOf(map[string]any{}))
	}
	for k, x := range given {
		extra.SetMapIndex(reflect.ValueOf(k), reflect.ValueOf(&x).Elem())
	}
	return nil
}

// null is the pointer of a text, nil of none.
func null(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func options(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// list is the Listing of a collection whose filters also compare by parts of text.
func list(key string, filters ...string) *rest.Listing {
	l := &rest.Listing{Key: key, Filters: filters, Sorts: filters}
	for _, f := range filters {
		l.Prefix = append(l.Prefix, f+"__")
	}
	return l
}

// idIn is the input of rows that need only an id.
type idIn struct {
	ID string `path:"id"`
}

// home reads which domain's things a listing is about: the one asked for, else the
// caller's when its token is a domain's.
func home(c *rest.Call) string {
	d := c.URL.Query().Get("domain_id")
	if d == "" && c.Who != nil {
		d = c.Who.Domain.ID
	}
	return d
}

// inHome limits a listing to that domain.
func inHome(c *rest.Call) {
	if d := home(c); d != "" {
		c.List.Where["domain_id"] = []string{d}
	}
}

// keepHome shows to a domain's token what belongs to that domain.
func keepHome(c *rest.Call) {
	if d := c.Who.Domain.ID; d != "" {
		c.List.Where["domain_id"] = []string{d}
	}
}

// targetHome is the Target of such a listing, under the names that rules use.
func targetHome(names ...string) func(*rest.Call) (policy.Target, error) {
	return func(c *rest.Call) (policy.Target, error) {
		t := policy.Target{}
		for _, n := range names {
			t[n] = home(c)
		}
		return t, nil
	}
}

// nobody is the Target of rules that look at the caller only.
func nobody(*rest.Call) (policy.Target, error) { return policy.Target{}, nil }

// there is a Target that first sees that the thing is there: whoever has a token is
// told so when it is not.
func there[T any](find func(*rest.Call) (T, error), then func(*rest.Call) (policy.Target, error)) func(*rest.Call) (policy.Target, error) {
	return func(c *rest.Call) (policy.Target, error) {
		if _, err := find(c); err != nil {
			return nil, err
		}
		return then(c)
	}
}

// seen forgives a target that is not there: the policy then decides without it,
// and the operation itself tells those who may know.
func seen[T any](v *T, err error) (*T, error) {
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return v, err
}
