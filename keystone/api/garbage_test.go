package api_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone/api"
)

var (
	param = regexp.MustCompile(`\{[a-z_]+\}`)
	// names are members that bodies of this API may have.
	names = []string{"name", "id", "domain_id", "description", "enabled", "options", "tags", "password", "default_project_id", "parent_id", "is_domain", "type", "blob", "user_id", "project_id",
		"url", "interface", "service_id", "region_id", "region", "roles", "expires_at", "unrestricted", "access_rules", "trustor_user_id", "trustee_user_id", "impersonation", "remaining_uses",
		"identity", "methods", "scope", "filters", "resource_limit", "resource_name", "default_limit", "original_password", "ldap", "driver", "tenant_id", "immutable", "secret"}
	things = []string{"user", "project", "domain", "group", "role", "region", "service", "endpoint", "policy", "credential", "application_credential", "trust", "auth", "endpoint_group", "consumer",
		"config", "limits", "limit", "registered_limits", "registered_limit", "tags", "tenant_id"}
	odd = []any{nil, true, false, 0, -1, 1e30, 3.5, "", "x", "é'\"\\%_?$(x)s", strings.Repeat("a", 300), []any{}, []any{"a", "a"}, []any{nil, 1}, map[string]any{}, map[string]any{"id": nil}, map[string]any{"x": map[string]any{}}}
)

// garble makes an object of members that fit nothing, and some that do.
func garble(r *rand.Rand, known []string, depth int) map[string]any {
	m := map[string]any{}
	for range r.IntN(6) {
		var v any = odd[r.IntN(len(odd))]
		switch r.IntN(4) {
		case 0:
			v = known[r.IntN(len(known))]
		case 1:
			if depth > 0 {
				v = garble(r, known, depth-1)
			}
		}
		m[names[r.IntN(len(names))]] = v
	}
	return m
}

// Whatever is asked, the answer is never an internal error.
func TestNoGarbageIsAnInternalError(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		admin := s.Admin()
		_, out := s.do(admin, "GET /v3/services", "")
		known := []string{"default", s.userID("admin"), s.Project("p"), s.roleID("member"), idOf(out), "RegionOne", "http://x", "public", "token", "a name", "2030-01-01T00:00:00Z"}
		for seed := range 15 {
			r := rand.New(rand.NewPCG(uint64(seed), 1))
			for _, row := range api.Routes(s.Identity) {
				s.garbage(r, admin, row.On, known)
				if _, err := s.Check(t.Context(), admin); err != nil { // it signed itself out
					admin = s.fresh()
				}
			}
		}
	})
}

// fresh is an administrator whatever became of the first.
func (s *site) fresh() string {
	s.t.Helper()
	s.n++
	return s.Token(fmt.Sprint("root", s.n), fmt.Sprint("root", s.n), "admin")
}

func (s *site) garbage(r *rand.Rand, token, on string, known []string) {
	s.t.Helper()
	call := param.ReplaceAllStringFunc(on, func(string) string {
		if r.IntN(3) > 0 {
			return known[r.IntN(6)]
		}
		return url.PathEscape(fmt.Sprint(odd[8+r.IntN(3)]))
	})
	if strings.HasPrefix(on, "DELETE") && strings.Contains(call, known[1]) {
		return // the administrator itself
	}
	if r.IntN(2) == 0 {
		call += "?" + url.Values{names[r.IntN(len(names))]: {fmt.Sprint(odd[r.IntN(len(odd))])}, "limit": {fmt.Sprint(r.IntN(3) - 1)}, "marker": {known[r.IntN(len(known))]}}.Encode()
	}
	var body any = map[string]any{things[r.IntN(len(things))]: garble(r, known, 2)}
	for _, thing := range things { // mostly the one that the row wants
		if r.IntN(4) > 0 && strings.Contains(strings.ReplaceAll(on, "policies", "policy"), strings.TrimSuffix(thing, "s")) {
			body = map[string]any{thing: garble(r, known, 2)}
		}
	}
	if r.IntN(10) == 0 {
		body = odd[r.IntN(len(odd))]
	}
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	if w, _ := s.do(token, call, string(b), "X-Subject-Token", "x"); w.Code >= 500 {
		s.t.Errorf("%s %s: %d %s", call, b, w.Code, w.Body)
	}
}
