package api_test

import (
	"fmt"
	"strings"
	"testing"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
)

func TestAProjectHasNoMoreThanItsDomain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := openWith(t, db, keystone.Options{LimitModel: "strict_two_level"})
		admin := s.Admin()
		_, out := s.do(admin, "GET /v3/limits/model", "")
		if fmt.Sprint(out) != "map[model:map[description:This model requires project hierarchy never exceeds a depth of two name:strict_two_level]]" {
			t.Error(out)
		}
		service := s.must(201, admin, "POST /v3/services", `{"service":{"type":"x","name":"x"}}`)
		domain := s.must(201, admin, "POST /v3/domains", `{"domain":{"name":"d"}}`)
		p := s.must(201, admin, "POST /v3/projects", `{"project":{"name":"p","domain_id":"`+domain+`"}}`)
		q := s.must(201, admin, "POST /v3/projects", `{"project":{"name":"q","domain_id":"`+domain+`"}}`)
		if got := s.ask(admin, "POST /v3/projects", `{"project":{"name":"r","domain_id":"`+domain+`","parent_id":"`+p+`"}}`); got != 403 {
			t.Error("a third level:", got)
		}
		s.must(201, admin, "POST /v3/registered_limits", `{"registered_limits":[{"service_id":"`+service+`","resource_name":"cores","default_limit":10}]}`)
		limit := func(level, id string, n int) string {
			return fmt.Sprintf(`{%q:%q,"service_id":%q,"resource_name":"cores","resource_limit":%d}`, level, id, service, n)
		}
		post := func(want int, ls ...string) string {
			t.Helper()
			w, out := s.do(admin, "POST /v3/limits", `{"limits":[`+strings.Join(ls, ",")+`]}`)
			if w.Code != want || want == 403 && !strings.Contains(w.Body.String(), "doesn't satisfy current hierarchy model") {
				t.Errorf("%s: %d, not %d: %s", ls, w.Code, want, w.Body)
			}
			if want != 201 {
				return ""
			}
			return idOf(out)
		}
		post(403, limit("project_id", p, 11)) // more than the default
		post(403, limit("project_id", p, -1))
		post(403, limit("project_id", p, 21), limit("domain_id", domain, 20))
		post(201, limit("project_id", p, 15), limit("domain_id", domain, 20)) // its domain's comes in the same breath
		lq := post(201, limit("project_id", q, 20))
		for n, want := range map[int]int{21: 403, -1: 403, 5: 200} {
			if got := s.ask(admin, "PATCH /v3/limits/"+lq, fmt.Sprintf(`{"limit":{"resource_limit":%d}}`, n)); got != want {
				t.Errorf("%d: %d", n, got)
			}
		}
		_, out = s.do(admin, "GET /v3/limits?domain_id="+domain, "")
		ld := idOf(out)
		for n, want := range map[int]int{14: 403, 15: 200, -1: 200} {
			if got := s.ask(admin, "PATCH /v3/limits/"+ld, fmt.Sprintf(`{"limit":{"resource_limit":%d}}`, n)); got != want {
				t.Errorf("the domain %d: %d", n, got)
			}
		}
		// Who stands in no project and no domain has none.
		w, out := s.do(s.Token("admin", ""), "GET /v3/limits", "")
		if ls, _ := out["limits"].([]any); w.Code != 200 || len(ls) != 0 {
			t.Error(w.Code, out)
		}
	})
}
