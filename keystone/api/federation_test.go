package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	"stackd/keystone/mapping"
)

const fed = "/v3/OS-FEDERATION/"

// byMail maps a user by its mail, with groups of the provider's domain.
const byMail = `[{"local":[{"user":{"name":"{0}"}}],"remote":[{"type":"mail"}]},
 {"local":[{"groups":"{0}","domain":{"id":"default"}}],"remote":[{"type":"groups"}]}]`

// acme is an identity provider with a mapping and a protocol of these names.
func (s *site) acme(rules, version string) string {
	s.t.Helper()
	admin := s.Admin()
	s.must(201, admin, "PUT "+fed+"identity_providers/acme", `{"identity_provider":{"enabled":true,"remote_ids":["https://acme.example"]}}`)
	s.must(201, admin, "PUT "+fed+"mappings/m", `{"mapping":{"schema_version":"`+version+`","rules":`+rules+`}}`)
	s.must(201, admin, "PUT "+fed+"identity_providers/acme/protocols/openid", `{"protocol":{"mapping_id":"m","remote_id_attribute":"iss"}}`)
	p, err := s.IdentityProvider(s.t.Context(), "acme")
	if err != nil {
		s.t.Fatal(err)
	}
	return p.DomainID
}

// from is an assertion of acme's.
func from(mail string, groups ...string) mapping.Assertion {
	return mapping.Assertion{"iss": {"https://acme.example"}, "mail": {mail}, "groups": groups}
}

func (s *site) federated(a mapping.Assertion) string {
	s.t.Helper()
	_, t, err := s.SignInFederated(s.t.Context(), "acme", "openid", a)
	if err != nil {
		s.t.Fatal(err)
	}
	return t
}

// at follows names into JSON.
func at(v any, names ...string) any {
	for _, n := range names {
		m, _ := v.(map[string]any)
		v = m[n]
	}
	return v
}

func TestFederationResources(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		home := s.acme(byMail, "1.0")
		admin, member := s.Admin(), s.Token("bob", "p", "member")
		for _, c := range []struct {
			call, body string
			status     int
		}{
			{"PUT identity_providers/acme", `{"identity_provider":{}}`, 409},
			{"PUT identity_providers/b", `{"identity_provider":{"remote_ids":["https://acme.example"]}}`, 409},
			{"PUT identity_providers/b", `{"identity_provider":{"domain_id":"nosuch"}}`, 404},
			{"PUT identity_providers/b", `{"identity_provider":{"colour":"red"}}`, 400},
			{"PUT identity_providers/b", `{"identity_provider":{"authorization_ttl":-1}}`, 400},
			{"PUT identity_providers/b", `{"identity_provider":{"domain_id":"default","authorization_ttl":5}}`, 201},
			{"PATCH identity_providers/b", `{"identity_provider":{"domain_id":"x"}}`, 400},
			{"PATCH identity_providers/b", `{"identity_provider":{"remote_ids":["https://acme.example"]}}`, 409},
			{"PATCH identity_providers/b", `{"identity_provider":{"remote_ids":["b","a"],"authorization_ttl":null}}`, 200},
			{"PATCH identity_providers/nosuch", `{"identity_provider":{"enabled":true}}`, 404},
			{"GET identity_providers/nosuch", "", 404},
			{"DELETE identity_providers/nosuch", "", 404},
			{"PUT identity_providers/acme/protocols/x", `{"protocol":{"mapping_id":"nosuch"}}`, 400},
			{"PUT identity_providers/acme/protocols/x", `{"protocol":{}}`, 400},
			{"PUT identity_providers/nosuch/protocols/x", `{"protocol":{"mapping_id":"m"}}`, 404},
			{"PUT identity_providers/acme/protocols/openid", `{"protocol":{"mapping_id":"m"}}`, 409},
			{"GET identity_providers/acme/protocols/nosuch", "", 404},
			{"PATCH identity_providers/acme/protocols/openid", `{"protocol":{"mapping_id":"nosuch"}}`, 400},
			{"PATCH identity_providers/acme/protocols/openid", `{"protocol":{"mapping_id":"m"}}`, 200},
			{"PUT mappings/m", `{"mapping":{"rules":` + byMail + `}}`, 409},
			{"PUT mappings/n", `{"mapping":{"rules":[]}}`, 400},
			{"PUT mappings/n", `{"mapping":{"rules":[{"local":[],"remote":[{"type":"a","blacklist":["x"],"whitelist":["y"]}]}]}}`, 400},
			{"PUT mappings/n", `{"mapping":{"schema_version":"9","rules":` + byMail + `}}`, 400},
			{"PUT mappings/n", `{"mapping":{"schema_version":"2.0","rules":` + byMail + `}}`, 201},
			{"PATCH mappings/n", `{"mapping":{"rules":[{"local":[{"user":{"name":"{0}"}}],"remote":[{"type":"a"}]}]}}`, 200},
			{"PATCH mappings/nosuch", `{"mapping":{"rules":` + byMail + `}}`, 404},
			{"DELETE mappings/n", "", 204},
			{"DELETE mappings/n", "", 404},
			{"PUT service_providers/s", `{"service_provider":{"auth_url":"http://s/auth"}}`, 400},
			{"PUT service_providers/s", `{"service_provider":{"auth_url":"no url","sp_url":"http://s/sp"}}`, 400},
			{"PUT service_providers/s", `{"service_provider":{"auth_url":"http://s/auth","sp_url":"http://s/sp"}}`, 201},
			{"PUT service_providers/s", `{"service_provider":{"auth_url":"http://s/auth","sp_url":"http://s/sp"}}`, 409},
			{"GET service_providers/nosuch", "", 404},
			{"PATCH service_providers/s", `{"service_provider":{"enabled":true}}`, 200},
		} {
			method, path := "", ""
			fmt.Sscan(c.call, &method, &path)
			w, _ := s.do(admin, method+" "+fed+path, c.body)
			if w.Code != c.status {
				t.Errorf("%s %s: %d, not %d: %s", c.call, c.body, w.Code, c.status, w.Body)
			}
			if got := s.ask(member, method+" "+fed+path, c.body); got != 403 {
				t.Errorf("%s by a member: %d", c.call, got)
			}
		}
		_, out := s.do(admin, "GET "+fed+"identity_providers?id=acme", "")
		ps, _ := out["identity_providers"].([]any)
		if len(ps) != 1 || at(ps[0], "domain_id") != home || at(ps[0], "description") != nil || fmt.Sprint(at(ps[0], "remote_ids")) != "[https://acme.example]" ||
			at(ps[0], "links", "protocols") != "http://example.com/v3/OS-FEDERATION/identity_providers/acme/protocols" {
			t.Error(out)
		}
		_, out = s.do(admin, "GET "+fed+"identity_providers?enabled=false", "")
		if ps, _ := out["identity_providers"].([]any); len(ps) != 1 || at(ps[0], "id") != "b" || fmt.Sprint(at(ps[0], "remote_ids")) != "[a b]" {
			t.Error(out)
		}
		_, out = s.do(admin, "GET "+fed+"identity_providers/acme/protocols", "")
		if ps, _ := out["protocols"].([]any); len(ps) != 1 || at(ps[0], "idp_id") != "acme" || at(ps[0], "remote_id_attribute") != "iss" {
			t.Error(out)
		}
		_, out = s.do(admin, "GET "+fed+"service_providers/s", "")
		if at(out, "service_provider", "relay_state_prefix") != "ss:mem:" || at(out, "service_provider", "enabled") != true {
			t.Error(out)
		}
		if w, out := s.do(s.Token("bob", ""), "GET "+fed+"service_providers", ""); w.Code != 403 {
			t.Error("a member may look", out)
		}
		_, out = s.do(admin, "GET /v3/auth/tokens", "", "X-Subject-Token", admin)
		if sp, _ := at(out, "token", "service_providers").([]any); len(sp) != 1 || at(sp[0], "sp_url") != "http://s/sp" {
			t.Error(at(out, "token"))
		}
		s.must(204, admin, "DELETE "+fed+"service_providers/s", "")
		if _, out = s.do(admin, "GET /v3/auth/tokens", "", "X-Subject-Token", admin); at(out, "token", "service_providers") != nil {
			t.Error("a service provider that is gone is shown")
		}
	})
}

func TestFederatedSignIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		home := s.acme(byMail, "1.0")
		admin := s.Admin()
		g := s.must(201, admin, "POST /v3/groups", `{"group":{"name":"devs"}}`)
		p := s.Project("shared")
		s.must(204, admin, "PUT /v3/projects/"+p+"/groups/"+g+"/roles/"+s.roleID("member"), "")
		token := s.federated(from("jo@acme.example", "devs", "nosuch"))

		_, out := s.do(admin, "GET /v3/auth/tokens", "", "X-Subject-Token", token)
		u := at(out, "token", "user")
		if at(u, "name") != "jo@acme.example" || at(u, "domain", "id") != home || fmt.Sprint(at(u, "OS-FEDERATION", "groups")) != "[map[id:"+g+"]]" ||
			at(u, "OS-FEDERATION", "identity_provider", "id") != "acme" || at(u, "OS-FEDERATION", "protocol", "id") != "openid" {
			t.Fatal(out)
		}
		if _, there := u.(map[string]any)["password_expires_at"]; there || fmt.Sprint(at(out, "token", "methods")) != "[openid]" {
			t.Error(out)
		}
		for _, path := range []string{"/v3/auth/projects", fed + "projects"} {
			_, out := s.do(token, "GET "+path, "")
			if ps, _ := out["projects"].([]any); len(ps) != 1 || at(ps[0], "id") != p {
				t.Error(path, out)
			}
		}

		// Another scope: the groups stay, and so does the end.
		for _, method := range []string{"token", "mapped", "saml2"} {
			w, scoped := s.do("", "POST /v3/auth/tokens", `{"auth":{"identity":{"methods":["`+method+`"],"`+method+`":{"id":"`+token+`"}},"scope":{"project":{"id":"`+p+`"}}}}`)
			if w.Code != 201 || at(scoped, "token", "expires_at") != at(out, "token", "expires_at") || at(scoped, "token", "user", "OS-FEDERATION", "protocol", "id") != "openid" {
				t.Errorf("%s: %d %s", method, w.Code, w.Body)
			}
			if rs, _ := at(scoped, "token", "roles").([]any); !slices.ContainsFunc(rs, func(r any) bool { return at(r, "name") == "member" }) {
				t.Error(scoped)
			}
		}
		if w, _ := s.do("", "POST /v3/auth/tokens", `{"auth":{"identity":{"methods":["token"],"token":{"id":"`+token+`"}},"scope":{"project":{"id":"`+s.Project("foreign")+`"}}}}`); w.Code != 401 {
			t.Error("a foreign project:", w.Code)
		}

		// The same person is the same user, known by filters.
		again := s.federated(from("jo@acme.example"))
		_, out2 := s.do(admin, "GET /v3/auth/tokens", "", "X-Subject-Token", again)
		if at(out2, "token", "user", "id") != at(u, "id") {
			t.Error("not the same user")
		}
		_, out = s.do(admin, "GET /v3/users?idp_id=acme&unique_id=jo%2540acme.example", "")
		us, _ := out["users"].([]any)
		if len(us) != 1 || fmt.Sprint(at(us[0], "federated")) != "[map[idp_id:acme protocols:[map[protocol_id:openid unique_id:jo%40acme.example]]]]" {
			t.Error(out)
		}

		s.must(200, admin, "PATCH "+fed+"identity_providers/acme", `{"identity_provider":{"enabled":false}}`)
		if _, _, err := s.SignInFederated(t.Context(), "acme", "openid", from("jo@acme.example")); !fault.Is(err, fault.Forbidden) {
			t.Error(err)
		}
		if w, _ := s.do("", "POST /v3/auth/tokens", `{"auth":{"identity":{"methods":["token"],"token":{"id":"`+token+`"}},"scope":{"project":{"id":"`+p+`"}}}}`); w.Code != 403 {
			t.Error("rescoped under a disabled provider:", w.Code)
		}
		s.must(204, admin, "DELETE "+fed+"identity_providers/acme", "")
		if got := s.ask(token, "GET /v3/auth/projects", ""); got != 401 {
			t.Error("the token outlives its provider:", got)
		}
		if got := s.ask(admin, fmt.Sprintf("GET /v3/users/%s", at(u, "id")), ""); got != 404 {
			t.Error("the shadow outlives its provider:", got)
		}
	})
}

func TestWhoDoesNotGetIn(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	s.acme(`[{"local":[{"user":{"name":"{0}","type":"local","domain":{"id":"default"}}}],"remote":[{"type":"mail"},{"type":"kind","any_one_of":["local"]}]},
		{"local":[{"user":{"name":"{0}"}}],"remote":[{"type":"mail"},{"type":"kind","not_any_of":["local","odd"]}]},
		{"local":[{"user":{"email":"{0}"}}],"remote":[{"type":"mail"},{"type":"kind","any_one_of":["odd"]}]}]`, "1.0")
	admin := s.Admin()
	s.Token("bob", "p", "member")
	s.must(200, admin, "PATCH /v3/users/"+s.userID("bob"), `{"user":{"enabled":false}}`)
	said := func(iss, mail, kind string) mapping.Assertion {
		return mapping.Assertion{"iss": {iss}, "mail": {mail}, "kind": {kind}}
	}
	const acme = "https://acme.example"
	for name, c := range map[string]struct {
		idp, protocol string
		a             mapping.Assertion
		kind          fault.Kind
	}{
		"no such provider":        {"nosuch", "openid", said(acme, "a", "x"), fault.NotFound},
		"no such protocol":        {"acme", "nosuch", said(acme, "a", "x"), fault.NotFound},
		"foreign issuer":          {"acme", "openid", said("https://evil.example", "a", "x"), fault.Forbidden},
		"a second issuer":         {"acme", "openid", mapping.Assertion{"iss": {acme, "https://evil.example"}, "mail": {"a"}, "kind": {"x"}}, fault.Forbidden},
		"no issuer":               {"acme", "openid", mapping.Assertion{"mail": {"a"}, "kind": {"x"}}, fault.Unauthorized},
		"nobody":                  {"acme", "openid", mapping.Assertion{"iss": {acme}}, fault.Unauthorized},
		"a user without a name":   {"acme", "openid", said(acme, "a", "odd"), fault.Unauthorized},
		"a local user, not there": {"acme", "openid", said(acme, "zoe", "local"), fault.Unauthorized},
		"a local user, disabled":  {"acme", "openid", said(acme, "bob", "local"), fault.Unauthorized},
	} {
		if _, _, err := s.SignInFederated(t.Context(), c.idp, c.protocol, c.a); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.must(200, admin, "PATCH /v3/users/"+s.userID("bob"), `{"user":{"enabled":true}}`)
	sess, _, err := s.SignInFederated(t.Context(), "acme", "openid", said(acme, "bob", "local"))
	if err != nil || sess.Who.User.ID != s.userID("bob") || sess.Federated != nil {
		t.Error(err)
	}
	shadow, tok, err := s.SignInFederated(t.Context(), "acme", "openid", said(acme, "ann", "x"))
	if err != nil {
		t.Fatal(err)
	}
	s.must(200, admin, "PATCH /v3/users/"+shadow.Who.User.ID, `{"user":{"enabled":false}}`)
	if got := s.ask(tok, "GET /v3/auth/projects", ""); got != 401 {
		t.Error(got)
	}
	if _, _, err := s.SignInFederated(t.Context(), "acme", "openid", said(acme, "ann", "x")); !fault.Is(err, fault.Unauthorized) {
		t.Error("a disabled shadow:", err)
	}
}

// A provider's word on groups is good for its time, also beyond the token.
func TestGroupsByAProvidersWordExpire(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		now := time.Now().UTC().Truncate(time.Microsecond)
		db.Now = func() time.Time { return now }
		s.acme(byMail, "1.0")
		admin := s.Admin()
		s.must(200, admin, "PATCH "+fed+"identity_providers/acme", `{"identity_provider":{"authorization_ttl":10}}`)
		g := s.must(201, admin, "POST /v3/groups", `{"group":{"name":"devs"}}`)
		p := s.Project("shared")
		s.must(204, admin, "PUT /v3/projects/"+p+"/groups/"+g+"/roles/"+s.roleID("member"), "")
		token := s.federated(from("jo@acme.example", "devs"))
		_, scoped, err := s.SignInFederated(t.Context(), "acme", "openid", from("jo@acme.example", "devs"))
		if err != nil {
			t.Fatal(err)
		}
		_, scoped, err = s.Identity.SignIn(t.Context(), keystone.Proof{Methods: []string{"token"}, Token: scoped}, keystone.ScopeWish{Project: &keystone.Named{ID: p}})
		if err != nil {
			t.Fatal(err)
		}
		w, app := s.do(scoped, "POST /v3/users/"+s.who(scoped)+"/application_credentials", `{"application_credential":{"name":"a"}}`)
		if w.Code != 201 {
			t.Fatal(w.Body)
		}
		use := `{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":"` + at(app, "application_credential", "id").(string) + `","secret":"` + at(app, "application_credential", "secret").(string) + `"}}}}`
		w, _ = s.do("", "POST /v3/auth/tokens", use)
		byApp := w.Header().Get("X-Subject-Token")
		if w.Code != 201 || s.ask(byApp, "GET /v3/auth/catalog", "") != 200 {
			t.Fatal(w.Body)
		}
		_, out := s.do(admin, "GET /v3/role_assignments?effective&user.id="+s.who(scoped), "")
		if as, _ := out["role_assignments"].([]any); len(as) == 0 {
			t.Error("the roles are not listed")
		}
		now = now.Add(11 * time.Minute)
		if got := s.ask(byApp, "GET /v3/auth/catalog", ""); got != 401 {
			t.Error("the word is good for longer than its time:", got)
		}
		if w, _ := s.do("", "POST /v3/auth/tokens", use); w.Code != 401 {
			t.Error(w.Code)
		}
		if got := s.ask(token, "GET /v3/auth/projects", ""); got != 200 {
			t.Error(got)
		}
		s.federated(from("jo@acme.example", "devs"))
		if w, _ := s.do("", "POST /v3/auth/tokens", use); w.Code != 201 {
			t.Error("it was said anew, and is not believed:", w.Code)
		}
		s.federated(from("jo@acme.example"))
		if w, _ := s.do("", "POST /v3/auth/tokens", use); w.Code != 401 {
			t.Error("it was taken back, and is believed:", w.Code)
		}
	})
}

// who is the id of a token's user.
func (s *site) who(token string) string {
	s.t.Helper()
	w, err := s.Check(s.t.Context(), token)
	if err != nil {
		s.t.Fatal(err)
	}
	return w.User.ID
}

func TestProjectsOfAMapping(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		home := s.acme(`[{"local":[{"user":{"name":"{0}"},"projects_json":"{1}"}],"remote":[{"type":"mail"},{"type":"p"}]}]`, "3.0")
		said := func(p string) mapping.Assertion {
			return mapping.Assertion{"iss": {"https://acme.example"}, "mail": {"jo"}, "p": {p}}
		}
		roles := func(token string) string {
			_, out := s.do(token, "GET /v3/auth/projects", "")
			var names []string
			ps, _ := out["projects"].([]any)
			for _, p := range ps {
				names = append(names, fmt.Sprint(at(p, "name"), at(p, "domain_id") == home))
			}
			slices.Sort(names)
			return strings.Join(names, " ")
		}
		if got := roles(s.federated(said(`[{"name":"a","roles":[{"name":"member"},{"name":"reader"}]},{"name":"b","roles":[{"name":"reader"}]}]`))); got != "atrue btrue" {
			t.Error(got)
		}
		token := s.federated(said(`[{"name":"b","roles":[{"name":"member"}]}]`))
		if got := roles(token); got != "btrue" {
			t.Error("what the provider takes back stays:", got)
		}
		_, out := s.do(s.Admin(), "GET /v3/role_assignments?include_names&user.id="+s.who(token), "")
		if as, _ := out["role_assignments"].([]any); len(as) != 1 || at(as[0], "role", "name") != "member" {
			t.Error(out)
		}
		if _, _, err := s.SignInFederated(t.Context(), "acme", "openid", said(`[{"name":"c","roles":[{"name":"emperor"}]}]`)); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if p, err := s.Projects(t.Context(), listing.List{Where: map[string][]string{"name": {"c"}}}); err != nil || len(p.Items) != 0 {
			t.Error("half done:", err)
		}
	})
}
