package api_test

import (
	_ "embed"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stackd/internal/policy"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	"stackd/keystone/api"
	"stackd/keystone/keystonetest"
)

// golden is what a real keystone answers: name, status, headers, members, message.
//
//go:embed testdata/golden.tsv
var golden string

// A site is a keystone that answers.
type site struct {
	*keystonetest.Cloud
	t testing.TB
	h http.Handler
	n int // administrators made
}

func open(t testing.TB, db *sqldb.DB) *site {
	t.Helper()
	return openWith(t, db, keystone.Options{})
}

func openWith(t testing.TB, db *sqldb.DB, o keystone.Options) *site {
	t.Helper()
	c := keystonetest.With(t, db, o)
	rules, err := policy.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	return &site{Cloud: c, t: t, h: api.New(c.Identity, rules["keystone"])}
}

// do makes a request and reads a JSON answer.
func (s *site) do(token, call, body string, headers ...string) (*httptest.ResponseRecorder, map[string]any) {
	s.t.Helper()
	method, url, _ := strings.Cut(call, " ")
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	var out map[string]any
	json.Unmarshal(w.Body.Bytes(), &out)
	return w, out
}

// must is do, with the status that is wanted; it answers the thing's id.
func (s *site) must(status int, token, call, body string) string {
	s.t.Helper()
	w, out := s.do(token, call, body)
	if w.Code != status {
		s.t.Fatalf("%s: %d, not %d: %s", call, w.Code, status, w.Body)
	}
	for _, v := range out {
		if m, ok := v.(map[string]any); ok {
			id, _ := m["id"].(string)
			return id
		}
	}
	return ""
}

func members(v any, at string, out map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			out[at+"{}"] = true
		}
		for k, x := range v {
			members(x, strings.TrimPrefix(at+"."+k, "."), out)
		}
	case []any:
		out[at+"[]"] = true
		for _, x := range v {
			members(x, at+"[]", out)
		}
	default:
		out[at] = true
	}
}

var ids = regexp.MustCompile(`[0-9a-f]{32}|golden-\w+`)

func blank(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return ids.ReplaceAllStringFunc(s, func(m string) string {
		if strings.HasPrefix(m, "golden") {
			return "NAME"
		}
		return "ID"
	})
}

func TestAnswersAreThoseOfARealKeystone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		want := map[string][]string{}
		for line := range strings.Lines(golden) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			want[strings.TrimPrefix(f[0], "identity-")] = f[1:]
		}
		s.golden(want)
	})
}

func (s *site) golden(want map[string][]string) {
	admin, member := s.Admin(), s.Token("bob", "p1", "member")
	who, err := s.Check(s.t.Context(), admin)
	if err != nil {
		s.t.Fatal(err)
	}
	me, mine := who.User.ID, who.Project.ID
	pw := func(user, password, scope string) string {
		return `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"` + user + `","domain":{"id":"default"},"password":"` + password + `"}}}` + scope + `}}`
	}
	good := func(scope string) string { return pw("admin", keystonetest.Password, scope) }
	toMine := `,"scope":{"project":{"name":"admin","domain":{"id":"default"}}}`
	id := map[string]string{}
	step := func(name, token, call, body string, headers ...string) {
		s.t.Helper()
		for k, v := range id {
			call, body = strings.ReplaceAll(call, "<"+k+">", v), strings.ReplaceAll(body, "<"+k+">", v)
		}
		w, out := s.do(token, call, body, headers...)
		id[name] = idOf(out)
		s.compare(name, want[name], w, out)
	}
	step("root", "", "GET /", "")
	step("v3", "", "GET /v3", "")
	step("v3-slash", "", "GET /v3/", "")
	step("token-issue", "", "POST /v3/auth/tokens", good(toMine))
	step("token-issue-nocatalog", "", "POST /v3/auth/tokens?nocatalog", good(toMine))
	step("token-system", "", "POST /v3/auth/tokens", good(`,"scope":{"system":{"all":true}}`))
	step("token-unscoped", "", "POST /v3/auth/tokens", good(`,"scope":"unscoped"`))
	step("token-from-token", "", "POST /v3/auth/tokens", `{"auth":{"identity":{"methods":["token"],"token":{"id":"`+admin+`"}},"scope":{"project":{"id":"`+mine+`"}}}}`)
	step("token-validate", admin, "GET /v3/auth/tokens", "", "X-Subject-Token", admin)
	step("token-head", admin, "HEAD /v3/auth/tokens", "", "X-Subject-Token", admin)
	step("auth-catalog", admin, "GET /v3/auth/catalog", "")
	step("auth-projects", admin, "GET /v3/auth/projects", "")
	step("domains", admin, "GET /v3/domains", "")
	step("project-create", admin, "POST /v3/projects", `{"project":{"name":"golden-x","domain_id":"default","description":"golden"}}`)
	step("project-show", admin, "GET /v3/projects/<project-create>", "")
	step("projects", admin, "GET /v3/projects", "")
	step("user-create", admin, "POST /v3/users", `{"user":{"name":"golden-x","domain_id":"default","password":"golden-pw","default_project_id":"<project-create>"}}`)
	step("user-show", admin, "GET /v3/users/<user-create>", "")
	step("users", admin, "GET /v3/users", "")
	step("roles", admin, "GET /v3/roles?name=member", "")
	step("role-assign", admin, "PUT /v3/projects/<project-create>/users/<user-create>/roles/<roles>", "")
	step("role-assignments", admin, "GET /v3/role_assignments?user.id=<user-create>&include_names", "")
	step("member-token", "", "POST /v3/auth/tokens", pw("golden-x", "golden-pw", `,"scope":{"project":{"id":"<project-create>"}}`))
	step("services", admin, "GET /v3/services", "")
	step("endpoints", admin, "GET /v3/endpoints", "")
	step("regions", admin, "GET /v3/regions", "")
	step("appcred-create", admin, "POST /v3/users/"+me+"/application_credentials", `{"application_credential":{"name":"golden-x"}}`)
	step("appcred-show", admin, "GET /v3/users/"+me+"/application_credentials/<appcred-create>", "")
	step("appcred-delete", admin, "DELETE /v3/users/"+me+"/application_credentials/<appcred-create>", "")
	step("err-400-json", "", "POST /v3/auth/tokens", `{"auth":`)
	step("err-400-schema", "", "POST /v3/auth/tokens", `{"auth":{"identity":{}}}`)
	step("err-401-notoken", "", "GET /v3/projects", "")
	step("err-401-password", "", "POST /v3/auth/tokens", pw("admin", "wrong", ""))
	step("err-403", member, "GET /v3/users", "")
	step("err-404-path", admin, "GET /v3/nosuchthing", "")
	step("err-404-subject", admin, "GET /v3/auth/tokens", "", "X-Subject-Token", "notatoken")
	step("err-404-user", admin, "GET /v3/users/nosuchuser", "")
	step("err-409", admin, "POST /v3/projects", `{"project":{"name":"golden-x","domain_id":"default"}}`)
	step("err-413", admin, "POST /v3/projects", `{"project":{"name":"x","domain_id":"default","description":"`+strings.Repeat("x", 200000)+`"}}`)
	step("user-delete", admin, "DELETE /v3/users/<user-create>", "")
	step("project-delete", admin, "DELETE /v3/projects/<project-create>", "")
	for name := range want {
		if _, done := id[name]; !done {
			s.t.Error(name, "was not asked")
		}
	}
}

// idOf is the id of the one thing, or of the first of a list, that an answer holds.
func idOf(out map[string]any) string {
	for _, v := range out {
		if l, ok := v.([]any); ok && len(l) > 0 {
			v = l[0]
		}
		if m, ok := v.(map[string]any); ok && m["id"] != nil {
			return m["id"].(string)
		}
	}
	return ""
}

func (s *site) compare(name string, want []string, w *httptest.ResponseRecorder, out map[string]any) {
	s.t.Helper()
	if want == nil {
		s.t.Fatal("no golden answer", name)
	}
	got := map[string]bool{}
	if out != nil {
		members(out, "", got)
	}
	for h := range w.Header() {
		if h != "Content-Length" && h != "X-Openstack-Request-Id" {
			got["header "+h] = true
		}
	}
	wanted := map[string]bool{}
	for _, m := range strings.Fields(want[2]) {
		wanted[m] = true
	}
	for _, h := range strings.Fields(want[1]) {
		wanted["header "+h] = true
	}
	for m := range maps.Keys(got) {
		if !wanted[m] && name != "err-413" { // there, a proxy in front of keystone answers
			s.t.Errorf("%s: %s is one too many", name, m)
		}
	}
	missing := slices.DeleteFunc(slices.Sorted(maps.Keys(wanted)), func(m string) bool { return got[m] })
	if len(missing) > 0 || want[0] != w.Result().Status[:3] {
		s.t.Errorf("%s: status %d, not %s; missing %v", name, w.Code, want[0], missing)
	}
	message, _ := out["message"].(string)
	if e, ok := out["error"].(map[string]any); ok {
		message, _ = e["message"].(string)
	}
	if w.Code >= 400 && blank(message) != want[3] {
		s.t.Errorf("%s: says %q, not %q", name, blank(message), want[3])
	}
}
