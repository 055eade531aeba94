package horizon_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stackd/horizon"
	"stackd/internal/policy"
	"stackd/internal/sqldb/dbtest"
	keystoneapi "stackd/keystone/api"
	"stackd/keystone/keystonetest"
)

// A desk is a dashboard before a real identity service, and a browser.
type desk struct {
	t        *testing.T
	cloud    *keystonetest.Cloud
	server   *httptest.Server
	identity http.Handler
	*http.Client
	seen *seen
}

// seen is what a service was asked.
type seen struct {
	header http.Header
	path   string
	body   string
}

func newDesk(t *testing.T, offers ...horizon.SignOn) *desk {
	t.Helper()
	rules, err := policy.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, cloud: keystonetest.New(t, dbtest.SQLite(t)), seen: &seen{}}
	other := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		*d.seen = seen{r.Header, r.URL.Path, string(b)}
		if r.URL.Path == "/page" {
			w.Header().Set("Content-Type", "text/html")
		}
		w.Header().Set("X-Subject-Token", "secret")
		w.Header().Set("Set-Cookie", "stackd_session=stolen")
		w.Write([]byte(`{"servers": []}`))
	})
	d.identity = keystoneapi.New(d.cloud.Identity, rules["keystone"])
	h := horizon.New(horizon.Config{Key: []byte("master"), Region: "RegionOne", Tokens: d.cloud.Identity,
		IdentityURL: "https://cloud.example/identity", Options: horizon.Options{SingleSignOn: offers},
		Services: map[string]http.Handler{"identity": d.identity, "compute": other}}).Handler()
	d.server = httptest.NewServer(h)
	t.Cleanup(d.server.Close)
	d.Client = d.browser()
	return d
}

func (d *desk) browser() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// send sends a request; header is name, value, name, value …
func (d *desk) send(method, path, body string, header ...string) (*http.Response, string) {
	d.t.Helper()
	r, err := http.NewRequest(method, d.server.URL+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	for n := 0; n < len(header); n += 2 {
		r.Header.Set(header[n], header[n+1])
	}
	a, err := d.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer a.Body.Close()
	b, _ := io.ReadAll(a.Body)
	return a, string(b)
}

// own is send as the dashboard's own page does it.
func (d *desk) own(method, path, body string) (*http.Response, string) {
	d.t.Helper()
	return d.send(method, path, body, "X-Stackd-Dashboard", "1", "Origin", d.server.URL, "Sec-Fetch-Site", "same-origin", "Content-Type", "application/json")
}

var secretField = regexp.MustCompile(`name="csrfmiddlewaretoken" value="([^"]+)"`)

// signIn fills in the form.
func (d *desk) signIn(user, password, next string) (*http.Response, string) {
	d.t.Helper()
	_, page := d.send("GET", "/dashboard/auth/login/", "")
	m := secretField.FindStringSubmatch(page)
	if m == nil {
		d.t.Fatal("the form has no secret:", page)
	}
	form := url.Values{"username": {user}, "password": {password}, "domain": {"Default"}, "csrfmiddlewaretoken": {m[1]}, "next": {next}, "region": {"RegionOne"}}
	return d.send("POST", "/dashboard/auth/login/", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Referer", d.server.URL+"/dashboard/auth/login/")
}

func (d *desk) in() *desk {
	d.t.Helper()
	if a, body := d.signIn("admin", keystonetest.Password, ""); a.StatusCode != http.StatusSeeOther {
		d.t.Fatal(a.Status, body)
	}
	return d
}

func (d *desk) cookie() string {
	u, _ := url.Parse(d.server.URL + "/dashboard/")
	for _, c := range d.Jar.Cookies(u) {
		if c.Name == "stackd_session" {
			return c.Value
		}
	}
	return ""
}

func TestSignInAndOut(t *testing.T) {
	d := newDesk(t)
	a, _ := d.send("GET", "/dashboard/project/servers?q=a", "")
	if got := a.Header.Get("Location"); a.StatusCode != 303 || got != "/dashboard/auth/login/?next=%2Fdashboard%2Fproject%2Fservers%3Fq%3Da" {
		t.Fatal(a.Status, got)
	}
	if a, body := d.signIn("admin", "wrong", ""); a.StatusCode != 401 || !strings.Contains(body, "is not right") || d.cookie() != "" {
		t.Fatal(a.Status, body)
	}
	a, _ = d.signIn("admin", keystonetest.Password, "/dashboard/project/servers")
	if a.StatusCode != 303 || a.Header.Get("Location") != "/dashboard/project/servers" {
		t.Fatal(a.Status, a.Header)
	}
	for _, c := range a.Cookies() {
		if c.Name == "stackd_session" && c.Value != "" && (!c.HttpOnly || c.SameSite != http.SameSiteStrictMode) {
			t.Error("script or other sites may use the cookie:", c)
		}
	}
	a, body := d.own("GET", "/dashboard/api/session", "")
	if a.StatusCode != 200 || !strings.Contains(body, `"name":"admin"`) || !strings.Contains(body, "catalog") {
		t.Fatal(a.Status, body)
	}
	kept := d.cookie()
	if a, _ := d.own("DELETE", "/dashboard/api/session", ""); a.StatusCode != 204 || d.cookie() != "" {
		t.Fatal(a.Status)
	}
	// A cookie that was copied before is of no use afterwards.
	if a, _ := d.send("GET", "/dashboard/api/session", "", "Cookie", "stackd_session="+kept); a.StatusCode != 401 {
		t.Error("a session lives after its end:", a.Status)
	}
}

// A cookie that somebody else has put into the browser is not taken over.
func TestSessionFixation(t *testing.T) {
	d := newDesk(t)
	mallory := d.in().cookie()
	d.Client = d.browser()
	u, _ := url.Parse(d.server.URL + "/dashboard/")
	d.Jar.SetCookies(u, []*http.Cookie{{Name: "stackd_session", Value: "made-up", Path: "/dashboard"}})
	if a, _ := d.own("GET", "/dashboard/api/session", ""); a.StatusCode != 401 {
		t.Error("a made-up cookie is a session:", a.Status)
	}
	d.in()
	if c := d.cookie(); c == mallory || c == "made-up" {
		t.Error("the cookie from before is the session")
	}
	// What is closed for one cookie is good for no other.
	d.Client = d.browser()
	if a, _ := d.send("GET", "/dashboard/api/session", "", "Cookie", "stackd_signin="+mallory); a.StatusCode != 401 {
		t.Error(a.Status)
	}
}

func TestRequestsOfOtherSitesAreRefused(t *testing.T) {
	d := newDesk(t).in()
	for name, header := range map[string][]string{
		"no header":    {"Origin", d.server.URL},
		"other origin": {"X-Stackd-Dashboard", "1", "Origin", "http://evil.example"},
		"null origin":  {"X-Stackd-Dashboard", "1", "Origin", "null"},
		"other site":   {"X-Stackd-Dashboard", "1", "Origin", d.server.URL, "Sec-Fetch-Site", "cross-site"},
		"referer":      {"X-Stackd-Dashboard", "1", "Referer", "http://evil.example/x"},
	} {
		*d.seen = seen{}
		for _, path := range []string{"/dashboard/api/compute/v2.1/servers", "/dashboard/api/session/scope", "/dashboard/api/session"} {
			method := "POST"
			if strings.HasSuffix(path, "scope") {
				method = "PUT"
			}
			if a, _ := d.send(method, path, "{}", header...); a.StatusCode != 403 || d.seen.path != "" {
				t.Error(name, path, a.Status)
			}
		}
	}
	if a, _ := d.send("GET", "/dashboard/api/session", "", "Sec-Fetch-Site", "cross-site"); a.StatusCode != 403 {
		t.Error("another site reads the session:", a.Status)
	}
	d.Client = d.browser()
	form := url.Values{"username": {"admin"}, "password": {keystonetest.Password}}
	if a, _ := d.send("POST", "/dashboard/auth/login/", form.Encode(), "Content-Type", "application/x-www-form-urlencoded"); a.StatusCode != 403 || d.cookie() != "" {
		t.Error("another site signs the browser in:", a.Status)
	}
}

func TestNextIsOwn(t *testing.T) {
	for _, next := range []string{"http://evil.example/", "//evil.example/", "/\\evil.example", "/dashboard/\\evil.example", "https:evil", "/dashboard/../identity", "javascript:alert(1)",
		"/dashboard//../..//evil", "/other", "", "/dashboard/auth/logout/", "/dashboard/api/identity/v3", "http:/dashboard/", "/dashboard/\r\nSet-Cookie: a=b"} {
		d := newDesk(t)
		if a, _ := d.signIn("admin", keystonetest.Password, next); a.StatusCode != 303 || a.Header.Get("Location") != "/dashboard/" {
			t.Errorf("next=%q leads to %q", next, a.Header.Get("Location"))
		}
	}
}

func TestTheProxyShowsTheTokenToServicesOnly(t *testing.T) {
	var log strings.Builder
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	defer slog.SetDefault(old)
	d := newDesk(t).in()
	a, body := d.own("POST", "/dashboard/api/compute/v2.1/servers", `{"server": {}}`)
	token := d.seen.header.Get("X-Auth-Token")
	if a.StatusCode != 200 || d.seen.path != "/v2.1/servers" || d.seen.body != `{"server": {}}` || token == "" {
		t.Fatal(a.Status, body, d.seen)
	}
	if d.seen.header.Get("Cookie") != "" || d.seen.header.Get("X-Stackd-Dashboard") != "" {
		t.Error("the service is shown what is the dashboard's:", d.seen.header)
	}
	if a.Header.Get("X-Subject-Token") != "" || a.Header.Get("Set-Cookie") != "" {
		t.Error("a token or cookie of a service reaches the page:", a.Header)
	}
	if who, err := d.cloud.Check(t.Context(), token); err != nil || who.User.Name != "admin" {
		t.Error(who, err)
	}
	_, session := d.own("GET", "/dashboard/api/session", "")
	_, page := d.send("GET", "/dashboard/", "")
	for name, text := range map[string]string{"log": log.String(), "session": session, "page": page, "answer": body} {
		if strings.Contains(text, token) || strings.Contains(text, keystonetest.Password) {
			t.Error("a secret is in the", name)
		}
	}
	for _, path := range []string{"identity/v3/auth/tokens", "identity//v3/auth/tokens", "identity/v3/auth/tokens/", "identity/v3//auth/tokens", "identity/v3/auth/OS-FEDERATION/saml2"} {
		if a, _ := d.own("GET", "/dashboard/api/"+path, ""); a.StatusCode == 200 {
			t.Error(path, a.Status, a.Header)
		}
	}
	if a, _ := d.own("GET", "/dashboard/api/identity/v3/auth/projects", ""); a.StatusCode != 200 {
		t.Error(a.Status)
	}
	if a, _ := d.own("GET", "/dashboard/api/compute/page", ""); a.Header.Get("Content-Disposition") != "attachment" || !strings.Contains(a.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Error("what a user has uploaded is a page:", a.Header)
	}
	// A page cannot show a token of its own.
	d.send("GET", "/dashboard/api/compute/v2.1/servers", "", "X-Auth-Token", "mine", "X-Service-Token", "mine")
	if d.seen.header.Get("X-Auth-Token") != token || d.seen.header.Get("X-Service-Token") != "" {
		t.Error(d.seen.header)
	}
}

func TestScopeMovesTheSession(t *testing.T) {
	d := newDesk(t)
	d.cloud.Token("ann", "red", "member")
	d.cloud.Token("ann", "blue", "member")
	if a, body := d.signIn("ann", keystonetest.Password, ""); a.StatusCode != 303 {
		t.Fatal(a.Status, body)
	}
	before := d.cookie()
	blue := d.cloud.Project("blue")
	if a, body := d.own("PUT", "/dashboard/api/session/scope", `{"project": "`+blue+`"}`); a.StatusCode != 204 {
		t.Fatal(a.Status, body)
	}
	if _, body := d.own("GET", "/dashboard/api/session", ""); !strings.Contains(body, `"name":"blue"`) {
		t.Error(body)
	}
	if a, _ := d.send("GET", "/dashboard/api/compute/v2.1/servers", "", "Cookie", "stackd_session="+before); a.StatusCode == 200 {
		if _, err := d.cloud.Check(t.Context(), d.seen.header.Get("X-Auth-Token")); err == nil && d.cookie() == before {
			t.Error("the old scope is still in use")
		}
	}
	if a, _ := d.own("PUT", "/dashboard/api/session/scope", `{"project": "`+d.cloud.Project("admin")+`"}`); a.StatusCode != 403 {
		t.Error("a foreign project is entered:", a.Status)
	}
	// The next sign-in leads to where the browser was.
	d.own("DELETE", "/dashboard/api/session", "")
	d.signIn("ann", keystonetest.Password, "")
	if _, body := d.own("GET", "/dashboard/api/session", ""); !strings.Contains(body, `"name":"blue"`) {
		t.Error(body)
	}
}

func TestStormsOfSignIns(t *testing.T) {
	d := newDesk(t)
	refused := 0
	for range 14 {
		if a, _ := d.signIn("admin", "wrong", ""); a.StatusCode == 429 {
			refused++
			if a.Header.Get("Retry-After") == "" {
				t.Error("it is not said when to come back")
			}
		}
	}
	if refused == 0 || refused > 6 {
		t.Error("refused:", refused)
	}
}

func TestHeadersOfPages(t *testing.T) {
	d := newDesk(t)
	for _, path := range []string{"/dashboard/auth/login/", "/dashboard/", "/dashboard/api/session", "/dashboard/assets/none.js"} {
		a, _ := d.send("GET", path, "")
		csp := a.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "script-src 'self';") || strings.Contains(csp, "unsafe") || a.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Error(path, a.Header)
		}
	}
	for _, path := range []string{"/dashboard/assets/../../horizon.go", "/dashboard/assets/..%2findex.html", "/dashboard/assets/%2e%2e/README"} {
		if a, body := d.send("GET", path, ""); a.StatusCode == 200 {
			t.Error(path, body)
		}
	}
	// Names that a stranger chose are text.
	_, body := d.signIn(`"><script>alert(1)</script>`, "x", "")
	if strings.Contains(body, "<script") {
		t.Error(body)
	}
	_, body = d.send("GET", "/dashboard/auth/login/?lang=zh-CN", "")
	if !strings.Contains(body, "登录") || !strings.Contains(body, `lang="zh-CN"`) {
		t.Error(body)
	}
}

// Nothing of the client's sources makes markup or code from text.
func TestTheClientMakesNoMarkupFromText(t *testing.T) {
	bad := regexp.MustCompile(`dangerouslySetInnerHTML|\.innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcDoc|javascript:`)
	files := 0
	err := filepath.WalkDir("web/src", func(p string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		files++
		if m := bad.Find(b); m != nil {
			t.Errorf("%s: %s", p, m)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Error(err, files)
	}
}
