package api_test

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	"stackd/keystone/keystonetest"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// ask makes a request and tells the status.
func (s *site) ask(token, call, body string) int {
	s.t.Helper()
	w, _ := s.do(token, call, body)
	return w.Code
}

// roleID finds a role by name.
func (s *site) roleID(name string) string {
	s.t.Helper()
	_, out := s.do(s.Admin(), "GET /v3/roles?name="+name, "")
	return idOf(out)
}

func (s *site) userID(name string) string {
	s.t.Helper()
	_, out := s.do(s.Admin(), "GET /v3/users?name="+name, "")
	return idOf(out)
}

// domainUser is a user of a domain with a role on it, and a token for the domain.
func (s *site) domainUser(domain, name, role string) string {
	s.t.Helper()
	admin := s.Admin()
	u := s.must(201, admin, "POST /v3/users", fmt.Sprintf(`{"user":{"name":%q,"domain_id":%q,"password":%q}}`, name, domain, keystonetest.Password))
	s.must(204, admin, "PUT /v3/domains/"+domain+"/users/"+u+"/roles/"+s.roleID(role), "")
	_, t, err := s.Identity.SignIn(s.t.Context(), keystone.Proof{Methods: []string{"password"}, Password: keystonetest.Password, User: keystone.Named{ID: u}},
		keystone.ScopeWish{Domain: &keystone.Named{ID: domain}})
	if err != nil {
		s.t.Fatal(err)
	}
	return t
}

func TestADomainsOwnPeopleStayInIt(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	admin := s.Admin()
	a := s.must(201, admin, "POST /v3/domains", `{"domain":{"name":"a"}}`)
	b := s.must(201, admin, "POST /v3/domains", `{"domain":{"name":"b"}}`)
	manager, reader := s.domainUser(a, "m", "manager"), s.domainUser(a, "r", "reader")
	foreign := s.must(201, admin, "POST /v3/users", `{"user":{"name":"f","domain_id":"`+b+`","password":"x"}}`)
	own := s.must(201, manager, "POST /v3/users", `{"user":{"name":"new","domain_id":"`+a+`"}}`)
	project := s.must(201, manager, "POST /v3/projects", `{"project":{"name":"new","domain_id":"`+a+`"}}`)
	grant := "/v3/projects/" + project + "/users/" + own + "/roles/"
	for call, want := range map[string][2]int{ // manager, reader
		"GET /v3/users":                                 {200, 200},
		"GET /v3/users/" + own:                          {200, 200},
		"GET /v3/users/" + foreign:                      {403, 403},
		"GET /v3/users/nobody":                          {403, 403},
		"GET /v3/users?domain_id=" + b:                  {403, 403},
		"GET /v3/projects":                              {200, 200},
		"GET /v3/groups":                                {200, 200},
		"PATCH /v3/users/" + own:                        {200, 403},
		"PATCH /v3/users/" + foreign:                    {403, 403},
		"DELETE /v3/users/" + foreign:                   {403, 403},
		"POST /v3/users":                                {201, 403},
		"PUT " + grant + s.roleID("member"):             {204, 403},
		"PUT " + grant + s.roleID("admin"):              {403, 403},
		"GET /v3/role_assignments":                      {200, 200},
		"GET /v3/services":                              {403, 403},
		"POST /v3/roles":                                {403, 403},
		"GET /v3/roles":                                 {200, 403},
		"GET /v3/domains/" + a:                          {200, 200},
		"GET /v3/domains/" + b:                          {403, 403},
		"GET /v3/credentials":                           {200, 200},
		"GET /v3/OS-TRUST/trusts":                       {403, 403},
		"PATCH /v3/domains/" + a:                        {403, 403},
		"PUT /v3/system/users/" + own + "/roles/nosuch": {403, 403},
	} {
		for n, token := range []string{manager, reader} {
			body := ""
			switch method, path, _ := strings.Cut(call, " "); {
			case method == "POST" && path == "/v3/users":
				body = fmt.Sprintf(`{"user":{"name":"x%d","domain_id":%q}}`, n, a)
			case method == "POST":
				body = `{"role":{"name":"x"}}`
			case method == "PATCH" && strings.Contains(path, "users"):
				body = `{"user":{"description":"x"}}`
			case method == "PATCH":
				body = `{"domain":{"description":"x"}}`
			}
			if got := s.ask(token, call, body); got != want[n] {
				t.Errorf("%s by %s: %d, not %d", call, []string{"manager", "reader"}[n], got, want[n])
			}
		}
	}
	_, out := s.do(reader, "GET /v3/users", "")
	for _, u := range out["users"].([]any) {
		if u.(map[string]any)["domain_id"] != a {
			t.Error("a user of another domain is listed:", u)
		}
	}
}

func TestAUserAndItself(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	ann, bob := s.Token("ann", "p", "member"), s.Token("bob", "p", "member")
	me, other := s.userID("ann"), s.userID("bob")
	for call, want := range map[string]int{
		"GET /v3/users/" + me:                                  200,
		"GET /v3/users/" + other:                               403,
		"GET /v3/users/" + me + "/projects":                    200,
		"GET /v3/users/" + me + "/groups":                      200,
		"GET /v3/users/" + other + "/groups":                   403,
		"GET /v3/users/" + other + "/projects":                 403,
		"GET /v3/users/" + me + "/application_credentials":     200,
		"GET /v3/users/" + other + "/application_credentials":  403,
		"POST /v3/users/" + other + "/application_credentials": 403,
		"PATCH /v3/users/" + me:                                403,
		"GET /v3/projects/" + s.Project("p"):                   200,
		"GET /v3/projects/" + s.Project("q"):                   403,
	} {
		if got := s.ask(ann, call, `{"application_credential":{"name":"x"}}`); got != want {
			t.Errorf("%s: %d, not %d", call, got, want)
		}
	}
	change := "POST /v3/users/" + me + "/password"
	if got := s.ask("", change, `{"user":{"original_password":"wrong","password":"new"}}`); got != 401 {
		t.Error("a wrong password changes it:", got)
	}
	s.must(204, "", change, `{"user":{"original_password":"`+keystonetest.Password+`","password":"new"}}`)
	if got := s.ask(ann, "GET /v3/auth/projects", ""); got != 401 {
		t.Error("the token outlives the password:", got)
	}
	if got := s.ask(bob, "GET /v3/auth/projects", ""); got != 200 {
		t.Error("somebody else's token died with it:", got)
	}
}

func TestEffectiveAssignments(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		admin := s.Admin()
		s.Token("ann", "top", "reader")
		ann, top, member := s.userID("ann"), s.Project("top"), s.roleID("member")
		sub := s.must(201, admin, "POST /v3/projects", `{"project":{"name":"sub","parent_id":"`+top+`"}}`)
		g := s.must(201, admin, "POST /v3/groups", `{"group":{"name":"g","domain_id":"default"}}`)
		s.must(204, admin, "PUT /v3/groups/"+g+"/users/"+ann, "")
		s.must(204, admin, "PUT /v3/OS-INHERIT/projects/"+top+"/groups/"+g+"/roles/"+member+"/inherited_to_projects", "")
		_, out := s.do(admin, "GET /v3/role_assignments?effective&include_names&user.id="+ann, "")
		var got []string
		for _, a := range out["role_assignments"].([]any) {
			m := a.(map[string]any)
			got = append(got, m["scope"].(map[string]any)["project"].(map[string]any)["name"].(string)+":"+m["role"].(map[string]any)["name"].(string))
		}
		slices.Sort(got)
		if want := []string{"sub:member", "sub:reader", "top:reader"}; !slices.Equal(got, want) {
			t.Fatal(got)
		}
		_, tok, err := s.Identity.SignIn(t.Context(), keystone.Proof{Methods: []string{"password"}, Password: keystonetest.Password, User: keystone.Named{ID: ann}}, keystone.ScopeWish{Project: &keystone.Named{ID: sub}})
		if err != nil {
			t.Fatal(err)
		}
		w, err := s.Check(t.Context(), tok)
		if err != nil || !w.Has("member") || !w.Has("reader") || len(w.Roles) != 2 {
			t.Fatal(w, err)
		}
		s.must(204, admin, "DELETE /v3/groups/"+g+"/users/"+ann, "")
		if _, err := s.Check(t.Context(), tok); err == nil {
			t.Fatal("the token outlives the membership")
		}
	})
}

func TestAppCredentials(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	ann := s.Token("ann", "p", "member")
	me := s.userID("ann")
	on := "/v3/users/" + me + "/application_credentials"
	signIn := func(body string) string {
		w, out := s.do(ann, "POST "+on, `{"application_credential":`+body+`}`)
		if w.Code != 201 {
			t.Fatal(w.Body)
		}
		a := out["application_credential"].(map[string]any)
		w, _ = s.do("", "POST /v3/auth/tokens", fmt.Sprintf(`{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":%q,"secret":%q}}}}`, a["id"], a["secret"]))
		if w.Code != 201 {
			t.Fatal(w.Body)
		}
		return w.Header().Get("X-Subject-Token")
	}
	reader := signIn(`{"name":"r","roles":[{"name":"reader"}]}`)
	if w, err := s.Check(t.Context(), reader); err != nil || w.Has("member") || !w.Has("reader") {
		t.Fatal(w, err)
	}
	free := signIn(`{"name":"u","unrestricted":true}`)
	for call, want := range map[string]int{"POST " + on: 403, "POST /v3/OS-TRUST/trusts": 403, "POST /v3/users/" + me + "/credentials/OS-EC2": 403} {
		body := map[string]string{"POST " + on: `{"application_credential":{"name":"x"}}`, "POST /v3/OS-TRUST/trusts": `{"trust":{"trustor_user_id":"` + me + `","trustee_user_id":"` + me + `","impersonation":false}}`}[call]
		if body == "" {
			body = `{"tenant_id":"` + s.Project("p") + `"}`
		}
		if got := s.ask(reader, call, body); got != want {
			t.Errorf("%s by a restricted one: %d, not %d", call, got, want)
		}
	}
	if got := s.ask(free, "POST "+on, `{"application_credential":{"name":"child"}}`); got != 201 {
		t.Error("an unrestricted one makes no other:", got)
	}
	if got := s.ask("", "POST /v3/auth/tokens", `{"auth":{"identity":{"methods":["token"],"token":{"id":"`+free+`"}},"scope":"unscoped"}}`); got != 403 {
		t.Error("it is exchanged for a token without limits:", got)
	}
	limited := signIn(`{"name":"l","access_rules":[{"service":"identity","method":"GET","path":"/v3/auth/projects"}]}`)
	if a, b := s.ask(limited, "GET /v3/auth/projects", ""), s.ask(limited, "GET /v3/auth/domains", ""); a != 200 || b != 401 {
		t.Error("access rules:", a, b)
	}
}

func TestSignInSaysNothingOfWhy(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	s.Token("ann", "p", "member")
	s.Project("q")
	for _, body := range []string{
		`"user":{"name":"nobody","domain":{"id":"default"},"password":"x"}`,
		`"user":{"name":"ann","domain":{"id":"nosuch"},"password":"x"}`,
		`"user":{"name":"ann","domain":{"id":"default"},"password":"x"}`,
		`"user":{"id":"nosuch","password":"x"}`,
		`"user":{"name":"ann","domain":{"id":"default"},"password":"` + keystonetest.Password + `"}}},"scope":{"project":{"name":"q","domain":{"id":"default"}}},"x":{"y":{`,
		`"user":{"name":"ann","domain":{"id":"default"},"password":"` + keystonetest.Password + `"}}},"scope":{"project":{"id":"nosuch"}},"x":{"y":{`,
		`"user":{"name":"ann","domain":{"id":"default"},"password":"` + keystonetest.Password + `"}}},"scope":{"domain":{"id":"default"}},"x":{"y":{`,
		`"user":{"name":"ann","domain":{"id":"default"},"password":"` + keystonetest.Password + `"}}},"scope":{"system":{"all":true}},"x":{"y":{`,
	} {
		w, out := s.do("", "POST /v3/auth/tokens", `{"auth":{"identity":{"methods":["password"],"password":{`+body+`}}}}`)
		if e, _ := out["error"].(map[string]any); w.Code != 401 || e["message"] != "The request you have made requires authentication." {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}

func TestLongPasswordsCountWhole(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	long := strings.Repeat("x", 100)
	s.must(201, s.Admin(), "POST /v3/users", `{"user":{"name":"long","domain_id":"default","password":"`+long+`"}}`)
	for password, want := range map[string]int{long: 201, long[:72]: 401, long + "x": 401, long[:99] + "y": 401} {
		if got := s.ask("", "POST /v3/auth/tokens", `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"long","domain":{"id":"default"},"password":"`+password+`"}}}}}`); got != want {
			t.Errorf("%d characters: %d", len(password), got)
		}
	}
}

// Every resource of the home document is one that answers.
func TestHomeDocument(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	admin := s.Admin()
	w, out := s.do("", "GET /v3", "", "Accept", "application/json-home")
	all, _ := out["resources"].(map[string]any)
	if w.Header().Get("Content-Type") != "application/json-home" || len(all) < 40 {
		t.Fatal(w.Header(), len(all))
	}
	for rel, r := range all {
		at, ok := r.(map[string]any)["href"].(string)
		if !ok {
			at = r.(map[string]any)["href-template"].(string)
		}
		w, _ := s.do(admin, "GET /v3"+strings.NewReplacer("{", "", "}", "").Replace(at), "")
		if w.Code == 404 && strings.HasPrefix(w.Body.String(), "<!doctype") {
			t.Errorf("%s: %s is not there", rel, at)
		}
	}
}

// A project that was shown some endpoints sees no others; one that was not sees all.
func TestEndpointFilters(t *testing.T) {
	s := open(t, dbtest.New(t))
	admin := s.Admin()
	p := s.Project("p")
	tok := s.Token("ann", "p", "member")
	seen := func() int {
		_, out := s.do(tok, "GET /v3/auth/catalog", "")
		n := 0
		for _, e := range out["catalog"].([]any) {
			n += len(e.(map[string]any)["endpoints"].([]any))
		}
		return n
	}
	every := seen()
	_, out := s.do(admin, "GET /v3/endpoints?interface=public", "")
	public := out["endpoints"].([]any)
	first := public[0].(map[string]any)["id"].(string)
	s.must(204, admin, "PUT /v3/OS-EP-FILTER/projects/"+p+"/endpoints/"+first, "")
	if got := seen(); got != 1 {
		t.Error("one endpoint was shown, it sees", got)
	}
	g := s.must(201, admin, "POST /v3/OS-EP-FILTER/endpoint_groups", `{"endpoint_group":{"name":"g","filters":{"interface":"public"}}}`)
	s.must(204, admin, "PUT /v3/OS-EP-FILTER/endpoint_groups/"+g+"/projects/"+p, "")
	if got := seen(); got != len(public) || got == every {
		t.Error("a group was shown, it sees", got)
	}
	s.must(204, admin, "DELETE /v3/OS-EP-FILTER/projects/"+p+"/endpoints/"+first, "")
	s.must(204, admin, "DELETE /v3/OS-EP-FILTER/endpoint_groups/"+g, "")
	if got := seen(); got != every {
		t.Error("all was taken back, it sees", got)
	}
}

func TestDomainConfig(t *testing.T) {
	s := open(t, dbtest.New(t))
	admin := s.Admin()
	d := s.must(201, admin, "POST /v3/domains", `{"domain":{"name":"d"}}`)
	on := "/v3/domains/" + d + "/config"
	s.must(404, admin, "GET "+on, "")
	s.must(201, admin, "PUT "+on, `{"config":{"ldap":{"url":"ldap://x","password":"secret"},"identity":{"driver":"ldap"}}}`)
	for call, want := range map[string]string{
		"GET " + on:               `{"config":{"identity":{"driver":"ldap"},"ldap":{"url":"ldap://x"}}}`,
		"GET " + on + "/ldap":     `{"config":{"ldap":{"url":"ldap://x"}}}`,
		"GET " + on + "/ldap/url": `{"config":{"url":"ldap://x"}}`,
		"GET /v3/domains/config/identity/driver/default": `{"config":{"driver":"sql"}}`,
	} {
		if w, _ := s.do(admin, call, ""); w.Body.String() != want {
			t.Errorf("%s: %s", call, w.Body)
		}
	}
	if w, _ := s.do(admin, "PATCH "+on+"/ldap/url", `{"config":{"url":"ldap://y"}}`); w.Body.String() != `{"config":{"identity":{"driver":"ldap"},"ldap":{"url":"ldap://y"}}}` {
		t.Error(w.Body)
	}
	s.must(403, admin, "PUT "+on, `{"config":{"nosuch":{"x":1}}}`)
	s.must(403, admin, "PUT "+on, `{"config":{"ldap":{"nosuch":1}}}`)
	s.must(204, admin, "DELETE "+on+"/identity", "")
	s.must(404, admin, "GET "+on+"/identity", "")
	s.must(200, admin, "PUT "+on, `{"config":{"identity":{"driver":"sql"}}}`)
	s.must(404, admin, "GET "+on+"/ldap", "")
}

func TestFiltersByParts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		admin := s.Admin()
		for _, n := range []string{"Alpha", "alphabet", "it's 100%?", "beta"} {
			s.Project(n)
		}
		for query, want := range map[string]int{
			"name=alphabet": 1, "name=alpha": 0, "name__contains=lpha": 2, "name__contains=LPHA": 0, "name__icontains=LPHA": 2, "name__startswith=a": 2, "name__istartswith=a": 3,
			"name__startswith=alpha": 1, "name__endswith=eta": 1, "name__endswith=a": 2, "name__iexact=ALPHA": 1, "name__contains=%25": 1, "name__contains=%27s": 1, "name__contains=_": 0,
			"name__contains=%3F": 1, "enabled=false": 0, "name__startswith=a&enabled=true": 2, "sort_key=tags": 6, "parent_id=default": 6, "parent_id=nosuch": 0,
		} {
			w, out := s.do(admin, "GET /v3/projects?"+query, "")
			if l, _ := out["projects"].([]any); w.Code != 200 || len(l) != want {
				t.Errorf("%s: %d, %d projects, not %d", query, w.Code, len(l), want)
			}
		}
		if got := s.ask(admin, "GET /v3/projects?name__nosuch=x", ""); got != 400 {
			t.Error(got)
		}
	})
}
