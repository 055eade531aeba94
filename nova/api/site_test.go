package api_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"stackd/agent/wish"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/internal/token"
	"stackd/nova/api"
	"stackd/nova/novatest"
	"stackd/nova/work"
)

// tokens are "project/role".
type tokens struct{}

func (tokens) Check(ctx context.Context, s string) (*token.Who, error) {
	project, role, ok := strings.Cut(s, "/")
	if !ok {
		return nil, fault.New(fault.Unauthorized, "no")
	}
	roles := map[string][]string{"admin": {"admin", "manager", "member", "reader"}, "manager": {"manager", "member", "reader"}, "member": {"member", "reader"}, "reader": {"reader"}, "service": {"service"}}[role]
	return token.From(novatest.As(ctx, project, roles...)), nil
}

// A site is compute's API over a world. Last is the header of the last answer.
type site struct {
	*novatest.World
	t    *testing.T
	call func(as, version, what, body string, status int) map[string]any
	last *httptest.ResponseRecorder
}

const me, admin = "p/member", "a/admin"

func each(t *testing.T, f func(s *site)) {
	rules, err := policy.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		w := novatest.New(t, db)
		h := rest.Mount("/compute", api.New(w.C, tokens{}, rules["nova"], "http://k"))
		s := &site{World: w, t: t}
		s.call = func(as, version, what, body string, status int) map[string]any {
			t.Helper()
			method, path, _ := strings.Cut(what, " ")
			r := httptest.NewRequestWithContext(t.Context(), method, "http://cloud/compute/v2.1"+path, strings.NewReader(body))
			if version != "" {
				r.Header.Set("OpenStack-API-Version", "compute "+version)
			}
			r.Header.Set("X-Auth-Token", as)
			s.last = httptest.NewRecorder()
			h.ServeHTTP(s.last, r)
			if s.last.Code != status {
				t.Fatalf("%s %s as %s: %d %s, want %d", what, body, as, s.last.Code, s.last.Body, status)
			}
			var m map[string]any
			if s.last.Body.Len() > 0 {
				if err := json.Unmarshal(s.last.Body.Bytes(), &m); err != nil {
					t.Fatalf("%s: %v", s.last.Body, err)
				}
			}
			return m
		}
		f(s)
	})
}

// at walks down an answer: at(m, "server", "id").
func at(m any, path ...string) any {
	for _, p := range path {
		o, _ := m.(map[string]any)
		m = o[p]
	}
	return m
}

// server makes a server that is ACTIVE, and gives its path.
func (s *site) server(more string) string {
	s.t.Helper()
	m := s.call(me, "", "POST /servers", `{"server":{"name":"one","flavorRef":"1","imageRef":"`+novatest.ImageID+`"`+more+`}}`, 202)
	s.Settle(s.t, 6)
	id := at(m, "server", "id").(string)
	s.is("/servers/"+id, "ACTIVE")
	return "/servers/" + id
}

// is asks for a server's status.
func (s *site) is(path, status string) map[string]any {
	s.t.Helper()
	m, _ := s.call(admin, "2.96", "GET "+path, "", 200)["server"].(map[string]any)
	if m["status"] != status {
		s.t.Fatalf("%s is %v, %v: want %s", path, m["status"], m["fault"], status)
	}
	return m
}

// wish is what the node is told of a server.
func (s *site) wish(id string) wish.Server {
	s.t.Helper()
	w, err := s.C.Wishes(s.t.Context(), "h1", 0)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, v := range w.Servers {
		if v.ID == id {
			return v
		}
	}
	s.t.Fatal("the node is not told of", id)
	return wish.Server{}
}

// capture fills the images that are being made.
func (s *site) capture() {
	s.t.Helper()
	ids, err := s.C.DueCaptures(s.t.Context(), 10)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, id := range ids {
		if err := work.NewCaptures(s.C).Reconcile(s.t.Context(), id); err != nil {
			s.t.Fatal(err)
		}
	}
	s.Settle(s.t, 6)
}

// actions are what was done to a server, the latest first: "rebuild Success".
func (s *site) actions(path string) (out []string) {
	s.t.Helper()
	id := strings.TrimPrefix(path, "/servers/")
	rows, err := s.C.Actions(s.t.Context(), id, listing.List{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, a := range rows {
		result := "under way"
		if a.Result != nil {
			result = *a.Result
		}
		out = append(out, a.Action+" "+result)
	}
	return out
}
