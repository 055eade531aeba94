package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	"stackd/keystone/keystonetest"
)

// byAppCred makes an application credential and signs in with it.
func (s *site) byAppCred(token, user, more string) (id, tok string) {
	s.t.Helper()
	w, out := s.do(token, "POST /v3/users/"+user+"/application_credentials", `{"application_credential":{"name":"`+keystone.NewID()+`"`+more+`}}`)
	if w.Code != 201 {
		s.t.Fatal(w.Code, w.Body)
	}
	a := out["application_credential"].(map[string]any)
	w, _ = s.do("", "POST /v3/auth/tokens", fmt.Sprintf(`{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":%q,"secret":%q}}}}`, a["id"], a["secret"]))
	if w.Code != 201 {
		s.t.Fatal(w.Code, w.Body)
	}
	return a["id"].(string), w.Header().Get("X-Subject-Token")
}

func TestOSSA_2018_002(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	ann := s.Token("ann", "p", "member")
	s.Token("bob", "q", "member")
	for _, path := range []string{"/v3/OS-FEDERATION/projects", "/v3/auth/projects"} {
		_, out := s.do(ann, "GET "+path, "")
		if l := out["projects"].([]any); len(l) != 1 || at(l[0], "id") != s.Project("p") {
			t.Errorf("%s: %v", path, l)
		}
		if got := s.ask("", "GET "+path, ""); got != 401 {
			t.Errorf("%s: %d", path, got)
		}
	}
	_, out := s.do(ann, "GET /v3/OS-FEDERATION/domains", "")
	if l := out["domains"].([]any); len(l) != 0 {
		t.Error(l)
	}
}

func TestOSSA_2020_003(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	p, ann := s.Project("p"), s.Token("ann", "p", "member")
	access, secret := s.key(ann, s.userID("ann"), p)
	for name, sign := range map[string]func(string, string, time.Time) map[string]any{"v0": ec2V0, "v1": ec2V1, "v2": ec2V2, "v4": ec2V4} {
		for age, want := range map[time.Duration]int{0: 200, 14 * time.Minute: 200, 16 * time.Minute: 401, 1000 * time.Hour: 401, -20 * time.Minute: 401} {
			if got := s.ask(s.Admin(), "POST /v3/ec2tokens", body(t, "credentials", sign(access, secret, time.Now().Add(-age)))); got != want {
				t.Errorf("%s, %v old: %d", name, age, got)
			}
		}
	}
}

func TestOSSA_2020_004(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	ann, bob := s.Token("ann", "p", "member"), s.Token("bob", "q", "member")
	made := func(token, user, project string) string {
		return s.must(201, token, "POST /v3/credentials", fmt.Sprintf(`{"credential":{"type":"cert","blob":"x","user_id":%q,"project_id":%q}}`, s.userID(user), s.Project(project)))
	}
	own, foreign := made(ann, "ann", "p"), made(bob, "bob", "q")
	elsewhere := made(ann, "ann", "q")
	for call, want := range map[string]int{"GET /v3/credentials/" + foreign: 403, "DELETE /v3/credentials/" + foreign: 403, "PATCH /v3/credentials/" + foreign: 403} {
		if got := s.ask(ann, call, `{"credential":{"blob":"y"}}`); got != want {
			t.Errorf("%s: %d", call, got)
		}
	}
	for _, change := range []string{`{"credential":{"user_id":"` + s.userID("bob") + `"}}`, `{"credential":{"user_id":"` + s.userID("admin") + `","project_id":null}}`} {
		if got := s.ask(ann, "PATCH /v3/credentials/"+own, change); got != 403 {
			t.Errorf("%s: %d", change, got)
		}
	}
	if got := s.ask(ann, "POST /v3/credentials", `{"credential":{"type":"cert","blob":"x","user_id":"`+s.userID("bob")+`"}}`); got != 403 {
		t.Error("made for another:", got)
	}
	trust := s.must(201, ann, "POST /v3/OS-TRUST/trusts", trustBody(s.userID("ann"), s.userID("bob"), s.Project("p"), `,"impersonation":true`, "member"))
	_, byTrust := s.byTrust(bob, trust)
	_, byCred := s.byAppCred(ann, s.userID("ann"), "")
	for name, tok := range map[string]string{"trust": byTrust, "application credential": byCred} {
		_, out := s.do(tok, "GET /v3/credentials", "")
		if l, _ := out["credentials"].([]any); len(l) != 1 || at(l[0], "id") != own {
			t.Errorf("a token by %s sees credentials of other projects: %v", name, l)
		}
		for _, call := range []string{"GET", "PATCH", "DELETE"} {
			if got := s.ask(tok, call+" /v3/credentials/"+elsewhere, `{"credential":{"blob":"y"}}`); got != 404 && got != 403 {
				t.Errorf("%s by %s: %d", call, name, got)
			}
		}
		if got := s.ask(tok, "POST /v3/credentials", fmt.Sprintf(`{"credential":{"type":"cert","blob":"x","user_id":%q,"project_id":%q}}`, s.userID("ann"), s.Project("q"))); got != 403 {
			t.Errorf("made for another project by %s: %d", name, got)
		}
	}
}

func TestOSSA_2020_005(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	_, _, access := s.granted(s.Project("p"), "reader")
	if w, out := access.signIn(s); w.Code != 201 || roleNames(out) != "reader" {
		t.Error("an access token has more roles than were authorized:", w.Code, roleNames(out))
	}
	admin := s.Token("root", "p", "admin")
	k := s.consumer()
	request := k.with(s, k.ask(s, s.Project("p")))
	if code, _ := s.authorize(admin, request.token, `{"name":"nosuch"}`); code != 404 {
		t.Error("a role that is not there was authorized:", code)
	}
	if code, v := s.authorize(admin, request.token, ""); code == 200 {
		request.verifier = v
		none := request.with(s, request.exchange(s))
		none.verifier = ""
		if w, out := none.signIn(s); w.Code == 201 && roleNames(out) != "" {
			t.Error("no role was authorized, and there are:", roleNames(out))
		}
	}
}

func TestOSSA_2021_003(t *testing.T) {
	s := openWith(t, dbtest.SQLite(t), keystone.Options{LockoutAttempts: 2})
	ann := s.must(201, s.Admin(), "POST /v3/users", newUser("ann", "right", ""))
	off := s.must(201, s.Admin(), "POST /v3/users", newUser("off", "right", ""))
	s.must(200, s.Admin(), "PATCH /v3/users/"+off, `{"user":{"enabled":false}}`)
	_, _, wrong := s.login(ann, "wrong")
	s.login(ann, "wrong")
	for what, answer := range map[string]func() (int, string, string){
		"a locked-out user": func() (int, string, string) { return s.login(ann, "right") }, "nobody": func() (int, string, string) { return s.login("nobody", "right") },
		"a disabled user": func() (int, string, string) { return s.login(off, "right") }, "a locked-out one's wrong word": func() (int, string, string) { return s.login(ann, "wrong") },
	} {
		if code, tok, text := answer(); code != 401 || tok != "" || text != wrong {
			t.Errorf("%s is told apart: %d %s", what, code, text)
		}
	}
	name := func(user, password string) string {
		w, _ := s.do("", "POST /v3/auth/tokens", fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":%q,"domain":{"id":"default"},"password":%q}}}}}`, user, password))
		return w.Body.String()
	}
	if a, b := name("ann", "right"), name("nobody", "right"); a != b || strings.Contains(a, ann) {
		t.Error(a, b)
	}
}

func TestOSSA_2026_005(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	ann := s.Token("ann", "p", "member")
	me, p := s.userID("ann"), s.Project("p")
	_, restricted := s.byAppCred(ann, me, "")
	_, free := s.byAppCred(ann, me, `,"unrestricted":true`)
	for tok, want := range map[string]int{restricted: 403, free: 201} {
		if got := s.ask(tok, "POST /v3/users/"+me+"/credentials/OS-EC2", `{"tenant_id":"`+p+`"}`); got != want {
			t.Errorf("OS-EC2: %d, not %d", got, want)
		}
		blob := `{\"access\":\"` + keystone.NewID() + `\",\"secret\":\"y\"}`
		if got := s.ask(tok, "POST /v3/credentials", fmt.Sprintf(`{"credential":{"type":"ec2","blob":"%s","user_id":%q,"project_id":%q}}`, blob, me, p)); got != want {
			t.Errorf("credentials: %d, not %d", got, want)
		}
	}
}

// A key that an application credential's token gives itself is that credential's.
func TestCVE_2026_42998(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	ann, bob := s.Token("ann", "p", "member"), s.Token("bob", "p", "admin")
	w, out := s.do(ann, "POST /v3/users/"+s.userID("ann")+"/application_credentials", `{"application_credential":{"name":"a"}}`)
	if w.Code != 201 {
		t.Fatal(w.Body)
	}
	a := out["application_credential"].(map[string]any)
	s.byAppCred(bob, s.userID("bob"), "")
	for what, c := range map[string]string{
		"another's name":           fmt.Sprintf(`"name":"a","secret":%q,"user":{"id":%q}`, a["secret"], s.userID("bob")),
		"an id and another's name": fmt.Sprintf(`"id":%q,"name":"x","secret":%q,"user":{"id":%q}`, a["id"], a["secret"], s.userID("bob")),
	} {
		w, out := s.do("", "POST /v3/auth/tokens", `{"auth":{"identity":{"methods":["application_credential"],"application_credential":{`+c+`}}}}`)
		if w.Code == 201 && at(out, "token", "user", "id") != s.userID("ann") {
			t.Errorf("%s makes another's token: %s", what, w.Body)
		}
	}
	both := fmt.Sprintf(`{"auth":{"identity":{"methods":["application_credential","password"],"application_credential":{"id":%q,"secret":%q},"password":{"user":{"id":%q,"password":%q}}}}}`,
		a["id"], a["secret"], s.userID("bob"), keystonetest.Password)
	if got := s.ask("", "POST /v3/auth/tokens", both); got != 401 {
		t.Error("two users in one proof:", got)
	}
	self := strings.Replace(both, s.userID("bob"), s.userID("ann"), 1)
	for _, order := range []string{self, strings.Replace(self, `["application_credential","password"]`, `["password","application_credential"]`, 1)} {
		w, out := s.do("", "POST /v3/auth/tokens", order)
		if w.Code == 201 && at(out, "token", "application_credential", "id") != a["id"] {
			t.Errorf("a second method lifts the limits of the first: %s", w.Body)
		}
	}
}

// What the request's body or query says never counts for what it is about.
func TestCVE_2026_42999(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	admin := s.Admin()
	a := s.must(201, admin, "POST /v3/domains", `{"domain":{"name":"a"}}`)
	b := s.must(201, admin, "POST /v3/domains", `{"domain":{"name":"b"}}`)
	manager := s.domainUser(a, "m", "manager")
	u := s.must(201, admin, "POST /v3/users", `{"user":{"name":"f","domain_id":"`+b+`","password":"x"}}`)
	g := s.must(201, admin, "POST /v3/groups", `{"group":{"name":"g","domain_id":"`+b+`"}}`)
	p := s.must(201, admin, "POST /v3/projects", `{"project":{"name":"p","domain_id":"`+b+`"}}`)
	ann := s.Token("ann", "p", "member")
	me := s.userID("ann")
	forged := func(kind, more string) string {
		return fmt.Sprintf(`{%q:{"domain_id":%q,"user_id":%q,"id":%q,"name":"z"%s},"domain_id":%q,"user_id":%q,"target":{"user":{"domain_id":%q}},"target.user.domain_id":%q}`, kind, a, me, me, more, a, me, a, a)
	}
	for call, kind := range map[string]string{
		"PATCH /v3/users/" + u: "user", "PATCH /v3/groups/" + g: "group", "PATCH /v3/projects/" + p: "project", "POST /v3/users/" + u + "/application_credentials": "application_credential",
		"POST /v3/users/" + u + "/credentials/OS-EC2": "tenant_id", "PUT /v3/groups/" + g + "/users/" + u: "user", "DELETE /v3/users/" + u: "user",
	} {
		for name, tok := range map[string]string{"a manager": manager, "a member": ann} {
			for _, query := range []string{"", "?domain_id=" + a, "?user_id=" + me, "?target.user.domain_id=" + a} {
				text := forged(kind, "")
				if kind == "tenant_id" {
					text = fmt.Sprintf(`{"tenant_id":%q,"user_id":%q}`, p, me)
				}
				if got := s.ask(tok, call+query, text); got < 400 {
					t.Errorf("%s%s by %s: %d", call, query, name, got)
				}
			}
		}
	}
	if got := s.ask(manager, "POST /v3/users", fmt.Sprintf(`{"user":{"name":"new","domain_id":%q},"domain_id":%q}`, b, a)); got != 403 {
		t.Error("made in another's domain:", got)
	}
}

// No token by application credential reads or makes trusts.
func TestCVE_2026_43000(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	ann := s.Token("ann", "p", "member")
	s.Token("bob", "")
	me, p := s.userID("ann"), s.Project("p")
	on := "/v3/OS-TRUST/trusts"
	trust := s.must(201, ann, "POST "+on, trustBody(me, s.userID("bob"), p, `,"impersonation":true`, "member"))
	for _, more := range []string{"", `,"unrestricted":true`} {
		_, tok := s.byAppCred(ann, me, more)
		for _, call := range []string{"GET " + on + "?trustor_user_id=" + me, "GET " + on + "/" + trust, "GET " + on + "/" + trust + "/roles", "GET " + on + "/" + trust + "/roles/" + s.roleID("member"),
			"POST " + on, "DELETE " + on + "/" + trust} {
			if got := s.ask(tok, call, trustBody(me, s.userID("bob"), p, `,"impersonation":true`, "member")); got != 403 {
				t.Errorf("%s%s: %d", call, more, got)
			}
		}
	}
	s.must(200, ann, "GET "+on+"/"+trust, "")
}

func TestCVE_2026_44394(t *testing.T) {
	db := dbtest.SQLite(t)
	now := (&clock{}).on(db)
	s := openWith(t, db, keystone.Options{})
	s.acme(`[{"local":[{"user":{"name":"{0}"}}],"remote":[{"type":"mail"}]}]`, "1.0")
	tok := s.federated(from("ann"))
	_, first := s.seen(tok)
	now.ahead = 20 * time.Minute
	code, next, v := s.rescope(tok, `"unscoped"`)
	if code != 201 || v["expires_at"] != first["expires_at"] {
		t.Fatal("a federated token lives longer by being exchanged:", code, v["expires_at"], first["expires_at"])
	}
	now.ahead = 61 * time.Minute
	if got := s.ask(next, "GET /v3/auth/projects", ""); got != 401 {
		t.Error(got)
	}
}

// An application credential authorizes no consumer of OAuth1.
func TestAnAppCredentialAuthorizesNobody(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	root := s.Token("root", "p", "admin")
	for _, more := range []string{"", `,"unrestricted":true`} {
		_, tok := s.byAppCred(root, s.userID("root"), more)
		k := s.consumer()
		request := k.with(s, k.ask(s, s.Project("p")))
		if code, _ := s.authorize(tok, request.token, `{"name":"admin"}`); code != 403 {
			t.Errorf("%q: %d", more, code)
		}
	}
}
