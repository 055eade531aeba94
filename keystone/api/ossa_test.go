package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	"stackd/keystone/api"
	"stackd/keystone/keystonetest"
)

// The tests in these files are named after the advisories of OpenStack's security
// team whose holes they would find; docs/advisories.md lists them all.

// ends sees that a token is good, and no more after what is done.
func (s *site) ends(what, token string, do func()) {
	s.t.Helper()
	if got := s.ask(token, "GET /v3/auth/catalog", ""); got != 200 {
		s.t.Fatalf("before %s: %d", what, got)
	}
	do()
	if got := s.ask(token, "GET /v3/auth/catalog", ""); got != 401 {
		s.t.Errorf("after %s the token is good: %d", what, got)
	}
}

// rescope exchanges a token for another.
func (s *site) rescope(token, scope string) (int, string, map[string]any) {
	s.t.Helper()
	w, out := s.do("", "POST /v3/auth/tokens", fmt.Sprintf(`{"auth":{"identity":{"methods":["token"],"token":{"id":%q}},"scope":%s}}`, token, scope))
	t, _ := out["token"].(map[string]any)
	return w.Code, w.Header().Get("X-Subject-Token"), t
}

// seen is what an administrator sees of a token.
func (s *site) seen(token string) (int, map[string]any) {
	s.t.Helper()
	w, out := s.do(s.Admin(), "GET /v3/auth/tokens", "", "X-Subject-Token", token)
	t, _ := out["token"].(map[string]any)
	return w.Code, t
}

func TestOSSA_2012_002(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	ann := s.must(201, s.Admin(), "POST /v3/users", newUser("ann", "right", ""))
	begin := time.Now()
	for _, n := range []int{5000, 100_000, 5_000_000} {
		if code, _, _ := s.login(ann, strings.Repeat("a", n)); code != 400 && code != 401 && code != 413 {
			t.Errorf("a password of %d bytes: %d", n, code)
		}
		if got := s.ask(s.Admin(), "POST /v3/users", newUser("long", strings.Repeat("a", n), "")); got != 400 && got != 413 {
			t.Errorf("a new password of %d bytes: %d", n, got)
		}
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Error("it took", took)
	}
}

func TestOSSA_2012_010(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	for what, change := range map[string]string{"disabling": `{"user":{"enabled":false}}`, "a new password": `{"user":{"password":"new"}}`} {
		name := strings.Fields(what)[0]
		tok := s.Token(name, "p", "member")
		_, child, _ := s.rescope(tok, `{"project":{"id":"`+s.Project("p")+`"}}`)
		s.ends(what, tok, func() { s.must(200, s.Admin(), "PATCH /v3/users/"+s.userID(name), change) })
		if got := s.ask(child, "GET /v3/auth/catalog", ""); got != 401 {
			t.Error("a token made of it is good after", what, got)
		}
	}
}

func TestOSSA_2012_014(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	tok := s.Token("ann", "p", "member")
	s.ends("the role is revoked", tok, func() {
		s.must(204, s.Admin(), "DELETE /v3/projects/"+s.Project("p")+"/users/"+s.userID("ann")+"/roles/"+s.roleID("member"), "")
	})
}

// Every operation that is not open to anybody asks for a token, and knows a bad one.
func TestOSSA_2012_015(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	n := 0
	for _, r := range api.Routes(nil) {
		if r.Open {
			continue
		}
		n++
		method, path, _ := strings.Cut(r.On, " ")
		path = strings.NewReplacer("{", "", "}", "", "$", "").Replace(path)
		for _, token := range []string{"", "nonsense", strings.Repeat("gAAAAAB", 30)} {
			if got := s.ask(token, method+" "+path, "{}"); got != 401 {
				t.Errorf("%s with token %.20q: %d", r.On, token, got)
			}
		}
	}
	if n < 150 {
		t.Error("only", n, "rows were tried")
	}
}

func TestOSSA_2012_016(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	tok := s.Token("ann", "p", "member")
	p := s.Project("p")
	s.ends("the project is disabled", tok, func() { s.must(200, s.Admin(), "PATCH /v3/projects/"+p, `{"project":{"enabled":false}}`) })
	body := fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":%q,"password":%q}}},"scope":{"project":{"id":%q}}}}`, s.userID("ann"), keystonetest.Password, p)
	if got := s.ask("", "POST /v3/auth/tokens", body); got != 401 {
		t.Error("a token for a disabled project:", got)
	}
	s.must(200, s.Admin(), "PATCH /v3/users/"+s.userID("ann"), `{"user":{"default_project_id":"`+p+`"}}`)
	_, fresh, _ := s.login(s.userID("ann"), keystonetest.Password)
	if _, v := s.seen(fresh); v == nil || v["project"] != nil {
		t.Error("a token for a disabled default project:", v)
	}
}

func TestOSSA_2012_018(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	p, ann := s.Project("p"), s.Token("ann", "p", "member")
	access, secret := s.key(ann, s.userID("ann"), p)
	good := body(t, "credentials", ec2V4(access, secret, time.Now()))
	s.must(200, s.Admin(), "POST /v3/ec2tokens", good)
	s.must(204, s.Admin(), "DELETE /v3/projects/"+p+"/users/"+s.userID("ann")+"/roles/"+s.roleID("member"), "")
	s.must(401, s.Admin(), "POST /v3/ec2tokens", good)
}

func TestOSSA_2012_019(t *testing.T) {
	db := dbtest.SQLite(t)
	now := (&clock{}).on(db)
	s := openWith(t, db, keystone.Options{})
	tok := s.Token("ann", "p", "member")
	_, first := s.seen(tok)
	for range 3 {
		now.ahead += 15 * time.Minute
		code, next, v := s.rescope(tok, `{"project":{"id":"`+s.Project("p")+`"}}`)
		if code != 201 || v["expires_at"] != first["expires_at"] {
			t.Error("a chain of tokens lives longer:", code, v["expires_at"], first["expires_at"])
		}
		tok = next
	}
	now.ahead = 61 * time.Minute
	if code, _, _ := s.rescope(tok, `"unscoped"`); code != 401 {
		t.Error(code)
	}
}

func TestOSSA_2013_003(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	admin, begin := s.Admin(), time.Now()
	for range 20 {
		long := strings.Repeat("gAAAAAB-.", 60_000)
		if w, _ := s.do(admin, "GET /v3/auth/tokens", "", "X-Subject-Token", long); w.Code != 404 || w.Body.Len() > 1000 {
			t.Error(w.Code, w.Body.Len())
		}
		if got := s.ask(long, "GET /v3/auth/projects", ""); got != 401 {
			t.Error(got)
		}
		if code, _, _ := s.rescope(long, `"unscoped"`); code != 401 && code != 413 {
			t.Error(code)
		}
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Error("it took", took)
	}
}

func TestOSSA_2013_005(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	for n, disable := range []string{"PATCH /v3/users/$u", "PATCH /v3/projects/$p"} {
		name := fmt.Sprint("who", n)
		p, tok := s.Project(name), s.Token(name, name, "member")
		u := s.userID(name)
		access, secret := s.key(tok, u, p)
		good := body(t, "credentials", ec2V2(access, secret, time.Now()))
		s.must(200, s.Admin(), "POST /v3/ec2tokens", good)
		s.must(200, s.Admin(), strings.NewReplacer("$u", u, "$p", p).Replace(disable), []string{`{"user":{"enabled":false}}`, `{"project":{"enabled":false}}`}[n])
		s.must(401, s.Admin(), "POST /v3/ec2tokens", good)
	}
}

func TestOSSA_2013_009(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	tok := s.Token("ann", "p", "member")
	s.ends("it is revoked", tok, func() { s.do(tok, "DELETE /v3/auth/tokens", "", "X-Subject-Token", tok) })
	for _, path := range []string{"", "?nocatalog", "?allow_expired=1"} {
		if w, _ := s.do(s.Admin(), "GET /v3/auth/tokens"+path, "", "X-Subject-Token", tok); w.Code != 404 {
			t.Errorf("%q: %d", path, w.Code)
		}
	}
}

func TestOSSA_2013_011(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	tok := s.Token("ann", "p", "member")
	s.ends("the user is deleted", tok, func() { s.must(204, s.Admin(), "DELETE /v3/users/"+s.userID("ann"), "") })
}

func TestOSSA_2013_014(t *testing.T) {
	for _, kind := range []string{"fernet", "jws"} {
		db := dbtest.SQLite(t)
		now := (&clock{}).on(db)
		s := openWith(t, db, keystone.Options{TokenProvider: kind})
		tok := s.Token("ann", "p", "member")
		s.ends("its end", tok, func() { now.ahead = time.Hour })
		if code, _ := s.seen(tok); code != 404 {
			t.Error(kind, code)
		}
	}
}

func TestOSSA_2013_032(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	p, ann := s.Project("p"), s.Token("ann", "p", "manager")
	s.Token("bob", "")
	trust := s.must(201, ann, "POST /v3/OS-TRUST/trusts", trustBody(s.userID("ann"), s.userID("bob"), p, `,"impersonation":true`, "member"))
	_, tok := s.byTrust(s.SignIn("bob", keystone.ScopeWish{}), trust)
	access, secret := s.key(tok, s.userID("ann"), p)
	w, out := s.do(s.Admin(), "POST /v3/ec2tokens", body(t, "credentials", ec2V4(access, secret, time.Now())))
	if w.Code != 200 || roleNames(out) != "member reader" {
		t.Error("a key gives more than the trust it was made by:", w.Code, roleNames(out))
	}
}

func TestOSSA_2014_006(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	for n, who := range []string{"ann", "bob"} {
		p, ann := s.Project("p"), s.Token("ann", "p", "member")
		s.Token("bob", "")
		trust := s.must(201, ann, "POST /v3/OS-TRUST/trusts", trustBody(s.userID("ann"), s.userID("bob"), p, fmt.Sprintf(`,"impersonation":%t`, n == 0), "member"))
		_, tok := s.byTrust(s.SignIn("bob", keystone.ScopeWish{}), trust)
		s.ends(who+" is disabled", tok, func() { s.must(200, s.Admin(), "PATCH /v3/users/"+s.userID(who), `{"user":{"enabled":false}}`) })
		s.must(200, s.Admin(), "PATCH /v3/users/"+s.userID(who), `{"user":{"enabled":true}}`)
	}
}

func TestOSSA_2014_013(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	ann := s.must(201, s.Admin(), "POST /v3/users", newUser("ann", "right", ""))
	methods := strings.Repeat(`"password",`, 5000) + `"password"`
	for password, want := range map[string]int{"right": 201, "wrong": 401} {
		begin := time.Now()
		w, out := s.do("", "POST /v3/auth/tokens", fmt.Sprintf(`{"auth":{"identity":{"methods":[%s],"password":{"user":{"id":%q,"password":%q}}}}}`, methods, ann, password))
		if w.Code != want || time.Since(begin) > time.Second || want == 201 && fmt.Sprint(at(out, "token", "methods")) != "[password]" {
			t.Errorf("%s, 5000 times: %d %v after %v", password, w.Code, at(out, "token", "methods"), time.Since(begin))
		}
	}
}

// A user's and a group's assignments are kept apart, whatever their ids.
func TestOSSA_2014_015(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	admin := s.Admin()
	s.Token("ann", "")
	p, ann, member := s.Project("p"), s.userID("ann"), s.roleID("member")
	group := s.must(201, admin, "POST /v3/groups", `{"group":{"name":"g"}}`)
	if got := s.ask(admin, "PUT /v3/projects/"+p+"/groups/"+ann+"/roles/"+member, ""); got != 404 {
		t.Error("a user is taken for a group:", got)
	}
	if got := s.ask(admin, "PUT /v3/projects/"+p+"/users/"+group+"/roles/"+member, ""); got != 404 {
		t.Error("a group is taken for a user:", got)
	}
	s.must(204, admin, "PUT /v3/projects/"+p+"/groups/"+group+"/roles/"+member, "")
	_, out := s.do(admin, "GET /v3/role_assignments?effective&user.id="+group, "")
	if l, _ := out["role_assignments"].([]any); len(l) != 0 {
		t.Error("a group's role is a user's:", l)
	}
}

func TestOSSA_2014_018(t *testing.T) {
	s := openWith(t, dbtest.SQLite(t), keystone.Options{Redelegation: true})
	p, ann := s.Project("p"), s.Token("ann", "p", "manager")
	s.Token("bob", "")
	s.Token("cid", "")
	trust := s.must(201, ann, "POST /v3/OS-TRUST/trusts", trustBody(s.userID("ann"), s.userID("bob"), p, `,"impersonation":true,"allow_redelegation":true`, "reader"))
	_, tok := s.byTrust(s.SignIn("bob", keystone.ScopeWish{}), trust)
	if got := s.ask(tok, "POST /v3/OS-TRUST/trusts", trustBody(s.userID("ann"), s.userID("cid"), p, `,"impersonation":true`, "manager")); got != 403 {
		t.Error("a trust of a trust gives more:", got)
	}
	s.must(201, tok, "POST /v3/OS-TRUST/trusts", trustBody(s.userID("ann"), s.userID("cid"), p, `,"impersonation":true`, "reader"))
	if code, _, _ := s.rescope(tok, `{"project":{"id":"`+p+`"}}`); code != 403 {
		t.Error("a token by trust is exchanged for one without:", code)
	}
}

func TestOSSA_2014_022(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	ann := s.Token("ann", "p", "member")
	s.Token("ann", "q", "admin")
	s.Token("bob", "")
	trust := s.must(201, ann, "POST /v3/OS-TRUST/trusts", trustBody(s.userID("ann"), s.userID("bob"), s.Project("p"), `,"impersonation":true`, "member"))
	bob := s.SignIn("bob", keystone.ScopeWish{})
	both := `{"OS-TRUST:trust":{"id":"` + trust + `"},"project":{"id":"` + s.Project("q") + `"}}`
	if code, _, _ := s.rescope(bob, both); code != 400 {
		t.Error("a trust for a project of the trustee's choice:", code)
	}
	for _, call := range []string{"POST /v2.0/tokens", "POST /v2.0/ec2tokens", "GET /v2.0/tenants"} {
		if got := s.ask(bob, call, "{}"); got != 404 {
			t.Errorf("%s: %d", call, got)
		}
	}
}

func TestOSSA_2014_026(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	admin := s.Admin()
	d := s.must(201, admin, "POST /v3/domains", `{"domain":{"name":"d"}}`)
	tok := s.domainUser(d, "ann", "admin")
	s.ends("the domain is disabled", tok, func() { s.must(200, s.Admin(), "PATCH /v3/domains/"+d, `{"domain":{"enabled":false}}`) })
	if code, _ := s.seen(tok); code != 404 {
		t.Error(code)
	}
	fresh := s.Token("bob", "p", "member")
	if got := s.ask(fresh, "GET /v3/auth/catalog", ""); got != 200 {
		t.Error("what ended others' tokens ended a new one:", got)
	}
}

func TestOSSA_2014_029(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	admin := s.Admin()
	service := s.must(201, admin, "POST /v3/services", `{"service":{"type":"x","name":"x"}}`)
	for _, url := range []string{"http://x/$(admin_token)s", "http://x/%(admin_token)s", "http://x/$(master_key)s", "http://x/$(password)s"} {
		w, out := s.do(admin, "POST /v3/endpoints", fmt.Sprintf(`{"endpoint":{"interface":"public","url":%q,"service_id":%q}}`, url, service))
		if w.Code == 201 && at(out, "endpoint", "url") != url {
			t.Errorf("%s was filled in: %s", url, w.Body)
		}
		if strings.Contains(url, "$(") && w.Code != 400 {
			t.Errorf("%s: %d", url, w.Code)
		}
	}
}

func TestOSSA_2016_005(t *testing.T) {
	for _, kind := range []string{"fernet", "jws"} {
		s := openWith(t, dbtest.SQLite(t), keystone.Options{TokenProvider: kind})
		tok := s.Token("ann", "p", "member")
		s.do(tok, "DELETE /v3/auth/tokens", "", "X-Subject-Token", tok)
		for _, same := range []string{tok, tok + "=", tok + "==", tok + "\n", " " + tok, strings.ToUpper(tok), tok[:len(tok)-1] + "A", tok + "A"} {
			r := http.Header{"X-Auth-Token": {same}}
			if got := s.ask(r.Get("X-Auth-Token"), "GET /v3/auth/catalog", ""); got != 401 {
				t.Errorf("%s: revoked, and good when written otherwise: %d", kind, got)
			}
		}
	}
}

func TestOSSA_2016_008(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	tok := s.Token("ann", "p", "member")
	_, first := s.seen(tok)
	ids, _ := first["audit_ids"].([]any)
	_, child, v := s.rescope(tok, `{"project":{"id":"`+s.Project("p")+`"}}`)
	chain, _ := v["audit_ids"].([]any)
	_, grandchild, v := s.rescope(child, `{"project":{"id":"`+s.Project("p")+`"}}`)
	last, _ := v["audit_ids"].([]any)
	if len(ids) != 1 || len(chain) != 2 || chain[1] != ids[0] || len(last) != 2 || last[1] != ids[0] || slices.Contains(last, chain[0]) {
		t.Error(ids, chain, last)
	}
	s.ends("its revocation", child, func() { s.do(child, "DELETE /v3/auth/tokens", "", "X-Subject-Token", child) })
	for _, other := range []string{tok, grandchild} {
		if got := s.ask(other, "GET /v3/auth/catalog", ""); got != 200 {
			t.Error("another of the chain was revoked with it:", got)
		}
	}
}
