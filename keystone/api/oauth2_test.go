package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone/keystonetest"
)

// oauth2 asks for a token with a form; headers come in pairs.
func (s *site) oauth2(form string, headers ...string) (*httptest.ResponseRecorder, map[string]any) {
	s.t.Helper()
	w, out := s.do("", "POST /v3/OS-OAUTH2/token", form, append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
	return w, out
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// appCred makes an application credential.
func (s *site) appCred(by, user, more string) (id, secret string) {
	s.t.Helper()
	w, out := s.do(by, "POST /v3/users/"+user+"/application_credentials", `{"application_credential":{"name":"c`+fmt.Sprint(s.n)+`"`+more+`}}`)
	s.n++
	if w.Code != 201 {
		s.t.Fatal(w.Body)
	}
	a := out["application_credential"].(map[string]any)
	return a["id"].(string), a["secret"].(string)
}

func TestOAuth2BySecret(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		ann := s.Token("ann", "p", "member")
		me := s.userID("ann")
		id, secret := s.appCred(ann, me, `,"roles":[{"name":"reader"}]`)
		const grant = "grant_type=client_credentials"
		for what, given := range map[string][2]string{
			"in the header": {grant, basic(id, secret)},
			"in the form":   {grant + "&client_id=" + id + "&client_secret=" + secret, ""},
			"with a scope":  {grant + "&scope=x", basic(id, secret)},
		} {
			w, out := s.oauth2(given[0], "Authorization", given[1])
			if w.Code != 200 || out["token_type"] != "Bearer" || out["expires_in"] != 3600.0 || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Pragma") != "no-cache" {
				t.Fatalf("%s: %d %s %s", what, w.Code, w.Header(), w.Body)
			}
			tok := out["access_token"].(string)
			if w, err := s.Check(t.Context(), tok); err != nil || w.Has("member") || !w.Has("reader") || w.AppCredID != id {
				t.Error(what, w, err)
			}
			if w, _ := s.do("", "GET /v3/users/"+me, "", "Authorization", "Bearer "+tok); w.Code != 200 {
				t.Error("shown as a bearer's:", w.Code)
			}
		}
		for what, c := range map[string]struct {
			form, auth, want string
			status           int
		}{
			"a wrong secret":    {grant, basic(id, "wrong"), "invalid_client", 401},
			"an unknown client": {grant, basic("nosuch", secret), "invalid_client", 401},
			"no client":         {grant, "", "invalid_client", 401},
			"no secret":         {grant + "&client_id=" + id, "", "invalid_client", 401},
			"an empty secret":   {grant, basic(id, ""), "invalid_client", 401},
			"no grant":          {"a=b", basic(id, secret), "invalid_request", 400},
			"no form":           {"", basic(id, secret), "invalid_request", 400},
			"another grant":     {"grant_type=password", basic(id, secret), "unsupported_grant_type", 400},
			"a grant twice":     {grant + "&" + grant, basic(id, secret), "invalid_request", 400},
			"a broken form":     {"grant_type=%zz", basic(id, secret), "invalid_request", 400},
		} {
			w, out := s.oauth2(c.form, "Authorization", c.auth)
			if w.Code != c.status || out["error"] != c.want || out["error_description"] == "" || len(out) != 2 || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %s %s", what, w.Code, w.Header(), w.Body)
			}
			if (w.Code == 401) != strings.HasPrefix(w.Header().Get("Www-Authenticate"), "Keystone uri=") {
				t.Error(what, w.Header())
			}
		}
		if w, _ := s.do("", "POST /v3/OS-OAUTH2/token", grant, "Content-Type", "application/json", "Authorization", basic(id, secret)); w.Code != 400 {
			t.Error("JSON was taken for a form:", w.Code)
		}
		if w, _ := s.oauth2(grant + "&x=" + strings.Repeat("x", 20<<10)); w.Code != 413 {
			t.Error("a large body:", w.Code)
		}
		s.ruled(me, `{"multi_factor_auth_rules":[["password","application_credential"]]}`)
		if w, out := s.oauth2(grant, "Authorization", basic(id, secret)); w.Code != 401 || out["error"] != "invalid_client" || w.Header().Get("Openstack-Auth-Receipt") != "" {
			t.Error("a user who must prove more:", w.Code, w.Body)
		}
		s.ruled(me, `{"multi_factor_auth_rules":null}`)
		s.must(200, s.Admin(), "PATCH /v3/users/"+me, `{"user":{"enabled":false}}`)
		if w, _ := s.oauth2(grant, "Authorization", basic(id, secret)); w.Code != 401 {
			t.Error("a disabled user:", w.Code)
		}
	})
}

// OSSA-2026-001: who somebody is comes from the token alone, whatever headers say.
func TestOSSA2026001(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	ann := s.Token("ann", "p", "member")
	id, secret := s.appCred(ann, s.userID("ann"), "")
	_, out := s.oauth2("grant_type=client_credentials", "Authorization", basic(id, secret))
	admin := s.userID("admin")
	forged := []string{"Authorization", "Bearer " + out["access_token"].(string)}
	for name, v := range map[string]string{"X-Roles": "admin", "X-Role": "admin", "X-User-Id": admin, "X-User-Name": "admin", "X-Is-Admin-Project": "true", "X-Project-Id": s.Project("admin"),
		"X-Identity-Status": "Confirmed", "X-Domain-Id": "default", "OpenStack-System-Scope": "all", "Remote-User": "admin", "X-Remote-User": "admin", "Ssl-Client-Cert": "x"} {
		forged = append(forged, name, v)
	}
	if w, _ := s.do("", "GET /v3/users", "", forged...); w.Code != 403 {
		t.Error("headers made an administrator:", w.Code)
	}
	if w, _ := s.do("", "GET /v3/users", "", forged[2:]...); w.Code != 401 {
		t.Error("headers signed in:", w.Code)
	}
	body := fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":%q,"password":%q}}}}}`, s.userID("ann"), keystonetest.Password)
	w, _ := s.do("", "POST /v3/auth/tokens", body, forged[2:]...)
	var got struct {
		Token struct{ User struct{ Name string } }
	}
	if json.Unmarshal(w.Body.Bytes(), &got); got.Token.User.Name != "ann" {
		t.Error("headers changed who signs in:", w.Body)
	}
}
