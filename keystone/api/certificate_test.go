package api_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/netip"
	"net/url"
	"testing"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/internal/token"
	"stackd/keystone"
)

var uid = []int{0, 9, 2342, 19200300, 100, 1, 1}

// x5t is a certificate's thumbprint, written out.
func x5t(c tls.Certificate) string {
	sum := sha256.Sum256(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}))
	return base64.URLEncoding.EncodeToString(sum[:])
}

func TestOAuth2ByCertificate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ca := newAuthority(t, cn("root"))
		s := openTLS(open(t, db), ca)
		admin, p := s.Admin(), s.Project("p")
		s.Token("ann", "p", "member")
		s.Token("bob", "p", "member")
		ann, bob := s.userID("ann"), s.userID("bob")
		form := func(user string) string { return "grant_type=client_credentials&client_id=" + user }
		ask := func(c *tls.Certificate, user string) (int, map[string]any) {
			code, _, out := s.as(c, "POST /v3/OS-OAUTH2/token", form(user), "Content-Type", "application/x-www-form-urlencoded")
			return code, out
		}
		mine := ca.client(extra(pkix.Name{CommonName: "ann", Organization: []string{"Default"}}, uid, ann))
		if code, out := ask(&mine, ann); code != 401 || out["error"] != "invalid_client" {
			t.Error("without a mapping:", code, out)
		}
		s.must(201, admin, "PUT /v3/OS-FEDERATION/mappings/oauth2_mapping", `{"mapping":{"rules":[{"local":[{"user":{"name":"{0}","id":"{1}","domain":{"name":"{2}"}}}],
			"remote":[{"type":"SSL_CLIENT_SUBJECT_DN_CN"},{"type":"SSL_CLIENT_SUBJECT_DN_UID"},{"type":"SSL_CLIENT_SUBJECT_DN_O"},{"type":"SSL_CLIENT_ISSUER_DN_CN","any_one_of":["root"]}]}]}}`)
		if code, _ := ask(&mine, ann); code != 401 {
			t.Error("without a default project:", code)
		}
		for _, u := range []string{ann, bob} {
			s.must(200, admin, "PATCH /v3/users/"+u, `{"user":{"default_project_id":"`+p+`"}}`)
		}
		code, out := ask(&mine, ann)
		if code != 200 || out["token_type"] != "Bearer" || out["expires_in"] != 3600.0 {
			t.Fatal(code, out)
		}
		tok := out["access_token"].(string)
		_, page := s.do(admin, "GET /v3/auth/tokens", "", "X-Subject-Token", tok)
		v := page["token"].(map[string]any)
		if fmt.Sprint(v["methods"]) != "[oauth2_credential]" || v["oauth2_credential"].(map[string]any)["x5t#S256"] != x5t(mine) || v["project"].(map[string]any)["id"] != p || v["user"].(map[string]any)["id"] != ann {
			t.Error(v)
		}
		other := ca.client(extra(pkix.Name{CommonName: "ann", Organization: []string{"Default"}}, uid, ann)) // the same names, another key
		for what, c := range map[string]struct {
			cert *tls.Certificate
			want int
		}{"its own": {&mine, 200}, "none": {nil, 401}, "another": {&other, 401}} {
			if code, _, _ := s.as(c.cert, "GET /v3/users/"+ann, "", "X-Auth-Token", tok); code != c.want {
				t.Errorf("%s certificate: %d", what, code)
			}
			if code, _, _ := s.as(c.cert, "GET /v3/users/"+ann, "", "Authorization", "Bearer "+tok); code != c.want {
				t.Errorf("%s certificate, as bearer: %d", what, code)
			}
		}
		header := url.PathEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mine.Certificate[0]})))
		if code, _, _ := s.as(nil, "GET /v3/users/"+ann, "", "X-Auth-Token", tok, "Ssl-Client-Cert", header, "X-Ssl-Client-Cert", header); code != 401 {
			t.Error("a header was taken for the certificate:", code)
		}
		if code, _, _ := s.as(nil, "POST /v3/OS-OAUTH2/token", form(ann), "Content-Type", "application/x-www-form-urlencoded", "Ssl-Client-Cert", header); code != 401 {
			t.Error("a header signed in:", code)
		}
		w, _ := s.do("", "POST /v3/auth/tokens", fmt.Sprintf(`{"auth":{"identity":{"methods":["token"],"token":{"id":%q}},"scope":"unscoped"}}`, tok))
		if free := w.Header().Get("X-Subject-Token"); free != "" {
			if code, _, _ := s.as(nil, "GET /v3/users/"+ann, "", "X-Auth-Token", free); code != 401 {
				t.Error("a bound token was exchanged for a free one:", code)
			}
		}
		for what, name := range map[string]pkix.Name{
			"another name":   extra(pkix.Name{CommonName: "bob", Organization: []string{"Default"}}, uid, ann),
			"another id":     extra(pkix.Name{CommonName: "ann", Organization: []string{"Default"}}, uid, bob),
			"another domain": extra(pkix.Name{CommonName: "ann", Organization: []string{"other"}}, uid, ann),
			"no id":          {CommonName: "ann", Organization: []string{"Default"}},
		} {
			c := ca.client(name)
			if code, out := ask(&c, ann); code != 401 || out["error"] != "invalid_client" {
				t.Errorf("%s: %d %v", what, code, out)
			}
		}
		if code, _ := ask(&mine, bob); code != 401 {
			t.Error("bob by ann's certificate:", code)
		}
		if code, _ := ask(&mine, "nosuch"); code != 401 {
			t.Error(code)
		}
		s.must(200, admin, "PATCH /v3/users/"+ann, `{"user":{"enabled":false}}`)
		if code, _ := ask(&mine, ann); code != 401 {
			t.Error("a disabled user:", code)
		}
	})
}

// A proxy's header counts where a setting names it, from the proxy alone.
func TestCertificateByAProxy(t *testing.T) {
	ca := newAuthority(t, cn("root"))
	ann := ca.client(cn("ann"))
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ann.Certificate[0]}))
	s := openWith(t, dbtest.SQLite(t), keystone.Options{External: keystone.ExternalDefault})
	s.Token("ann", "p", "member")
	const named = `{"auth":{"identity":{"methods":["external"],"external":{}},"scope":"unscoped"}}`
	bare := s.h
	for _, c := range []struct {
		proxies, header, value string
		want                   int
	}{
		{"192.0.2.0/24", "X-Cert", url.PathEscape(text), 201}, // httptest's requests come from 192.0.2.1
		{"192.0.2.0/24", "X-Cert", "x", 401},
		{"192.0.2.0/24", "X-Other", url.PathEscape(text), 401},
		{"10.0.0.0/8", "X-Cert", url.PathEscape(text), 401},
	} {
		s.h = token.Proxied("X-Cert", []netip.Prefix{netip.MustParsePrefix(c.proxies)}, bare)
		if w, _ := s.do("", "POST /v3/auth/tokens", named, c.header, c.value); w.Code != c.want {
			t.Errorf("%v: %d", c, w.Code)
		}
	}
}

func TestTokenless(t *testing.T) {
	ca, other := newAuthority(t, pkix.Name{CommonName: "ca", Organization: []string{"x"}}), newAuthority(t, pkix.Name{CommonName: "ca", Organization: []string{"x"}})
	issuer := ca.cert.Subject.String()
	s := openTLS(openWith(t, dbtest.New(t), keystone.Options{TrustedIssuers: []string{issuer}}), ca)
	admin, p := s.Admin(), s.Project("p")
	s.Token("ann", "p", "member")
	ann := s.userID("ann")
	sum := sha256.Sum256([]byte(issuer))
	idp := "/v3/OS-FEDERATION/identity_providers/" + hex.EncodeToString(sum[:])
	mine, nobody, foreign := ca.client(cn("ann")), ca.client(cn("nosuch")), other.client(cn("ann"))
	me := "GET /v3/users/" + ann
	if code := s.first(s.as(&mine, me, "", "X-Project-Id", p)); code != 401 {
		t.Error("without an identity provider:", code)
	}
	s.must(201, admin, "PUT "+idp, `{"identity_provider":{"enabled":true}}`)
	s.must(201, admin, "PUT /v3/OS-FEDERATION/mappings/x", `{"mapping":{"rules":[{"local":[{"user":{"name":"{0}","type":"local","domain":{"id":"default"}}}],"remote":[{"type":"SSL_CLIENT_S_DN_CN"}]}]}}`)
	s.must(201, admin, "PUT "+idp+"/protocols/x509", `{"protocol":{"mapping_id":"x"}}`)
	for what, c := range map[string]struct {
		cert    *tls.Certificate
		headers []string
		want    int
	}{
		"its project":            {&mine, []string{"X-Project-Id", p}, 200},
		"by name":                {&mine, []string{"X-Project-Name", "p", "X-Project-Domain-Name", "Default"}, 200},
		"half a name":            {&mine, []string{"X-Project-Name", "p"}, 400},
		"no scope":               {&mine, nil, 400},
		"another's project":      {&mine, []string{"X-Project-Id", s.Project("admin")}, 401},
		"a domain":               {&mine, []string{"X-Domain-Id", "default"}, 401},
		"roles by header":        {&mine, []string{"X-Project-Id", s.Project("admin"), "X-Roles", "admin"}, 401},
		"nobody's":               {&nobody, []string{"X-Project-Id", p}, 401},
		"no certificate":         {nil, []string{"X-Project-Id", p, "Ssl-Client-S-Dn-Cn", "ann"}, 401},
		"a bad token counts":     {&mine, []string{"X-Project-Id", p, "X-Auth-Token", "x"}, 401},
		"the system by a header": {&mine, []string{"OpenStack-System-Scope", "all"}, 400},
	} {
		if code := s.first(s.as(c.cert, me, "", c.headers...)); code != c.want {
			t.Errorf("%s: %d, not %d", what, code, c.want)
		}
	}
	if code := s.first(s.as(&foreign, me, "", "X-Project-Id", p)); code != 0 && code != 401 {
		t.Error("another authority of the same name:", code)
	}
	if code := s.first(s.as(&mine, "GET /v3/services", "", "X-Project-Id", p)); code != 403 {
		t.Error("it may do more than its user:", code)
	}
	s.ruled(ann, `{"multi_factor_auth_rules":[["password","token"]]}`)
	if code, h, _ := s.as(&mine, me, "", "X-Project-Id", p); code != 401 || h.Get("Openstack-Auth-Receipt") != "" {
		t.Error("a user who must prove more:", code)
	}
	s.ruled(ann, `{"multi_factor_auth_rules":null}`)
	s.must(200, admin, "PATCH "+idp, `{"identity_provider":{"enabled":false}}`)
	if code := s.first(s.as(&mine, me, "", "X-Project-Id", p)); code != 401 {
		t.Error("a disabled provider:", code)
	}
	s.must(200, admin, "PATCH "+idp, `{"identity_provider":{"enabled":true}}`)
	s.must(200, admin, "PATCH /v3/users/"+ann, `{"user":{"enabled":false}}`)
	if code := s.first(s.as(&mine, me, "", "X-Project-Id", p)); code != 401 {
		t.Error("a disabled user:", code)
	}
	g := s.must(201, admin, "POST /v3/groups", `{"group":{"name":"g","domain_id":"default"}}`)
	s.must(204, admin, "PUT /v3/projects/"+p+"/groups/"+g+"/roles/"+s.roleID("reader"), "")
	s.must(200, admin, "PATCH /v3/OS-FEDERATION/mappings/x", `{"mapping":{"rules":[{"local":[{"user":{"name":"{0}"},"group":{"id":"`+g+`"}}],"remote":[{"type":"SSL_CLIENT_S_DN_CN"}]}]}}`)
	if code := s.first(s.as(&nobody, "GET /v3/projects/"+p, "", "X-Project-Id", p)); code != 200 {
		t.Error("a user made by the mapping:", code)
	}
	off := openTLS(open(t, dbtest.New(t)), ca)
	if code := s.first(off.as(&mine, "GET /v3/users", "", "X-Domain-Id", "default")); code != 401 {
		t.Error("it is on without being turned on:", code)
	}
}
