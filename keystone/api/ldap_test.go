package api_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	"stackd/keystone/ldap"
	"stackd/keystone/ldap/ldaptest"
)

// An office is a domain whose users a directory keeps.
type office struct {
	*site
	dir    *ldaptest.Server
	domain string
}

func openOffice(t testing.TB, db *sqldb.DB) *office {
	t.Helper()
	s := openWith(t, db, keystone.Options{Directory: ldap.Open, DirectoryFresh: 300 * time.Millisecond})
	o := &office{s, ldaptest.Start(t, ldaptest.People), s.must(201, s.Admin(), "POST /v3/domains", `{"domain":{"name":"office"}}`)}
	o.configure(201, "PUT", o.domain, o.dir.URL)
	return o
}

func (o *office) configure(want int, method, domain, url string) {
	o.t.Helper()
	o.must(want, o.Admin(), method+" /v3/domains/"+domain+"/config", fmt.Sprintf(`{"config":{"identity":{"driver":"ldap"},"ldap":{"url":%q,"suffix":%q,"user":%q,"password":%q,"user_enabled_attribute":"employeeType"}}}`,
		url, ldaptest.Suffix, ldaptest.Admin, ldaptest.Password))
}

func (o *office) id(kind, local string) string {
	sum := sha256.Sum256([]byte(o.domain + kind + local))
	return hex.EncodeToString(sum[:])
}

// signIn tries a name in the domain, or an id if there is no name, and a password.
func (o *office) signIn(name, id, password, scope string) (int, string) {
	o.t.Helper()
	who := fmt.Sprintf(`"name":%q,"domain":{"name":"office"}`, name)
	if name == "" {
		who = fmt.Sprintf(`"id":%q`, id)
	}
	w, _ := o.do("", "POST /v3/auth/tokens", fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{%s,"password":%q}}},"scope":%s}}`, who, password, scope))
	return w.Code, w.Header().Get("X-Subject-Token")
}

func (o *office) names(call, key string) string {
	o.t.Helper()
	w, out := o.do(o.Admin(), call, "")
	if w.Code != 200 {
		o.t.Errorf("%s: %d %s", call, w.Code, w.Body)
	}
	l, _ := out[key].([]any)
	var names []string
	for _, x := range l {
		names = append(names, x.(map[string]any)["name"].(string))
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// soon waits until something is so.
func soon(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func TestUsersOfADirectory(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := openOffice(t, db)
		admin, ann, staff := o.Admin(), o.id("user", "ann"), o.id("group", "staff")
		o.names("GET /v3/users?domain_id="+o.domain, "users") // their ids are known from here on
		o.names("GET /v3/groups?domain_id="+o.domain, "groups")
		for call, want := range map[string][2]string{
			"GET /v3/users?domain_id=" + o.domain:              {"users", "Ann Bob Odd (*)"},
			"GET /v3/users?name=Ann&domain_id=" + o.domain:     {"users", "Ann"},
			"GET /v3/groups?domain_id=" + o.domain:             {"groups", "Others Staff"},
			"GET /v3/groups/" + staff + "/users":               {"users", "Ann Odd (*)"},
			"GET /v3/users/" + ann + "/groups":                 {"groups", "Staff"},
			"GET /v3/users/" + o.id("user", "bob") + "/groups": {"groups", "Others"},
		} {
			if got := o.names(call, want[0]); got != want[1] {
				t.Errorf("%s: %s", call, got)
			}
		}
		_, out := o.do(admin, "GET /v3/users/"+ann, "")
		u := out["user"].(map[string]any)
		if u["name"] != "Ann" || u["email"] != "ann@example.com" || u["description"] != "the first" || u["enabled"] != true || u["domain_id"] != o.domain || fmt.Sprint(u["options"]) != "map[]" {
			t.Error(u)
		}
		bob := o.id("user", "bob")
		for call, want := range map[string]int{
			"GET /v3/groups/" + staff + "/users/" + ann: 204,
			"GET /v3/groups/" + staff + "/users/" + bob: 404,
			"GET /v3/users/" + o.id("user", "nosuch"):   404,
			"POST /v3/users":                                          403,
			"PATCH /v3/users/" + ann:                                  403,
			"DELETE /v3/users/" + ann:                                 403,
			"POST /v3/groups":                                         403,
			"PATCH /v3/groups/" + staff:                               403,
			"DELETE /v3/groups/" + staff:                              403,
			"PUT /v3/groups/" + staff + "/users/" + bob:               403,
			"DELETE /v3/groups/" + staff + "/users/" + ann:            403,
			"PUT /v3/groups/" + staff + "/users/" + o.userID("admin"): 403,
		} {
			body := `{"user":{"name":"x","domain_id":"` + o.domain + `"},"group":{"name":"x","domain_id":"` + o.domain + `"}}`
			if strings.Contains(call, "/users/") && strings.Contains(call, "/groups/") {
				body = ""
			}
			if strings.HasPrefix(call, "PATCH") {
				body = `{"user":{"description":"x"},"group":{"description":"x"}}`
			}
			if got := o.ask(admin, call, body); got != want {
				t.Errorf("%s: %d, not %d", call, got, want)
			}
		}
		if got := o.ask("", "POST /v3/users/"+ann+"/password", `{"user":{"original_password":"secret of ann","password":"new"}}`); got != 403 {
			t.Error("a password was changed:", got)
		}
		for _, c := range []struct {
			name, id, password string
			want               int
		}{{"Ann", "", "secret of ann", 201}, {"", ann, "secret of ann", 201}, {"Odd (*)", "", "secret of odd", 201}, {"Ann", "", "secret of bob", 401}, {"Ann", "", "", 401}, {"", ann, "", 401},
			{"*", "", "secret of ann", 401}, {"A*", "", "secret of ann", 401}, {"Bob", "", "secret of bob", 401}, {"", bob, "secret of bob", 401}, {"nosuch", "", "x", 401}} {
			if got, _ := o.signIn(c.name, c.id, c.password, `"unscoped"`); got != c.want {
				t.Errorf("%s%s, %q: %d", c.name, c.id, c.password, got)
			}
		}
	})
}

func TestRolesOfADirectorysUsers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := openOffice(t, db)
		admin, ann, staff, p := o.Admin(), o.id("user", "ann"), o.id("group", "staff"), o.Project("p")
		scope := `{"project":{"id":"` + p + `"}}`
		if got, _ := o.signIn("Ann", "", "secret of ann", scope); got != 401 {
			t.Error("without a role:", got)
		}
		if got := o.ask(admin, "DELETE /v3/projects/"+p+"/users/"+ann+"/roles/"+o.roleID("admin"), ""); got != 404 {
			t.Error(got)
		}
		if got, _ := o.signIn("Ann", "", "secret of ann", scope); got != 401 {
			t.Error("OSSA-2013-028: taking a role back gave it:", got)
		}
		o.ask(admin, "GET /v3/groups/"+staff, "") // nobody has heard of the group before
		o.names("GET /v3/groups?domain_id="+o.domain, "groups")
		o.must(204, admin, "PUT /v3/projects/"+p+"/groups/"+staff+"/roles/"+o.roleID("reader"), "")
		o.must(204, admin, "PUT /v3/projects/"+p+"/users/"+ann+"/roles/"+o.roleID("member"), "")
		_, tok := o.signIn("Ann", "", "secret of ann", scope)
		if w, err := o.Check(t.Context(), tok); err != nil || !w.Has("reader") || !w.Has("member") || w.Has("admin") || w.UserDomain.ID != o.domain {
			t.Fatal(w, err)
		}
		_, out := o.do(admin, "GET /v3/role_assignments?effective&include_names&user.id="+ann, "")
		if l := out["role_assignments"].([]any); len(l) != 2 || !strings.Contains(fmt.Sprint(l), "name:Ann") {
			t.Error(l)
		}
		if _, out := o.do(tok, "GET /v3/auth/projects", ""); len(out["projects"].([]any)) != 1 {
			t.Error(out)
		}
		_, byGroup := o.signIn("Odd (*)", "", "secret of odd", scope)
		if w, err := o.Check(t.Context(), byGroup); err != nil || !w.Has("reader") || w.Has("member") {
			t.Fatal(w, err)
		}
		// what the directory changes counts soon
		dn := "cn=staff,ou=UserGroups," + ldaptest.Suffix
		o.dir.Set(dn, "member", "cn=ann,ou=Users,"+ldaptest.Suffix)
		soon(t, "who left the group keeps its role", func() bool { _, err := o.Check(t.Context(), byGroup); return err != nil })
		o.dir.Set("cn=ann,ou=Users,"+ldaptest.Suffix, "employeeType", "False")
		soon(t, "a disabled user's token lives on", func() bool { _, err := o.Check(t.Context(), tok); return err != nil })
		o.dir.Set("cn=ann,ou=Users,"+ldaptest.Suffix, "employeeType", "True")
		time.Sleep(400 * time.Millisecond)
		if _, err := o.Check(t.Context(), tok); err == nil {
			t.Error("a token of before lives again")
		}
		_, tok = o.signIn("Ann", "", "secret of ann", scope)
		o.dir.Delete("cn=ann,ou=Users," + ldaptest.Suffix)
		soon(t, "a user who is gone acts on", func() bool { _, err := o.Check(t.Context(), tok); return err != nil })
		if got := o.names("GET /v3/users?domain_id="+o.domain, "users"); got != "Bob Odd (*)" {
			t.Error(got)
		}
		if got := o.ask(admin, "GET /v3/users/"+ann, ""); got != 404 {
			t.Error(got)
		}
	})
}

// A directory that does not answer is the trouble of its domain alone, and settings
// count at once.
func TestADirectoryThatIsAway(t *testing.T) {
	o := openOffice(t, dbtest.New(t))
	o.Token("local", "p", "member")
	admin, ann := o.Admin(), o.id("user", "ann")
	o.names("GET /v3/users?domain_id="+o.domain, "users")
	o.must(204, admin, "PUT /v3/domains/"+o.domain+"/users/"+ann+"/roles/"+o.roleID("member"), "")
	scope := `{"domain":{"id":"` + o.domain + `"}}`
	_, tok := o.signIn("Ann", "", "secret of ann", scope)
	o.dir.Stop()
	time.Sleep(400 * time.Millisecond)
	for call, want := range map[string]int{
		"GET /v3/users?domain_id=" + o.domain: 503, "GET /v3/groups?domain_id=" + o.domain: 503, "GET /v3/users/" + ann: 503,
		"GET /v3/users?domain_id=default": 200, "GET /v3/users": 200, "GET /v3/domains/" + o.domain: 200, "GET /v3/domains/" + o.domain + "/config": 200,
	} {
		if w, _ := o.do(admin, call, ""); w.Code != want || strings.Contains(w.Body.String(), "127.0.0.1") && want == 503 {
			t.Errorf("%s: %d %s", call, w.Code, w.Body)
		}
	}
	if got, _ := o.signIn("Ann", "", "secret of ann", scope); got != 503 {
		t.Error(got)
	}
	if got := o.ask("", "POST /v3/auth/tokens", byPassword(o.userID("local"))); got != 201 {
		t.Error("somebody else cannot sign in:", got)
	}
	if got := o.ask(tok, "GET /v3/auth/domains", ""); got != 503 {
		t.Error("a token of a user nobody can vouch for:", got)
	}
	o.dir.Run()
	o.configure(200, "PATCH", o.domain, strings.Replace(o.dir.URL, "127.0.0.1", "localhost", 1)) // other settings: tried at once
	if got, _ := o.signIn("Ann", "", "secret of ann", scope); got != 201 {
		t.Error(got)
	}
	o.configure(200, "PATCH", o.domain, "ldap://127.0.0.1:1")
	if got, _ := o.signIn("Ann", "", "secret of ann", scope); got != 503 {
		t.Error("the old settings count:", got)
	}
	o.must(204, admin, "DELETE /v3/domains/"+o.domain+"/config", "")
	if got, _ := o.signIn("Ann", "", "secret of ann", scope); got != 401 {
		t.Error("without a directory:", got)
	}
	if got := o.names("GET /v3/users?domain_id="+o.domain, "users"); got != "" {
		t.Error(got)
	}
	if got := o.ask(tok, "GET /v3/auth/domains", ""); got != 401 {
		t.Error(got)
	}
	o.configure(201, "PUT", o.domain, o.dir.URL)
	if got, _ := o.signIn("Ann", "", "secret of ann", scope); got != 201 {
		t.Error("it came back without its roles:", got)
	}
	own := o.must(201, admin, "POST /v3/domains", `{"domain":{"name":"own"}}`)
	o.must(201, admin, "POST /v3/users", `{"user":{"name":"x","domain_id":"`+own+`"}}`)
	o.configure(409, "PUT", own, o.dir.URL)
	o.must(200, admin, "PATCH /v3/domains/"+o.domain, `{"domain":{"enabled":false}}`)
	if got, _ := o.signIn("Ann", "", "secret of ann", `"unscoped"`); got != 401 {
		t.Error("a disabled domain:", got)
	}
	o.must(204, admin, "DELETE /v3/domains/"+o.domain, "")
	if got := o.ask(admin, "GET /v3/users/"+ann, ""); got != 404 {
		t.Error(got)
	}
}
