package api_test

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
)

// events are those that match, the newest first.
func (s *site) events(query string) []map[string]any {
	s.t.Helper()
	w, out := s.do(s.Admin(), "GET /v3/OS-AUDIT/events?"+query, "")
	if w.Code != 200 {
		s.t.Fatal(w.Code, w.Body)
	}
	var es []map[string]any
	for _, e := range out["events"].([]any) {
		es = append(es, e.(map[string]any))
	}
	return es
}

func TestEveryChangeIsAnEvent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		admin := s.Admin()
		boss := s.userID("admin")
		u := s.must(201, admin, "POST /v3/users", `{"user":{"name":"ann","password":"secret words"}}`)
		p := s.must(201, admin, "POST /v3/projects", `{"project":{"name":"p"}}`)
		s.must(204, admin, "PUT /v3/projects/"+p+"/users/"+u+"/roles/"+s.roleID("member"), "")
		s.must(200, admin, "PATCH /v3/users/"+u, `{"user":{"description":"x"}}`)
		s.must(204, "", "POST /v3/users/"+u+"/password", `{"user":{"original_password":"secret words","password":"other words"}}`)
		s.must(401, "", "POST /v3/users/"+u+"/password", `{"user":{"original_password":"wrong","password":"other words"}}`)
		if es := s.events("action=updated.user&user_id=" + u); len(es) != 2 || es[0]["outcome"] != "failure" || es[1]["outcome"] != "success" || at(es[0], "initiator", "name") != "ann" {
			t.Error("a user's own change of its password, and one with a wrong password:", es)
		}
		s.must(204, admin, "DELETE /v3/users/"+u, "")
		for _, want := range []struct{ action, target, kind, user string }{
			{"created.user", u, "user", boss}, {"created.project", p, "project", boss}, {"created.role_assignment", s.roleID("member"), "role_assignment", boss},
			{"updated.user", u, "user", boss}, {"deleted.user", u, "user", boss},
		} {
			es := s.events("action=" + want.action + "&user_id=" + want.user)
			if len(es) != 1 {
				t.Errorf("%d events %s", len(es), want.action)
				continue
			}
			e := es[0]
			when, err := time.Parse(time.RFC3339, fmt.Sprint(e["eventTime"]))
			if at(e, "target", "id") != want.target || at(e, "target", "typeURI") != "data/security/"+want.kind || e["outcome"] != "success" || e["eventType"] != "activity" ||
				e["typeURI"] != "http://schemas.dmtf.org/cloud/audit/1.0/event" || at(e, "initiator", "name") != "admin" || at(e, "initiator", "host", "address") != "192.0.2.1" ||
				!strings.HasPrefix(fmt.Sprint(at(e, "initiator", "request_id")), "req-") || at(e, "initiator", "project_id") == "" || err != nil || time.Since(when) > time.Minute {
				t.Error(e)
			}
		}
		if es := s.events("action=updated.user&target_id=" + u); len(es) != 3 {
			t.Error("a user's own change of its password:", es)
		}
		w, _ := s.do(s.Admin(), "GET /v3/OS-AUDIT/events", "")
		if strings.Contains(w.Body.String(), "words") {
			t.Error("a secret is in the audit")
		}
		before := len(s.events(""))
		s.must(404, admin, "GET /v3/users/"+u, "")
		s.must(200, admin, "GET /v3/users", "")
		if got := len(s.events("")); got != before {
			t.Error("looking is an event")
		}
	})
}

func TestWhatIsRefusedIsAnEventToo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		ann := s.Token("ann", "p", "member")
		s.must(403, ann, "POST /v3/users", `{"user":{"name":"x"}}`)
		s.must(409, s.Admin(), "POST /v3/users", `{"user":{"name":"ann"}}`)
		s.must(401, "", "POST /v3/users", `{"user":{"name":"x"}}`) // nobody: no event
		es := s.events("action=created.user")
		if len(es) != 2 {
			t.Fatal(es)
		}
		denied := es[1]
		if es[0]["outcome"] != "failure" || at(es[0], "reason", "reasonCode") != 409.0 || at(denied, "reason", "reasonCode") != 403.0 ||
			at(denied, "initiator", "user_id") != s.userID("ann") || !strings.Contains(fmt.Sprint(at(denied, "reason", "reasonType")), "identity:create_user") {
			t.Error(es)
		}
		for range 5 {
			s.must(403, ann, "POST /v3/users", `{"user":{"name":"x"}}`)
		}
		if es := s.events("action=created.user&user_id=" + s.userID("ann")); len(es) > 2 || es[0]["repeats"].(float64) < 2 {
			t.Error("the same again and again fills the table:", es)
		}
	})
}

func TestSignInsAreEvents(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := openWith(t, db, keystone.Options{LockoutAttempts: 2})
		u := s.must(201, s.Admin(), "POST /v3/users", `{"user":{"name":"ann","password":"right"}}`)
		s.mayLogin("right", u, "right", 201)
		s.mayLogin("wrong", u, "wrong", 401)
		s.mayLogin("wrong", u, "wrong", 401)
		s.mayLogin("locked out", u, "right", 401)
		s.mayLogin("nobody", "nobody", "x", 401)
		es := s.events("action=authenticate&user_id=" + u)
		if len(es) != 2 || es[1]["outcome"] != "success" || es[0]["outcome"] != "failure" || es[0]["repeats"] != 2.0 || at(es[0], "reason", "reasonCode") != 401.0 {
			t.Error(es)
		}
		if es := s.events("action=authenticate&outcome=failure"); len(es) != 2 {
			t.Error("nobody's is missing:", es)
		}
	})
}

// Whoever can reach the door must not be able to fill the disk.
func TestAStormOfBadSignInsFillsFewRows(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for m := range 200 {
				s.do("", fmt.Sprintf("POST /v3/auth/tokens?%d", m), fmt.Sprintf(`{"auth":{"identity":{"methods":["token"],"token":{"id":"x%d-%d"}}}}`, n, m))
				r := httptest.NewRequest("POST", "/v3/auth/tokens", strings.NewReader(`{"auth":{"identity":{"methods":["token"],"token":{"id":"x"}}}}`))
				r.RemoteAddr = fmt.Sprintf("[2001:db8::%x:%x]:1", n, m)
				s.h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
	wg.Wait()
	total, rows := 0.0, s.events("action=authenticate&outcome=failure")
	for _, e := range rows {
		total += 1 + e["repeats"].(float64)
	}
	if len(rows) > 250 || total != 1600 { // two minutes' worth at most
		t.Error(len(rows), "rows for", total)
	}
}

func TestTheAuditIsReadByAdministratorsOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		now := (&clock{}).on(db)
		s := openWith(t, db, keystone.Options{AuditKeep: 48 * time.Hour})
		for _, tok := range []string{"", s.Token("ann", "p", "member"), s.Token("boss", "p", "manager"), s.Token("nova", "service", "service")} {
			if got := s.ask(tok, "GET /v3/OS-AUDIT/events", ""); got != 401 && got != 403 {
				t.Error(got)
			}
		}
		for n := range 5 {
			now.ahead = time.Duration(n) * time.Hour
			s.must(201, s.Admin(), "POST /v3/projects", fmt.Sprintf(`{"project":{"name":"p%d"}}`, n))
		}
		mid := url.QueryEscape(db.Now().Add(-150 * time.Minute).Format(time.RFC3339))
		for query, want := range map[string]int{"": 5, "&since=" + mid: 3, "&until=" + mid: 2, "&limit=2": 2, "&outcome=failure": 0} {
			if es := s.events("action=created.project" + query); len(es) != want {
				t.Errorf("%s: %d", query, len(es))
			}
		}
		seen := map[any]bool{}
		for marker := ""; ; {
			es := s.events("action=created.project&limit=2" + marker)
			if len(es) == 0 || len(seen) > 5 {
				break
			}
			for _, e := range es {
				seen[e["id"]] = true
			}
			marker = "&marker=" + es[len(es)-1]["id"].(string)
		}
		if len(seen) != 5 {
			t.Error(len(seen), "in pages")
		}
		for query, want := range map[string]int{"since=soon": 400, "x=y": 400, "limit=-1": 400} {
			if got := s.ask(s.Admin(), "GET /v3/OS-AUDIT/events?"+query, ""); got != want {
				t.Errorf("%s: %d", query, got)
			}
		}
		one := s.events("action=created.project&limit=1")[0]["id"].(string)
		if w, out := s.do(s.Admin(), "GET /v3/OS-AUDIT/events/"+one, ""); at(out, "event", "id") != one {
			t.Error(w.Code, w.Body)
		}
		now.ahead = 49*time.Hour + 30*time.Minute
		s.watch(t)
		for begin := time.Now(); len(s.events("action=created.project")) != 3; time.Sleep(5 * time.Millisecond) {
			if time.Since(begin) > 5*time.Second {
				t.Fatal("old events stay:", len(s.events("action=created.project")))
			}
		}
	})
}

// The event of a change stands or falls with it.
func TestNoChangeWithoutItsEvent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		admin := s.Admin()
		if _, err := db.Raw().Exec("ALTER TABLE keystone_events RENAME TO elsewhere"); err != nil {
			t.Fatal(err)
		}
		if got := s.ask(admin, "POST /v3/projects", `{"project":{"name":"unseen"}}`); got != 500 {
			t.Error("a change without a witness:", got)
		}
		if _, err := db.Raw().Exec("ALTER TABLE elsewhere RENAME TO keystone_events"); err != nil {
			t.Fatal(err)
		}
		if _, out := s.do(admin, "GET /v3/projects?name=unseen", ""); len(out["projects"].([]any)) != 0 {
			t.Error("it was made all the same")
		}
	})
}
