package rest

import (
	"context"
	"embed"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/token"
)

//go:embed testdata/schema/*.json
var files embed.FS

type compute struct{ shelf *Shelf }

type serverView struct {
	ID        string    `wire:"id"`
	FlavorID  string    `wire:"flavor,..2.46"`
	Flavor    flavor    `wire:"flavor,2.47.."`
	Locked    bool      `wire:"locked,2.9.."`
	At        time.Time `wire:"at,,omitempty"`
	Addresses []string  `wire:"addresses,2.90.."`
}
type flavor struct {
	VCPUs int `wire:"vcpus"`
}
type serverOut struct {
	Server serverView `wire:"server"`
}
type createIn struct {
	Server struct {
		Name string `json:"name"`
	} `json:"server"`
}

func (a *compute) routes() []Route {
	servers := &Listing{Key: "servers", Filters: []string{"name"}, Strict: true}
	return []Route{
		{On: "GET /", Open: true, Do: Do(func(*Call, struct{}) (map[string]string, error) { return map[string]string{"v": "<&>"}, nil })},
		{On: "POST /servers", Rule: "os_compute_api:servers:create", Do: Do(a.create), Body: a.shelf.Get("servers.create"), Status: 202},
		{On: "GET /servers/{id}", Rule: "os_compute_api:servers:show", Do: Do(a.show)},
		{On: "GET /servers/detail", Rule: "os_compute_api:servers:detail", Do: Do(a.list), List: servers},
		{On: "POST /servers/{id}/action", Action: "os-start", Rule: "os_compute_api:servers:start", Do: DoNothing(a.start), Status: 202},
		{On: "GET /old", Rule: "os_compute_api:servers:show", Do: Do(a.show), Until: V(2, 36)},
		{On: "GET /panic", Rule: "os_compute_api:servers:show", Do: Do(func(*Call, struct{}) (any, error) { panic("secret") })},
	}
}

func (a *compute) list(c *Call, _ struct{}) (listing.Page[serverView], error) {
	return listing.Cut([]serverView{{ID: "a"}, {ID: "b"}, {ID: "c"}}, c.List.Limit), nil
}

func (a *compute) show(c *Call, in struct {
	ID string `path:"id"`
}) (serverOut, error) {
	if in.ID != "s1" {
		return serverOut{}, fault.New(fault.NotFound, "Instance %s could not be found.", in.ID).Because(io.EOF)
	}
	return serverOut{serverView{ID: "s1", FlavorID: "f1", Flavor: flavor{2}}}, nil
}

func (a *compute) create(c *Call, in createIn) (serverOut, error) {
	return serverOut{serverView{ID: in.Server.Name}}, nil
}

func (a *compute) start(c *Call, in struct {
	ID string `path:"id"`
}) error {
	if in.ID != "s1" {
		return fault.New(fault.Conflict, "no")
	}
	return nil
}

type tokens struct{}

func (tokens) Check(_ context.Context, t string) (*token.Who, error) {
	if t != "member" && t != "reader" {
		return nil, fault.New(fault.Unauthorized, "The request you have made requires authentication.")
	}
	return &token.Who{Project: token.Ref{ID: "p"}, Roles: []token.Ref{{Name: t}, {Name: "reader"}}}, nil
}

func handler(t testing.TB) http.Handler {
	rules, err := policy.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	api := &API{Name: "compute", Versions: Range{V(2, 1), V(2, 96)}, Legacy: "X-Openstack-Nova-Api-Version", Tokens: tokens{}, Rules: rules["nova"], MaxBody: 300,
		Fault: func(c *Call, status int, f *fault.Error) any {
			return map[string]any{"fault": map[string]any{"code": status, "message": f.Text}}
		}}
	return api.Handler((&compute{NewShelf(files, "testdata/schema")}).routes())
}

func TestWalk(t *testing.T) {
	h := handler(t)
	for _, c := range []struct{ req, ver, tok, body, want string }{
		{"GET /", "", "", "", `200 {"v":"<&>"}`},
		{"GET /servers/s1", "", "member", "", `200 {"server":{"id":"s1","flavor":"f1"}}`},
		{"GET //servers//s1/", "", "member", "", `200 {"server":{"id":"s1","flavor":"f1"}}`},
		{"GET /servers/s1", "latest", "member", "", `200 {"server":{"id":"s1","flavor":{"vcpus":2},"locked":false,"addresses":[]}}`},
		{"GET /servers/zz", "", "member", "", `404 {"fault":{"code":404,"message":"Instance zz could not be found."}}`},
		{"GET /servers/s1", "", "", "", `401 {"fault":{"code":401,"message":"The request you have made requires authentication."}}`},
		{"GET /servers/s1", "", "forged", "", `401 {"fault":{"code":401,"message":"The request you have made requires authentication."}}`},
		{"POST /servers", "", "reader", `{"server":{"name":"x","flavorRef":1}}`, `403 {"fault":{"code":403,"message":"Policy doesn't allow os_compute_api:servers:create to be performed."}}`},
		{"GET /servers/s1", "2.999", "member", "", `406 {"fault":{"code":406,"message":"Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is 2.96."}}`},
		{"GET /servers/s1", "x", "member", "", `400 {"fault":{"code":400,"message":"API Version String x is of invalid format. Must be of format MajorNum.MinorNum."}}`},
		{"POST /servers", "", "member", `{"server":{"name":"x","flavorRef":1}}`, `202 {"server":{"id":"x","flavor":""}}`},
		{"POST /servers", "2.9", "member", `{"server":{"name":"x"}}`, `202 {"server":{"id":"x","flavor":"","locked":false}}`},
		{"POST /servers", "", "member", `{"server":{"name":"x"}}`, `400 {"fault":{"code":400,"message":"Invalid input for field/attribute server. Value: {'name': 'x'}. 'flavorRef' is a required property"}}`},
		{"POST /servers", "", "member", `{"server":{"name":"toolong","flavorRef":1}}`, `400 {"fault":{"code":400,"message":"Invalid input for field/attribute name. Value: 'toolong'. 'toolong' is too long"}}`},
		{"POST /servers", "", "member", `{"server":{"name":"x","flavorRef":1,"nosuch":true}}`, `400 {"fault":{"code":400,"message":"Invalid input for field/attribute server. Value: {'flavorRef': 1, 'name': 'x', 'nosuch': True}. Additional properties are not allowed ('nosuch' was unexpected)"}}`},
		{"POST /servers", "", "member", `{"server":`, `400 {"fault":{"code":400,"message":"Malformed request body"}}`},
		{"POST /servers", "", "member", ``, `400 {"fault":{"code":400,"message":"Malformed request body"}}`},
		{"POST /servers", "", "member", strings.Repeat("x", 301), `413 {"fault":{"code":413,"message":"Request is too large. Larger than max_request_body_size (300)."}}`},
		{"GET /servers/detail?limit=1&fields=id&sort_key=name&sort_dir=desc", "", "member", "", `200 {"servers":[{"id":"a"}],"servers_links":[{"href":"http://example.com/servers/detail?fields=id\u0026limit=1\u0026marker=a\u0026sort_dir=desc\u0026sort_key=name","rel":"next"}]}`},
		{"GET /servers/detail?limit=3", "", "member", "", `200 {"servers":[{"id":"a","flavor":""},{"id":"b","flavor":""},{"id":"c","flavor":""}]}`},
		{"GET /servers/detail?sort_key=secret", "", "member", "", `400 {"fault":{"code":400,"message":"Sort key 'secret' is not supported"}}`},
		{"GET /servers/detail?limit=-1", "", "member", "", `400 {"fault":{"code":400,"message":"limit param must be an integer that is not negative, not '-1'"}}`},
		{"GET /servers/detail?nosuch=1", "", "member", "", `400 {"fault":{"code":400,"message":"Invalid input for query parameters: Additional properties are not allowed ('nosuch' was unexpected)"}}`},
		{"POST /servers/s1/action", "", "member", `{"os-start":null}`, `202 `},
		{"POST /servers/s1/action", "", "member", `{"os-nosuch":null}`, `400 {"fault":{"code":400,"message":"There is no such action: os-nosuch"}}`},
		{"POST /servers/s1/action", "", "member", `{"os-start":null,"x":1}`, `400 {"fault":{"code":400,"message":"Malformed request body"}}`},
		{"GET /old", "2.37", "member", "", `404 {"fault":{"code":404,"message":"The resource could not be found."}}`},
		{"GET /nosuch", "", "member", "", `404 {"fault":{"code":404,"message":"The resource could not be found."}}`},
		{"GET /nosuch", "", "", "", `401 {"fault":{"code":401,"message":"The request you have made requires authentication."}}`},
		{"PUT /servers", "", "member", "{}", `405 {"fault":{"code":405,"message":"The method PUT is not allowed for this resource."}}`},
		{"GET /panic", "", "member", "", `500 {"fault":{"code":500,"message":"An unexpected error prevented the server from fulfilling your request."}}`},
	} {
		m, p, _ := strings.Cut(c.req, " ")
		r := httptest.NewRequest(m, "http://example.com/", strings.NewReader(c.body))
		r.URL.Path, r.URL.RawQuery, _ = strings.Cut(p, "?")
		if c.ver != "" {
			r.Header.Set("OpenStack-API-Version", "volume 3.1, compute "+c.ver)
		}
		if c.tok != "" {
			r.Header.Set("X-Auth-Token", c.tok)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := strings.ReplaceAll(w.Result().Status[:4]+w.Body.String(), `&`, `\u0026`); got != strings.ReplaceAll(c.want, `&`, `\u0026`) {
			t.Errorf("%s %s:\n got %s\nwant %s", c.req, c.ver, got, c.want)
		}
		if w.Header().Get("X-Openstack-Request-Id") == "" {
			t.Error(c.req, "has no request id")
		}
	}
}

func TestUnguardedRowIsRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("a row without a rule was taken")
		}
	}()
	(&API{}).Handler([]Route{{On: "GET /x"}})
}

func BenchmarkList1000(b *testing.B) {
	items := make([]serverView, 1000)
	api := &API{Versions: Range{V(2, 1), V(2, 96)}}
	c := &Call{api: api, Version: V(2, 90), Route: Route{List: &Listing{Key: "servers"}}, Request: httptest.NewRequest("GET", "/", nil)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.view(listing.Page[serverView]{Items: items}); err != nil {
			b.Fatal(err)
		}
	}
}
