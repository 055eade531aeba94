package api_test

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	"stackd/keystone/oidc"

	"github.com/golang-jwt/jwt/v5"
	"github.com/oauth2-proxy/mockoidc"
)

// A cloudAt is a keystone that answers on loopback.
type cloudAt struct {
	*site
	url    string
	server *httptest.Server
}

// listen makes a keystone with these options on a port of its own; the options are
// made when its address is known.
func listen(t *testing.T, db *sqldb.DB, o func(at string) keystone.Options) *cloudAt {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := "http://" + l.Addr().String()
	s := openWith(t, db, o(at))
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: s.h}}
	server.Start()
	t.Cleanup(server.Close)
	return &cloudAt{s, at, server}
}

// dashboard takes tokens as horizon does.
func dashboard(t *testing.T) (at string, token *string) {
	token = new(string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { *token = r.PostFormValue("token") }))
	t.Cleanup(s.Close)
	return s.URL + "/auth/websso/", token
}

// A browser keeps cookies, follows redirects, and submits the forms it is shown.
type browser struct {
	http.Client
	t testing.TB
}

func newBrowser(t testing.TB) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{http.Client{Jar: jar, Timeout: 20 * time.Second}, t}
}

var (
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]*)"`)
	formInput  = regexp.MustCompile(`<input type="hidden" name="([^"]*)"[^>]* value="([^"]*)"`)
)

// visit is the answer to a page, and what it shows.
func (b *browser) visit(address string) (*http.Response, string) {
	b.t.Helper()
	r, err := b.Get(address)
	return b.read(r, err)
}

func (b *browser) read(r *http.Response, err error) (*http.Response, string) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return r, string(text)
}

// submit posts the form of a page.
func (b *browser) submit(page string) (*http.Response, string) {
	b.t.Helper()
	to := formAction.FindStringSubmatch(page)
	if to == nil {
		b.t.Fatal("no form: ", page)
	}
	form := url.Values{}
	for _, m := range formInput.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	return b.read(b.PostForm(html.UnescapeString(to[1]), form))
}

// trusting is a cloud that believes an OpenID provider.
func trusting(t *testing.T, db *sqldb.DB, op *mockoidc.MockOIDC, dash string, change func(*oidc.Settings)) *cloudAt {
	t.Helper()
	set := &oidc.Settings{Issuer: op.Issuer(), ClientID: op.ClientID, ClientSecret: op.ClientSecret, Scopes: []string{"email", "profile", "groups"}}
	if change != nil {
		change(set)
	}
	c := listen(t, db, func(at string) keystone.Options {
		return keystone.Options{Federation: keystone.FederationOptions{PublicURL: at, TrustedDashboards: []string{dash},
			IdentityProviders: map[string]keystone.ProviderOptions{"acme": {OIDC: set}}}}
	})
	admin := c.Admin()
	c.must(201, admin, "PUT "+fed+"identity_providers/acme", `{"identity_provider":{"enabled":true,"remote_ids":["`+op.Issuer()+`"]}}`)
	c.must(201, admin, "PUT "+fed+"mappings/m", `{"mapping":{"rules":[{"local":[{"user":{"id":"{0}","name":"{1}","email":"{2}"}}],"remote":[{"type":"OIDC-sub"},{"type":"HTTP_OIDC_PREFERRED_USERNAME"},{"type":"OIDC_CLAIM_email"}]},
		{"local":[{"groups":"{0}","domain":{"id":"default"}}],"remote":[{"type":"OIDC-groups"}]}]}}`)
	c.must(201, admin, "PUT "+fed+"identity_providers/acme/protocols/openid", `{"protocol":{"mapping_id":"m","remote_id_attribute":"HTTP_OIDC_ISS"}}`)
	return c
}

func startOP(t *testing.T) *mockoidc.MockOIDC {
	t.Helper()
	op, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { op.Shutdown() })
	return op
}

func TestABrowserSignsInByOpenID(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		op := startOP(t)
		dash, token := dashboard(t)
		c := trusting(t, db, op, dash, nil)
		g := c.must(201, c.Admin(), "POST /v3/groups", `{"group":{"name":"design"}}`)
		for _, path := range []string{"/websso/openid", "/identity_providers/acme/protocols/openid/websso"} {
			*token = ""
			b := newBrowser(t)
			r, page := b.visit(c.url + "/v3/auth/OS-FEDERATION" + path + "?origin=" + url.QueryEscape(dash))
			if r.StatusCode != 200 || !strings.Contains(r.Header.Get("Content-Security-Policy"), "script-src 'nonce-") || r.Header.Get("Cache-Control") != "no-store" {
				t.Fatal(r.Status, page)
			}
			b.submit(page)
			_, out := c.do(c.Admin(), "GET /v3/auth/tokens", "", "X-Subject-Token", *token)
			u := at(out, "token", "user")
			if at(u, "name") != "jane.doe" || fmt.Sprint(at(u, "OS-FEDERATION", "groups")) != "[map[id:"+g+"]]" {
				t.Fatal(out)
			}
		}

		// Nobody else gets the token.
		b := newBrowser(t)
		for origin, want := range map[string]int{"": 400, "http://evil.example/": 401, dash + "x": 401} {
			if r, _ := b.visit(c.url + "/v3/auth/OS-FEDERATION/websso/openid?origin=" + url.QueryEscape(origin)); r.StatusCode != want {
				t.Errorf("origin %q: %s", origin, r.Status)
			}
		}
	})
}

// stop is the first redirect to where, instead of following it.
func (b *browser) stop(where string) {
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.Contains(r.URL.Path, where) {
			return http.ErrUseLastResponse
		}
		return nil
	}
}

func TestASignInBelongsToItsBrowser(t *testing.T) {
	op := startOP(t)
	dash, _ := dashboard(t)
	db := dbtest.SQLite(t)
	c := trusting(t, db, op, dash, nil)
	start := c.url + "/v3/auth/OS-FEDERATION/websso/openid?origin=" + url.QueryEscape(dash)
	b := newBrowser(t)
	b.stop("/callback")
	r, _ := b.visit(start)
	back := r.Header.Get("Location")
	if !strings.HasPrefix(back, c.url) {
		t.Fatal(r.Status, back)
	}
	for _, k := range b.Jar.Cookies(r.Request.URL) {
		if strings.Contains(k.Value, "openid") || strings.Contains(k.Value, "acme") {
			t.Error("the cookie can be read:", k)
		}
	}
	if r, _ := newBrowser(t).visit(back); r.StatusCode != 401 {
		t.Error("another browser finishes the sign-in:", r.Status)
	}
	if r, _ := b.visit(strings.Replace(back, "state=", "state=x", 1)); r.StatusCode != 401 {
		t.Error("another state is taken:", r.Status)
	}
	u, _ := url.Parse(c.url)
	sent := http.Header{}
	for _, k := range b.Jar.Cookies(u) {
		sent.Add("Cookie", k.String())
	}
	if r, page := b.visit(back); r.StatusCode != 200 {
		t.Fatal(r.Status, page)
	}
	again, _ := http.NewRequest("GET", back, nil)
	again.Header = sent
	if r, _ := b.read(http.DefaultClient.Do(again)); r.StatusCode != 401 {
		t.Error("a sign-in is finished twice:", r.Status)
	}

	// A sign-in that took too long.
	late := newBrowser(t)
	late.stop("/callback")
	r, _ = late.visit(start)
	now := db.Now
	db.Now = func() time.Time { return now().Add(11 * time.Minute) }
	if r, _ := late.visit(r.Header.Get("Location")); r.StatusCode != 401 {
		t.Error("an old sign-in is finished:", r.Status)
	}
}

// bearerToken is one that the provider signs with these claims over the usual ones.
func bearerToken(t *testing.T, op *mockoidc.MockOIDC, change jwt.MapClaims) string {
	t.Helper()
	claims := jwt.MapClaims{"iss": op.Issuer(), "aud": op.ClientID, "sub": "7", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
		"preferred_username": "jo", "email": "jo@acme.example", "groups": []string{"a;design", "x"}}
	for k, v := range change {
		claims[k] = v
	}
	s, err := op.Keypair.SignJWT(claims)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (c *cloudAt) byBearer(method, token string) (*httptest.ResponseRecorder, map[string]any) {
	return c.do("", method+" "+fed+"identity_providers/acme/protocols/openid/auth", "", "Authorization", "Bearer "+token)
}

func TestBearerTokens(t *testing.T) {
	op := startOP(t)
	c := trusting(t, dbtest.SQLite(t), op, "http://dash/", func(s *oidc.Settings) { s.Audiences = []string{"cli"} })
	c.must(201, c.Admin(), "POST /v3/groups", `{"group":{"name":"design"}}`)
	for name, claims := range map[string]jwt.MapClaims{"own": nil, "for another that is allowed": {"aud": "cli"}, "authorized for us": {"aud": "api", "azp": op.ClientID}} {
		for _, method := range []string{"GET", "POST"} {
			w, out := c.byBearer(method, bearerToken(t, op, claims))
			if w.Code != 201 || w.Header().Get("X-Subject-Token") == "" || at(out, "token", "user", "name") != "jo" {
				t.Fatal(name, method, w.Code, w.Body)
			}
			if g, _ := at(out, "token", "user", "OS-FEDERATION", "groups").([]any); len(g) != 0 {
				t.Error("a group's name was cut into others:", g)
			}
		}
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := mockoidc.NewKeypair(key)
	if err != nil {
		t.Fatal(err)
	}
	foreign.Kid = op.Keypair.Kid
	forged, err := foreign.SignJWT(jwt.MapClaims{"iss": op.Issuer(), "aud": op.ClientID, "sub": "7", "exp": time.Now().Add(time.Hour).Unix(), "preferred_username": "jo", "email": "a@b"})
	if err != nil {
		t.Fatal(err)
	}
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"iss": op.Issuer(), "aud": op.ClientID, "sub": "7", "exp": time.Now().Add(time.Hour).Unix()}).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"none":                    "",
		"no token":                "x.y.z",
		"unsigned":                unsigned,
		"for somebody else":       bearerToken(t, op, jwt.MapClaims{"aud": "shop"}),
		"for nobody":              bearerToken(t, op, jwt.MapClaims{"aud": []string{}}),
		"expired":                 bearerToken(t, op, jwt.MapClaims{"exp": time.Now().Add(-time.Minute).Unix()}),
		"of another issuer":       bearerToken(t, op, jwt.MapClaims{"iss": "https://evil.example"}),
		"signed by somebody else": forged,
	} {
		if w, _ := c.byBearer("POST", token); w.Code != 401 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w, _ := c.do("", "POST "+fed+"identity_providers/acme/protocols/nosuch/auth", "", "Authorization", "Bearer x"); w.Code != 404 {
		t.Error(w.Code)
	}
	// A remote id that is registered no more.
	c.must(200, c.Admin(), "PATCH "+fed+"identity_providers/acme", `{"identity_provider":{"remote_ids":["https://other.example"]}}`)
	if w, _ := c.byBearer("POST", bearerToken(t, op, nil)); w.Code != 403 {
		t.Error(w.Code)
	}
}

func TestBearerTokensByAskingTheProvider(t *testing.T) {
	op := startOP(t)
	answer := `{"active":false}`
	asked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		if id != url.QueryEscape(op.ClientID) || secret != url.QueryEscape(op.ClientSecret) || r.PostFormValue("token") != "opaque" {
			w.WriteHeader(401)
			return
		}
		io.WriteString(w, answer)
	}))
	defer asked.Close()
	c := trusting(t, dbtest.SQLite(t), op, "http://dash/", func(s *oidc.Settings) { s.Bearer, s.IntrospectionURL = "introspection", asked.URL })
	good := `{"active":true,"sub":"7","preferred_username":"jo","email":"a@b","client_id":"` + op.ClientID + `"`
	for text, want := range map[string]int{
		`{"active":false}`: 401, `nonsense`: 401,
		good + `}`:                      201,
		good + `,"exp":1}`:              401,
		good + `,"iss":"https://evil"}`: 401,
		strings.Replace(good, op.ClientID, "shop", 1) + `}`: 401,
	} {
		answer = text
		if w, _ := c.byBearer("POST", "opaque"); w.Code != want {
			t.Errorf("%s: %d %s", text, w.Code, w.Body)
		}
	}
	if w, _ := c.byBearer("POST", "unknown"); w.Code != 401 {
		t.Error(w.Code)
	}
}

// A provider that does not answer delays nobody for long, and asks to come again.
func TestASilentProvider(t *testing.T) {
	op := startOP(t)
	c := trusting(t, dbtest.SQLite(t), op, "http://dash/", func(s *oidc.Settings) { s.Issuer = "http://127.0.0.1:1" })
	if w, _ := c.byBearer("POST", "x"); w.Code != 401 {
		t.Error(w.Code)
	}
	if r, _ := newBrowser(t).visit(c.url + "/v3/auth/OS-FEDERATION/websso/openid?origin=http://dash/"); r.StatusCode != 503 {
		t.Error(r.Status)
	}
}
