package api_test

import (
	"fmt"
	"strings"
	"testing"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
)

func TestTheNearestPolicyCountsForAnEndpoint(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		admin := s.Admin()
		policy := func(n int) string {
			return s.must(201, admin, "POST /v3/policies", fmt.Sprintf(`{"policy":{"type":"text/plain","blob":"%d"}}`, n))
		}
		service := s.must(201, admin, "POST /v3/services", `{"service":{"type":"x","name":"x"}}`)
		for _, r := range []string{`"id":"top"`, `"id":"mid","parent_region_id":"top"`, `"id":"low","parent_region_id":"mid"`} {
			s.must(201, admin, "POST /v3/regions", `{"region":{`+r+`}}`)
		}
		end := s.must(201, admin, "POST /v3/endpoints", `{"endpoint":{"interface":"public","region_id":"low","url":"http://x","service_id":"`+service+`"}}`)
		other := s.must(201, admin, "POST /v3/endpoints", `{"endpoint":{"interface":"public","region_id":"top","url":"http://x","service_id":"`+service+`"}}`)
		counts := func(want string) {
			t.Helper()
			w, out := s.do(admin, "GET /v3/endpoints/"+end+"/OS-ENDPOINT-POLICY/policy", "")
			if want == "" && w.Code == 404 && strings.Contains(w.Body.String(), "No policy is associated with endpoint "+end) {
				return
			}
			if idOf(map[string]any{"x": []any{out["policy"]}}) != want {
				t.Errorf("not %s: %d %s", want, w.Code, w.Body)
			}
		}
		covered := func(p string, want int) {
			t.Helper()
			w, out := s.do(admin, "GET /v3/policies/"+p+"/OS-ENDPOINT-POLICY/endpoints", "")
			if l, _ := out["endpoints"].([]any); w.Code != 200 || len(l) != want {
				t.Errorf("%d, not %d: %s", len(l), want, w.Body)
			}
		}
		counts("")
		places := []string{"/services/" + service, "/services/" + service + "/regions/top", "/services/" + service + "/regions/mid", "/endpoints/" + end}
		var ps []string
		for n, place := range places {
			p := policy(n)
			ps = append(ps, p)
			on := "/v3/policies/" + p + "/OS-ENDPOINT-POLICY" + place
			s.must(404, admin, "GET "+on, "")
			s.must(204, admin, "PUT "+on, "")
			s.must(204, admin, "PUT "+on, "")
			s.must(204, admin, "GET "+on, "")
			if got := s.ask(admin, "HEAD "+on, ""); got != 204 {
				t.Error("HEAD:", got)
			}
			s.must(403, s.Token("ann", "p", "member"), "PUT "+on, "")
			counts(p)
		}
		for n, want := range []int{2, 2, 1, 1} {
			covered(ps[n], want)
		}
		again := policy(9)
		s.must(204, admin, "PUT /v3/policies/"+again+"/OS-ENDPOINT-POLICY"+places[3], "")
		counts(again)
		s.must(404, admin, "GET /v3/policies/"+ps[3]+"/OS-ENDPOINT-POLICY"+places[3], "")
		s.must(204, admin, "DELETE /v3/policies/"+ps[3]+"/OS-ENDPOINT-POLICY"+places[3], "") // counts no more, and takes nothing away
		counts(again)
		s.must(204, admin, "DELETE /v3/policies/"+again+"/OS-ENDPOINT-POLICY"+places[3], "")
		counts(ps[2])
		s.must(204, admin, "DELETE /v3/policies/"+ps[2], "")
		counts(ps[1])
		s.must(204, admin, "DELETE /v3/endpoints/"+other, "")
		covered(ps[1], 1)
		for _, wrong := range []string{"/endpoints/nosuch", "/services/nosuch", "/services/" + service + "/regions/nosuch"} {
			s.must(404, admin, "PUT /v3/policies/"+ps[0]+"/OS-ENDPOINT-POLICY"+wrong, "")
		}
		s.must(404, admin, "PUT /v3/policies/nosuch/OS-ENDPOINT-POLICY"+places[0], "")
		s.must(204, admin, "DELETE /v3/services/"+service, "")
		covered(ps[0], 0)
	})
}

func TestWhatWentWithPKI(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	for call, want := range map[string]int{"GET /v3/OS-SIMPLE-CERT/ca": 410, "GET /v3/OS-SIMPLE-CERT/certificates": 410, "GET /v3/auth/tokens/OS-PKI/revoked": 403} {
		if got := s.ask("", call, ""); got != want {
			t.Errorf("%s: %d", call, got)
		}
	}
}
