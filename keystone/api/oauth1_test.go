package api_test

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
)

// A signer is an OAuth1 client, written after RFC 5849.
type signer struct {
	consumer, consumerSecret string
	token, tokenSecret       string
	verifier                 string
	at                       time.Time // zero is now
	nonce                    string
	over                     string // what is signed instead of the real address
	method                   string // HMAC-SHA1
}

var nonces int

func pct(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// header signs a POST to an address of the test's server.
func (k signer) header(path string) string {
	if k.at.IsZero() {
		k.at = time.Now()
	}
	if k.nonce == "" {
		nonces++
		k.nonce = fmt.Sprint("abcdef", nonces)
	}
	if k.method == "" {
		k.method = "HMAC-SHA1"
	}
	p := map[string]string{"oauth_consumer_key": k.consumer, "oauth_nonce": k.nonce, "oauth_signature_method": k.method, "oauth_timestamp": fmt.Sprint(k.at.Unix()), "oauth_version": "1.0"}
	if k.token != "" {
		p["oauth_token"] = k.token
	}
	if k.verifier != "" {
		p["oauth_verifier"] = k.verifier
	}
	at, query, _ := strings.Cut("http://example.com"+path, "?")
	if k.over != "" {
		at = k.over
	}
	var lines []string
	for name, v := range p {
		lines = append(lines, pct(name)+"="+pct(v))
	}
	for part := range strings.SplitSeq(query, "&") {
		if part != "" {
			name, v, _ := strings.Cut(part, "=")
			lines = append(lines, name+"="+v)
		}
	}
	slices.Sort(lines)
	p["oauth_signature"] = mac1(pct(k.consumerSecret)+"&"+pct(k.tokenSecret), "POST&"+pct(at)+"&"+pct(strings.Join(lines, "&")))
	var parts []string
	for name, v := range p {
		if v != "" {
			parts = append(parts, fmt.Sprintf("%s=%q", name, pct(v)))
		}
	}
	return "OAuth realm=\"\", " + strings.Join(parts, ", ")
}

func (s *site) consumer() signer {
	s.t.Helper()
	_, out := s.do(s.Admin(), "POST /v3/OS-OAUTH1/consumers", `{"consumer":{"description":"x"}}`)
	c := out["consumer"].(map[string]any)
	return signer{consumer: c["id"].(string), consumerSecret: c["secret"].(string)}
}

// ask asks for a request token.
func (k signer) ask(s *site, project string) *httptest.ResponseRecorder {
	const path = "/v3/OS-OAUTH1/request_token"
	w, _ := s.do("", "POST "+path, "", "Authorization", k.header(path), "Requested-Project-Id", project)
	return w
}

func (k signer) exchange(s *site) *httptest.ResponseRecorder {
	const path = "/v3/OS-OAUTH1/access_token"
	w, _ := s.do("", "POST "+path, "", "Authorization", k.header(path))
	return w
}

func (k signer) signIn(s *site) (*httptest.ResponseRecorder, map[string]any) {
	const path = "/v3/auth/tokens"
	return s.do("", "POST "+path, `{"auth":{"identity":{"methods":["oauth1"],"oauth1":{}}}}`, "Authorization", k.header(path))
}

// with is the signer with the token that an answer tells.
func (k signer) with(s *site, w *httptest.ResponseRecorder) signer {
	s.t.Helper()
	v, err := url.ParseQuery(w.Body.String())
	if err != nil || w.Code != 201 || w.Header().Get("Content-Type") != "application/x-www-form-urlencoded" || v.Get("oauth_expires_at") == "" {
		s.t.Fatal(err, w.Code, w.Header(), w.Body)
	}
	k.token, k.tokenSecret = v.Get("oauth_token"), v.Get("oauth_token_secret")
	return k
}

func (s *site) authorize(by, request, roles string) (int, string) {
	w, out := s.do(by, "PUT /v3/OS-OAUTH1/authorize/"+request, `{"roles":[`+roles+`]}`)
	t, _ := out["token"].(map[string]any)
	v, _ := t["oauth_verifier"].(string)
	return w.Code, v
}

// granted is a consumer with an access token of the administrator for a role.
func (s *site) granted(project, role string) (admin string, request, access signer) {
	s.t.Helper()
	s.Token("root", "p", "admin")
	admin = s.Token("root", "p", "admin")
	k := s.consumer()
	request = k.with(s, k.ask(s, project))
	code, v := s.authorize(admin, request.token, fmt.Sprintf(`{"name":%q}`, role))
	if code != 200 || len(v) != 8 {
		s.t.Fatal(code, v)
	}
	request.verifier = v
	access = request.with(s, request.exchange(s))
	access.verifier = ""
	return admin, request, access
}

func TestOAuth1(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		p := s.Project("p")
		admin, request, access := s.granted(p, "reader")
		root := s.userID("root")
		if w := request.exchange(s); w.Code != 404 {
			t.Error("a request token was used twice:", w.Code)
		}
		w, out := access.signIn(s)
		tok := w.Header().Get("X-Subject-Token")
		if w.Code != 201 || roleNames(out) != "reader" {
			t.Fatal(w.Code, w.Body)
		}
		page := out["token"].(map[string]any)
		if page["project"].(map[string]any)["id"] != p || page["user"].(map[string]any)["id"] != root || fmt.Sprint(page["methods"]) != "[oauth1]" ||
			fmt.Sprint(page["OS-OAUTH1"]) != fmt.Sprint(map[string]any{"access_token_id": access.token, "consumer_id": access.consumer}) {
			t.Error(w.Body)
		}
		// what may not be done with a token that speaks by delegation
		s.Token("root", "q", "admin")
		other := s.with(t, access, admin)
		for call, body := range map[string]string{
			"POST /v3/auth/tokens":                                `{"auth":{"identity":{"methods":["token"],"token":{"id":"` + tok + `"}},"scope":"unscoped"}}`,
			"POST /v3/users/" + root + "/application_credentials": `{"application_credential":{"name":"x"}}`,
			"PUT /v3/OS-OAUTH1/authorize/" + other.token:          `{"roles":[{"name":"reader"}]}`,
			"GET /v3/users/" + root + "/OS-OAUTH1/access_tokens":  "",
			"POST /v3/OS-TRUST/trusts":                            `{"trust":{"trustor_user_id":"` + root + `","trustee_user_id":"` + root + `","project_id":"` + p + `","impersonation":false,"roles":[{"name":"reader"}]}}`,
			"POST /v3/users/" + root + "/credentials/OS-EC2":      `{"tenant_id":"` + s.Project("q") + `"}`,
		} {
			if got := s.ask(tok, call, body); got != 403 {
				t.Errorf("%s: %d", call, got)
			}
		}
		on := "/v3/users/" + root + "/OS-OAUTH1/access_tokens"
		_, out = s.do(admin, "GET "+on, "")
		if l := out["access_tokens"].([]any); len(l) != 1 || l[0].(map[string]any)["id"] != access.token || l[0].(map[string]any)["authorizing_user_id"] != root {
			t.Error(out)
		}
		if body := fmt.Sprint(out); strings.Contains(body, access.tokenSecret) {
			t.Error("the secret is shown")
		}
		reader, bob := s.roleID("reader"), "nobody"
		for call, want := range map[string]int{
			"GET " + on + "/" + access.token:                                       200,
			"GET " + on + "/nosuch":                                                404,
			"GET /v3/users/" + bob + "/OS-OAUTH1/access_tokens/" + access.token:    404,
			"GET " + on + "/" + access.token + "/roles":                            200,
			"GET " + on + "/" + access.token + "/roles/" + reader:                  200,
			"GET " + on + "/" + access.token + "/roles/" + s.roleID("member"):      404,
			"DELETE /v3/users/" + bob + "/OS-OAUTH1/access_tokens/" + access.token: 401,
			"DELETE /v3/users/" + root + "/OS-OAUTH1/access_tokens/nosuch":         404,
		} {
			if got := s.ask(admin, call, ""); got != want {
				t.Errorf("%s: %d, not %d", call, got, want)
			}
		}
		s.must(204, admin, "DELETE "+on+"/"+access.token, "")
		if got := s.ask(tok, "GET /v3/auth/projects", ""); got != 401 {
			t.Error("the token outlives its access token:", got)
		}
		if w, _ := access.signIn(s); w.Code != 401 {
			t.Error("a revoked access token signs in:", w.Code)
		}
	})
}

// with is a further request token of the consumer.
func (s *site) with(t *testing.T, k signer, _ string) signer {
	t.Helper()
	k.token, k.tokenSecret = "", ""
	return k.with(s, k.ask(s, s.Project("p")))
}

func TestOAuth1Refusals(t *testing.T) {
	s := open(t, dbtest.New(t))
	p := s.Project("p")
	s.Token("root", "p", "admin")
	admin := s.Token("root", "p", "admin")
	k := s.consumer()
	bad := func(change func(*signer)) signer { x := k; change(&x); return x }
	for what, c := range map[string]struct {
		k       signer
		project string
		want    int
	}{
		"a wrong secret":      {bad(func(x *signer) { x.consumerSecret = "wrong" }), p, 401},
		"another address":     {bad(func(x *signer) { x.over = "http://example.com/v3/OS-OAUTH1/access_token" }), p, 401},
		"another host":        {bad(func(x *signer) { x.over = "http://evil.com/v3/OS-OAUTH1/request_token" }), p, 401},
		"too old":             {bad(func(x *signer) { x.at = time.Now().Add(-11 * time.Minute) }), p, 400},
		"yet to come":         {bad(func(x *signer) { x.at = time.Now().Add(11 * time.Minute) }), p, 400},
		"another method":      {bad(func(x *signer) { x.method = "PLAINTEXT" }), p, 400},
		"an unknown consumer": {bad(func(x *signer) { x.consumer = "nosuch" }), p, 404},
		"no consumer":         {bad(func(x *signer) { x.consumer = "" }), p, 400},
		"an unknown project":  {k, "nosuch", 404},
		"no project":          {k, "", 400},
		"a proxy's scheme":    {bad(func(x *signer) { x.over = "https://example.com/v3/OS-OAUTH1/request_token" }), p, 201},
	} {
		if w := c.k.ask(s, c.project); w.Code != c.want {
			t.Errorf("%s: %d, not %d: %s", what, w.Code, c.want, w.Body)
		}
	}
	once := bad(func(x *signer) { x.nonce, x.at = "n", time.Now() })
	if a, b := once.ask(s, p), once.ask(s, p); a.Code != 201 || b.Code != 401 {
		t.Error("replayed:", a.Code, b.Code)
	}
	for _, header := range []string{"", "Basic eDp5", `OAuth`, `OAuth oauth_consumer_key="%zz"`, `OAuth oauth_consumer_key="a", oauth_consumer_key="b"`} {
		if w, _ := s.do("", "POST /v3/OS-OAUTH1/request_token", "", "Authorization", header, "Requested-Project-Id", p); w.Code != 400 {
			t.Errorf("%q: %d", header, w.Code)
		}
	}
	request := k.with(s, k.ask(s, p))
	request.verifier = "abcdefgh"
	if w := request.exchange(s); w.Code != 401 {
		t.Error("nobody authorized it:", w.Code)
	}
	member := s.Token("bob", "p", "member")
	if code, _ := s.authorize(member, request.token, `{"name":"member"}`); code != 403 {
		t.Error("not an administrator:", code)
	}
	if code, _ := s.authorize(admin, request.token, fmt.Sprintf(`{"id":%q}`, s.roleID("service"))); code != 401 {
		t.Error("a role that the user does not have:", code)
	}
	if code, _ := s.authorize(admin, request.token, `{"name":"nosuch"}`); code != 404 {
		t.Error(code)
	}
	code, v := s.authorize(admin, request.token, `{"name":"member"}`)
	if code != 200 {
		t.Fatal(code)
	}
	if w := request.exchange(s); w.Code != 401 {
		t.Error("a wrong verifier:", w.Code)
	}
	request.verifier = v
	foreign := s.consumer()
	foreign.token, foreign.tokenSecret, foreign.verifier = request.token, request.tokenSecret, v
	if w := foreign.exchange(s); w.Code != 401 {
		t.Error("another consumer:", w.Code)
	}
	wrong := request
	wrong.tokenSecret = "wrong"
	if w := wrong.exchange(s); w.Code != 401 {
		t.Error("a wrong secret:", w.Code)
	}
	access := request.with(s, request.exchange(s))
	access.verifier = ""
	fixed := access
	fixed.nonce, fixed.at = "m", time.Now()
	if a, b := s.code(fixed.signIn(s)), s.code(fixed.signIn(s)); a != 201 || b != 401 {
		t.Error("a sign-in replayed:", a, b)
	}
	for what, x := range map[string]signer{
		"a wrong token secret": func() signer { x := access; x.tokenSecret = "wrong"; return x }(),
		"a wrong secret":       func() signer { x := access; x.consumerSecret = "wrong"; return x }(),
		"another consumer": func() signer {
			x := access
			x.consumer, x.consumerSecret = foreign.consumer, foreign.consumerSecret
			return x
		}(),
		"too old": func() signer { x := access; x.at = time.Now().Add(-time.Hour); return x }(),
	} {
		if got := s.code(x.signIn(s)); got != 401 {
			t.Errorf("%s: %d", what, got)
		}
	}
	w, _ := access.signIn(s)
	tok := w.Header().Get("X-Subject-Token")
	s.must(200, s.Admin(), "PATCH /v3/users/"+s.userID("root"), `{"user":{"enabled":false}}`)
	if a, b := s.code(access.signIn(s)), s.ask(tok, "GET /v3/auth/projects", ""); a != 401 || b != 401 {
		t.Error("its user is disabled:", a, b)
	}
	s.must(200, s.Admin(), "PATCH /v3/users/"+s.userID("root"), `{"user":{"enabled":true}}`)
	w, _ = access.signIn(s)
	tok = w.Header().Get("X-Subject-Token")
	if got := s.ask(tok, "GET /v3/auth/projects", ""); got != 200 {
		t.Fatal(got)
	}
	s.must(204, s.Admin(), "DELETE /v3/OS-OAUTH1/consumers/"+access.consumer, "")
	if a, b := s.code(access.signIn(s)), s.ask(tok, "GET /v3/auth/projects", ""); a != 401 || b != 401 {
		t.Error("its consumer is gone:", a, b)
	}
}

func (s *site) code(w *httptest.ResponseRecorder, _ map[string]any) int { return w.Code }

// Tokens of OAuth1 end by themselves; a key made with one is as good as it.
func TestOAuth1Ends(t *testing.T) {
	s := openWith(t, dbtest.SQLite(t), keystone.Options{RequestTokenLife: 2 * time.Second, AccessTokenLife: 3 * time.Second})
	p := s.Project("p")
	admin, _, access := s.granted(p, "member")
	late := s.with(t, access, admin)
	w, out := access.signIn(s)
	tok := w.Header().Get("X-Subject-Token")
	ends, _ := time.Parse(time.RFC3339Nano, out["token"].(map[string]any)["expires_at"].(string))
	if time.Until(ends) > 4*time.Second {
		t.Error("the token outlives its access token:", ends)
	}
	ec2, secret := s.key(tok, s.userID("root"), p)
	w, out = s.do(s.Admin(), "POST /v3/ec2tokens", body(t, "credentials", ec2V4(ec2, secret, time.Now())))
	if w.Code != 200 || roleNames(out) != "member reader" {
		t.Error("a key made by an OAuth1 token:", w.Code, w.Body)
	}
	time.Sleep(4100 * time.Millisecond)
	if code, _ := s.authorize(admin, late.token, `{"name":"reader"}`); code != 401 {
		t.Error("an expired request was authorized:", code)
	}
	if got := s.code(access.signIn(s)); got != 401 {
		t.Error("an expired access token signs in:", got)
	}
	if got := s.ask(s.Admin(), "POST /v3/ec2tokens", body(t, "credentials", ec2V4(ec2, secret, time.Now()))); got != 401 {
		t.Error("the key outlives its access token:", got)
	}
}
