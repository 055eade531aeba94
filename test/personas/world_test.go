package personas

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stackd/agent/sim"
	"stackd/cloud"
	"stackd/internal/loglevel"
	"stackd/internal/token"
	"stackd/keystone"
	"stackd/neutron"
	simfabric "stackd/neutron/sim"
)

const password = "correct horse"

// A persona is one kind of caller, with a token.
type persona struct {
	name, token, user string
	who               *token.Who
}

// own and foreign are the two sides that everything is made for.
const own, foreign = 0, 1

// A world is a cloud with everything in it twice: once of the callers' own project
// and domain, once of others.
type world struct {
	t        testing.TB
	c        *cloud.Cloud
	admin    string
	personas []*persona

	domain, project, user [2]string
	things                map[string][2]string // by service:collection.parameter
}

func newWorld(t testing.TB) *world {
	dir := t.TempDir()
	c, err := cloud.Open(t.Context(), cloud.Config{Database: dir + "/db", DataDir: dir, AdminPassword: password, ResetAdmin: true, Identity: keystone.Options{BcryptCost: 4},
		Address: func(port int) string { return fmt.Sprintf("http://cloud:%d", port) }, Network: neutron.DefaultConfig(), Logs: &loglevel.Levels{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.DB.Close() })
	w := &world{t: t, c: c, things: map[string][2]string{}}
	ctx, cancel := context.WithCancel(t.Context())
	done := w.work(ctx)
	w.admin = w.signIn(keystone.Named{Name: "admin", DomainID: "default"}, keystone.ScopeWish{Project: &keystone.Named{Name: "admin", DomainID: "default"}})
	w.people()
	w.make()
	cancel()
	<-done
	return w
}

// work runs the cloud on one simulated host.
func (w *world) work(ctx context.Context) <-chan struct{} {
	f := simfabric.New(w.c.Networking, time.Millisecond)
	w.c.Networking.Carry(f)
	w.c.Also(f.Run)
	nodes, err := sim.New(sim.Of(w.c.Plane()), sim.Options{Hosts: 1, Dir: w.t.TempDir()}, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, name := range nodes.Names() {
		w.c.Nodes.Set(name, nodes)
	}
	w.c.Also(nodes.Run)
	done := make(chan struct{})
	go func() { w.c.Run(ctx); close(done) }()
	return done
}

func (w *world) signIn(u keystone.Named, scope keystone.ScopeWish) string {
	w.t.Helper()
	_, t, err := w.c.Identity.SignIn(w.t.Context(), keystone.Proof{Methods: []string{"password"}, Password: password, User: u}, scope)
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

// people makes the two domains, projects and users, and the callers.
func (w *world) people() {
	for side, name := range []string{"own", "foreign"} {
		w.domain[side] = w.must("identity", w.admin, "POST /v3/domains", fmt.Sprintf(`{"domain":{"name":%q}}`, name))
		w.project[side] = w.must("identity", w.admin, "POST /v3/projects", fmt.Sprintf(`{"project":{"name":%q,"domain_id":%q}}`, name, w.domain[side]))
	}
	for _, p := range []struct{ name, role, scope string }{
		{"admin", "admin", "project"}, {"system-admin", "admin", "system"}, {"system-reader", "reader", "system"},
		{"domain-admin", "admin", "domain"}, {"domain-manager", "manager", "domain"}, {"domain-reader", "reader", "domain"},
		{"manager", "manager", "project"}, {"member", "member", "project"}, {"reader", "reader", "project"}, {"service", "service", "project"}, {"unscoped", "", ""},
	} {
		w.personas = append(w.personas, w.persona(p.name, p.role, p.scope, own))
	}
	w.personas = append(w.personas, &persona{name: "none"})
	w.user = [2]string{w.named("member").user, w.persona("other", "member", "project", foreign).user}
}

func (w *world) named(name string) *persona {
	for _, p := range w.personas {
		if p.name == name {
			return p
		}
	}
	panic(name)
}

func (w *world) persona(name, role, scope string, side int) *persona {
	p := &persona{name: name}
	p.user = w.must("identity", w.admin, "POST /v3/users", fmt.Sprintf(`{"user":{"name":%q,"domain_id":%q,"password":%q}}`, name, w.domain[side], password))
	wish := keystone.ScopeWish{Unscoped: true}
	switch scope {
	case "project":
		wish = keystone.ScopeWish{Project: &keystone.Named{ID: w.project[side]}}
		w.grant("projects/"+w.project[side], p.user, role)
	case "domain":
		wish = keystone.ScopeWish{Domain: &keystone.Named{ID: w.domain[side]}}
		w.grant("domains/"+w.domain[side], p.user, role)
	case "system":
		wish = keystone.ScopeWish{System: true}
		w.grant("system", p.user, role)
	}
	p.token = w.signIn(keystone.Named{ID: p.user}, wish)
	who, err := w.c.Identity.Check(w.t.Context(), p.token)
	if err != nil {
		w.t.Fatal(err)
	}
	p.who = who
	return p
}

func (w *world) grant(on, user, role string) {
	w.must("identity", w.admin, "PUT /v3/"+on+"/users/"+user+"/roles/"+w.role(role), "")
}

func (w *world) role(name string) string {
	return w.must("identity", w.admin, "GET /v3/roles?name="+name, "")
}

func (w *world) send(ctx context.Context, service, token, call, body string) *httptest.ResponseRecorder {
	return w.sendAt(ctx, service, versions[service], token, call, body)
}

// sendAt makes a request within the context's transaction, if it has one.
func (w *world) sendAt(ctx context.Context, service, version, token, call, body string) *httptest.ResponseRecorder {
	method, path, _ := strings.Cut(call, " ")
	r := httptest.NewRequestWithContext(ctx, method, "http://cloud"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType(call))
	r.Header.Set("OpenStack-API-Version", version)
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	if service == "identity" && strings.HasSuffix(path, "/v3/auth/tokens") {
		r.Header.Set("X-Subject-Token", w.named("member").token)
	}
	out := httptest.NewRecorder()
	w.c.Handlers[service].ServeHTTP(out, r)
	return out
}

func contentType(call string) string {
	switch {
	case strings.HasSuffix(call, "/file"), strings.HasSuffix(call, "/stage"):
		return "application/octet-stream"
	case strings.HasPrefix(call, "PATCH /v2/images"):
		return "application/openstack-images-v2.1-json-patch"
	}
	return "application/json"
}

var versions = map[string]string{"compute": "compute 2.90", "placement": "placement 1.39", "volume": "volume 3.71"}

// must is the id of what was made or found.
func (w *world) must(service, token, call, body string) string {
	w.t.Helper()
	out := w.send(w.t.Context(), service, token, call, body)
	if out.Code >= 300 {
		w.t.Fatalf("%s %s %s: %d %s", service, call, body, out.Code, out.Body)
	}
	return firstID(out.Body.Bytes())
}

// firstID is the id of the one thing of an answer, or of the first of its list.
func firstID(body []byte) string {
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	if d.Decode(&m) != nil {
		return ""
	}
	if id, ok := m["id"].(string); ok {
		return id
	}
	for k, v := range m {
		if l, ok := v.([]any); ok && len(l) > 0 && k != "links" {
			v = l[0]
		}
		one, _ := v.(map[string]any)
		for _, name := range []string{"id", "uuid", "access", "name"} {
			switch id := one[name].(type) {
			case string:
				return id
			case float64:
				return fmt.Sprint(id)
			}
		}
	}
	return ""
}
