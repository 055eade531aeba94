package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
)

// a clock that a test may move.
type clock struct{ ahead time.Duration }

func (c *clock) on(db *sqldb.DB) *clock {
	db.Now = func() time.Time { return time.Now().Add(c.ahead).UTC().Truncate(time.Microsecond) }
	return c
}

// login tries a password, and tells the status, the token and what was answered.
func (s *site) login(user, password string) (int, string, string) {
	s.t.Helper()
	w, _ := s.do("", "POST /v3/auth/tokens", fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":%q,"password":%q}}}}}`, user, password))
	return w.Code, w.Header().Get("X-Subject-Token"), w.Body.String()
}

func (s *site) mayLogin(what, user, password string, want int) {
	s.t.Helper()
	if got, _, text := s.login(user, password); got != want {
		s.t.Errorf("%s: %d, not %d: %s", what, got, want, text)
	}
}

// choose is a user changing its own password.
func (s *site) choose(user, old, fresh string) (int, string) {
	s.t.Helper()
	w, _ := s.do("", "POST /v3/users/"+user+"/password", fmt.Sprintf(`{"user":{"original_password":%q,"password":%q}}`, old, fresh))
	return w.Code, w.Body.String()
}

func (s *site) mayChoose(what, user, old, fresh string, want int) string {
	s.t.Helper()
	got, text := s.choose(user, old, fresh)
	if got != want {
		s.t.Errorf("%s: %d, not %d: %s", what, got, want, text)
	}
	return text
}

func newUser(name, password, options string) string {
	return fmt.Sprintf(`{"user":{"name":%q,"password":%q,"options":{%s}}}`, name, password, options)
}

func TestPasswordsMustBeStrong(t *testing.T) {
	s := openWith(t, dbtest.SQLite(t), keystone.Options{Compliance: keystone.Compliance{Regex: `^(?=.*\d)(?=.*[a-zA-Z]).{7,}$`, RegexDescription: "seven letters, one a digit"}})
	admin := s.Admin()
	for password, want := range map[string]int{"short1": 400, "nodigits": 400, "12345678": 400, "goodone1": 201} {
		w, _ := s.do(admin, "POST /v3/users", newUser("u", password, ""))
		if w.Code != want || want == 400 && !strings.Contains(w.Body.String(), "The password does not match the requirements: seven letters, one a digit.") {
			t.Errorf("%s: %d %s", password, w.Code, w.Body)
		}
	}
	u := s.userID("u")
	if got := s.ask(admin, "PATCH /v3/users/"+u, `{"user":{"password":"weak"}}`); got != 400 {
		t.Error("an administrator gives a weak one:", got)
	}
	s.mayChoose("a weak one", u, "goodone1", "weak", 400)
	s.mayChoose("a strong one", u, "goodone1", "better22", 204)
	s.mayLogin("with the new one", u, "better22", 201)

	s.must(204, admin, "PUT /v3/projects/"+s.Project("p")+"/users/"+u+"/roles/"+s.roleID("reader"), "")
	w, _ := s.do("", "POST /v3/auth/tokens", fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":%q,"password":"better22"}}},"scope":{"project":{"id":%q}}}}`, u, s.Project("p")))
	any := w.Header().Get("X-Subject-Token")
	on := "/v3/domains/default/config/security_compliance"
	for call, want := range map[string]string{
		"GET " + on: `{"config":{"security_compliance":{"password_regex":"^(?=.*\\d)(?=.*[a-zA-Z]).{7,}$","password_regex_description":"seven letters, one a digit"}}}`,
		"GET " + on + "/password_regex_description": `{"config":{"password_regex_description":"seven letters, one a digit"}}`,
	} {
		if w, _ := s.do(any, call, ""); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %s", call, w.Code, w.Body)
		}
		if got := s.ask(any, strings.Replace(call, "GET", "HEAD", 1), ""); got != 200 {
			t.Error("HEAD:", got)
		}
	}
	for call, want := range map[string]int{"GET " + on + "/lockout_duration": 403, "GET /v3/domains/other/config/security_compliance": 403} {
		if got := s.ask(any, call, ""); got != want {
			t.Errorf("%s: %d", call, got)
		}
	}
	if got := s.ask("", "GET "+on, ""); got != 401 {
		t.Error("without a token:", got)
	}
	if got := s.ask(admin, "PUT /v3/domains/default/config", `{"config":{"security_compliance":{"password_regex":".*"}}}`); got != 403 {
		t.Error("a domain has its own rule:", got)
	}
}

func TestPasswordsExpire(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		now := (&clock{}).on(db)
		s := openWith(t, db, keystone.Options{Compliance: keystone.Compliance{PasswordExpiresDays: 30}})
		admin := s.Admin()
		ann := s.must(201, admin, "POST /v3/users", newUser("ann", "one", ""))
		exempt := s.must(201, admin, "POST /v3/users", newUser("ever", "one", `"ignore_password_expiry":true`))
		_, out := s.do(admin, "GET /v3/users/"+ann, "")
		at, _ := out["user"].(map[string]any)["password_expires_at"].(string)
		due, err := time.Parse(time.RFC3339, at)
		if err != nil || due.Before(db.Now().Add(29*24*time.Hour)) || due.After(db.Now().Add(31*24*time.Hour)) {
			t.Fatal(at, err)
		}
		_, tok, _ := s.login(ann, "one")
		if w, _ := s.do(admin, "GET /v3/auth/tokens", "", "X-Subject-Token", tok); !strings.Contains(w.Body.String(), `"password_expires_at":"`+at+`"`) {
			t.Error("the token does not say so:", w.Body)
		}
		for filter, want := range map[string]int{"lt:" + due.Add(time.Second).Format(time.RFC3339): 1, "lt:" + due.Format(time.RFC3339): 0, "gte:" + due.Format(time.RFC3339): 1, "lt": -1, "lt:soon": -1, "xx:" + at: -1} {
			w, out := s.do(admin, "GET /v3/users?password_expires_at="+url.QueryEscape(filter), "")
			if l, _ := out["users"].([]any); want < 0 && w.Code != 400 || want >= 0 && len(l) != want {
				t.Errorf("%s: %d %s", filter, w.Code, w.Body)
			}
		}
		now.ahead = 31 * 24 * time.Hour
		if code, _, text := s.login(ann, "one"); code != 401 || !strings.Contains(text, "The password is expired and needs to be changed for user: "+ann) {
			t.Error(code, text)
		}
		if code, _, text := s.login(ann, "wrong"); code != 401 || strings.Contains(text, "expired") {
			t.Error("a stranger learns it:", code, text)
		}
		s.mayLogin("an exempt user", exempt, "one", 201)
		s.mayChoose("an expired one", ann, "one", "two", 204)
		s.mayLogin("the changed one", ann, "two", 201)
	})
}

func TestPasswordsOfOthersAreChangedAtOnce(t *testing.T) {
	s := openWith(t, dbtest.SQLite(t), keystone.Options{Compliance: keystone.Compliance{FirstUse: true}})
	admin := s.Admin()
	ann := s.must(201, admin, "POST /v3/users", newUser("ann", "given", ""))
	robot := s.must(201, admin, "POST /v3/users", newUser("robot", "given", `"ignore_change_password_upon_first_use":true`))
	s.mayLogin("with a given one", ann, "given", 401)
	s.mayLogin("an exempt user", robot, "given", 201)
	s.mayChoose("a given one", ann, "given", "own", 204)
	s.mayLogin("with its own", ann, "own", 201)
	s.must(200, admin, "PATCH /v3/users/"+ann, `{"user":{"password":"reset"}}`)
	s.mayLogin("after a reset", ann, "reset", 401)
}

func TestPasswordsComeNotBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		now := (&clock{}).on(db)
		s := openWith(t, db, keystone.Options{Compliance: keystone.Compliance{UniqueLast: 3, MinimumAge: 2}})
		admin := s.Admin()
		ann := s.must(201, admin, "POST /v3/users", newUser("ann", "p0", ""))
		s.mayChoose("the same", ann, "p0", "p0", 400)
		s.mayChoose("a fresh one", ann, "p0", "p1", 204) // the first was not its own choice: no minimum age
		if text := s.mayChoose("too soon", ann, "p1", "p2", 400); !strings.Contains(text, "it must be used for 2 day(s)") {
			t.Error(text)
		}
		now.ahead += 49 * time.Hour
		s.mayChoose("in time", ann, "p1", "p2", 204)
		now.ahead += 49 * time.Hour
		for _, old := range []string{"p0", "p1", "p2"} {
			if text := s.mayChoose(old, ann, "p2", old, 400); !strings.Contains(text, "must be unique is 3") {
				t.Error(text)
			}
		}
		s.mayChoose("the fourth", ann, "p2", "p3", 204)
		now.ahead += 49 * time.Hour
		s.mayChoose("one of long ago", ann, "p3", "p0", 204)
		s.must(200, s.Admin(), "PATCH /v3/users/"+ann, `{"user":{"password":"p3"}}`) // an administrator may
		s.mayLogin("after a reset", ann, "p3", 201)
		s.must(204, s.Admin(), "DELETE /v3/users/"+ann, "")
	})
}

func TestALockedPasswordStays(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	ann := s.must(201, s.Admin(), "POST /v3/users", newUser("ann", "one", `"lock_password":true`))
	s.mayChoose("a locked one", ann, "one", "two", 400)
	s.must(200, s.Admin(), "PATCH /v3/users/"+ann, `{"user":{"options":{"lock_password":null}}}`)
	s.mayChoose("an unlocked one", ann, "one", "two", 204)
}

func TestThoseWhoStayAwayAreDisabled(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		now := (&clock{}).on(db)
		s := openWith(t, db, keystone.Options{Compliance: keystone.Compliance{InactiveDays: 10}})
		ids := map[string]string{}
		for name, options := range map[string]string{"ann": "", "bob": "", "robot": `"ignore_user_inactivity":true`} {
			ids[name] = s.must(201, s.Admin(), "POST /v3/users", newUser(name, "pw", options))
		}
		admin := func() string { // it has been there all the time
			s.must(200, s.Token("ops", "ops", "admin"), "PATCH /v3/users/"+s.userIDBy(s.Token("ops", "ops", "admin"), "admin"), `{"user":{"options":{"ignore_user_inactivity":true}}}`)
			return s.Admin()
		}
		admin()
		now.ahead = 8 * 24 * time.Hour
		s.mayLogin("ann in time", ids["ann"], "pw", 201)
		now.ahead = 12 * 24 * time.Hour
		s.mayLogin("ann again", ids["ann"], "pw", 201)
		s.mayLogin("bob too late", ids["bob"], "pw", 401)
		s.mayChoose("bob too late", ids["bob"], "pw", "other", 401)
		s.mayLogin("robot", ids["robot"], "pw", 201)
		_, out := s.do(s.Admin(), "GET /v3/users/"+ids["bob"], "")
		if out["user"].(map[string]any)["enabled"] != false {
			t.Error("bob is shown enabled:", out)
		}
		s.must(200, s.Admin(), "PATCH /v3/users/"+ids["bob"], `{"user":{"enabled":true}}`)
		s.mayLogin("bob let in again", ids["bob"], "pw", 201)
	})
}

func (s *site) userIDBy(token, name string) string {
	s.t.Helper()
	_, out := s.do(token, "GET /v3/users?name="+name, "")
	return idOf(out)
}

func TestAnAdministratorEndsALockOut(t *testing.T) {
	s := openWith(t, dbtest.SQLite(t), keystone.Options{LockoutAttempts: 2})
	ann := s.must(201, s.Admin(), "POST /v3/users", newUser("ann", "right", ""))
	lock := func() {
		s.mayLogin("a wrong one", ann, "wrong", 401)
		s.mayLogin("a wrong one", ann, "wrong", 401)
		s.mayLogin("locked out", ann, "right", 401)
	}
	lock()
	s.must(200, s.Admin(), "PATCH /v3/users/"+ann, `{"user":{"description":"x"}}`)
	s.mayLogin("still locked out", ann, "right", 401)
	s.must(200, s.Admin(), "PATCH /v3/users/"+ann, `{"user":{"enabled":true}}`)
	s.mayLogin("let in again", ann, "right", 201)
	lock()
	s.must(200, s.Admin(), "PATCH /v3/users/"+ann, `{"user":{"password":"fresh"}}`)
	s.mayLogin("with a new password", ann, "fresh", 201)
}

func TestBadComplianceIsRefused(t *testing.T) {
	for _, c := range []keystone.Compliance{{Regex: "("}, {PasswordExpiresDays: -1}, {UniqueLast: 1000}, {InactiveDays: -3}} {
		if _, err := keystone.New(nil, nil, keystone.Options{Compliance: c}); err == nil {
			t.Error(c)
		}
	}
}

// Whoever signs in by the word of a provider, or by an application credential, is not away.
func TestSignInsOfEveryKindKeepAwake(t *testing.T) {
	db := dbtest.SQLite(t)
	now := (&clock{}).on(db)
	s := openWith(t, db, keystone.Options{Compliance: keystone.Compliance{InactiveDays: 10}})
	s.acme(`[{"local":[{"user":{"name":"{0}"}}],"remote":[{"type":"mail"}]}]`, "1.0")
	s.federated(from("fed"))
	_, out := s.do(s.Token("ann", "p", "member"), "POST /v3/users/"+s.userID("ann")+"/application_credentials", `{"application_credential":{"name":"a"}}`)
	byCred := fmt.Sprintf(`{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":%q,"secret":%q}}}}`, at(out, "application_credential", "id"), at(out, "application_credential", "secret"))
	for range 4 {
		now.ahead += 6 * 24 * time.Hour
		if got := s.ask("", "POST /v3/auth/tokens", byCred); got != 201 {
			t.Fatal("an application credential in use:", now.ahead, got)
		}
		tok := s.federated(from("fed"))
		if got := s.ask(tok, "GET /v3/auth/projects", ""); got != 200 {
			t.Fatal("a federated user:", now.ahead, got)
		}
	}
	now.ahead += 11 * 24 * time.Hour
	if got := s.ask("", "POST /v3/auth/tokens", byCred); got != 401 {
		t.Error("away for too long:", got)
	}
	if _, _, err := s.SignInFederated(t.Context(), "acme", "openid", from("fed")); err == nil {
		t.Error("a federated user was away for too long")
	}
}
