package horizon_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"stackd/horizon"
	"stackd/keystone/keystonetest"
)

var acme = horizon.SignOn{Label: "Acme & Co", IdentityProvider: "acme", Protocol: "openid"}

// bring is the identity service's page, which has the browser post the token.
func (d *desk) bring(token, origin string) (*http.Response, string) {
	d.t.Helper()
	return d.send("POST", "/dashboard/auth/websso/", url.Values{"token": {token}}.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Origin", origin)
}

// unscoped is a token as single sign-on gives it.
func (d *desk) unscoped() string {
	d.t.Helper()
	body, _ := json.Marshal(map[string]any{"auth": map[string]any{"identity": map[string]any{"methods": []string{"password"},
		"password": map[string]any{"user": map[string]any{"name": "admin", "domain": map[string]string{"id": "default"}, "password": keystonetest.Password}}}, "scope": "unscoped"}})
	w := httptest.NewRecorder()
	d.identity.ServeHTTP(w, httptest.NewRequest("POST", "/v3/auth/tokens", bytes.NewReader(body)))
	return w.Header().Get("X-Subject-Token")
}

func TestSingleSignOn(t *testing.T) {
	d := newDesk(t, acme)
	_, page := d.send("GET", "/dashboard/auth/login/?next=/dashboard/project/servers", "")
	if !strings.Contains(page, `href="/dashboard/auth/sso/0?next=%2fdashboard%2fproject%2fservers"`) || !strings.Contains(page, "Acme &amp; Co") {
		t.Fatal("the form does not offer it:", page)
	}
	token := d.unscoped()
	if token == "" {
		t.Fatal("no token")
	}
	// Nobody is signed in by a page they did not come from.
	if a, _ := d.bring(token, "https://cloud.example"); a.StatusCode != 403 || d.cookie() != "" {
		t.Fatal("a token is taken from a browser that did not go to get one:", a.Status)
	}
	a, _ := d.send("GET", "/dashboard/auth/sso/0?next=/dashboard/project/servers", "")
	want := "https://cloud.example/identity/v3/auth/OS-FEDERATION/identity_providers/acme/protocols/openid/websso?origin=" + url.QueryEscape(d.server.URL+"/dashboard/auth/websso/")
	if got := a.Header.Get("Location"); a.StatusCode != 303 || got != want {
		t.Fatal(a.Status, got)
	}
	if a, _ := d.bring(token, "https://evil.example"); a.StatusCode != 403 || d.cookie() != "" {
		t.Fatal("another site brings a token:", a.Status)
	}
	if a, body := d.bring(token, "https://cloud.example"); a.StatusCode != 303 || a.Header.Get("Location") != "/dashboard/project/servers" || d.cookie() == "" {
		t.Fatal(a.Status, a.Header, body)
	}
	if _, err := d.cloud.Identity.Check(t.Context(), token); err == nil {
		t.Error("the token without a scope lives on")
	}
	if a, body := d.own("GET", "/dashboard/api/session", ""); a.StatusCode != 200 || !strings.Contains(body, `"project"`) {
		t.Fatal("the session has no scope:", a.Status, body)
	}
	// What was brought is good once.
	if a, _ := d.bring(token, "https://cloud.example"); a.StatusCode != 403 {
		t.Error("it is taken twice:", a.Status)
	}
}

func TestSingleSignOnWithABadToken(t *testing.T) {
	d := newDesk(t, acme)
	d.send("GET", "/dashboard/auth/sso/0", "")
	if a, _ := d.bring("made-up", "https://cloud.example"); a.StatusCode != 401 || d.cookie() != "" {
		t.Error(a.Status)
	}
	for _, n := range []string{"1", "-1", "x"} {
		if a, _ := d.send("GET", "/dashboard/auth/sso/"+n, ""); a.Header.Get("Location") != "/dashboard/auth/login/" {
			t.Error(n, a.Status, a.Header)
		}
	}
}

func TestSingleSignOnIsCheckedAtTheStart(t *testing.T) {
	for _, c := range []struct {
		offer    horizon.SignOn
		identity string
		good     bool
	}{{acme, "https://cloud.example", true}, {acme, "", false}, {horizon.SignOn{IdentityProvider: "acme"}, "https://cloud.example", false}} {
		if err := (horizon.Options{SingleSignOn: []horizon.SignOn{c.offer}}).Check(c.identity); (err == nil) != c.good {
			t.Error(c, err)
		}
	}
}
