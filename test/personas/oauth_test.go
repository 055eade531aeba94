package personas

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"time"
)

// oauth makes for each side a request token that waits for its owner, and an access
// token that the owner has given (RFC 5849).
func (w *world) oauth() {
	var out struct {
		Consumer struct{ ID, Secret string }
	}
	w.read(w.send(w.t.Context(), "identity", w.admin, "POST /v3/OS-OAUTH1/consumers", `{"consumer":{}}`), &out)
	admins := [2]*persona{w.named("admin"), w.persona("foreign-admin", "admin", "project", foreign)}
	var asked, given [2]string
	for side := range 2 {
		asked[side] = w.signed(out.Consumer.ID, out.Consumer.Secret, "request_token", side, url.Values{"oauth_callback": {"oob"}}).Get("oauth_token")
		first := w.signed(out.Consumer.ID, out.Consumer.Secret, "request_token", side, url.Values{"oauth_callback": {"oob"}})
		var ok struct {
			Token struct {
				Verifier string `json:"oauth_verifier"`
			}
		}
		w.read(w.send(w.t.Context(), "identity", admins[side].token, "PUT /v3/OS-OAUTH1/authorize/"+first.Get("oauth_token"), `{"roles":[{"id":"`+w.role("admin")+`"}]}`), &ok)
		given[side] = w.signed(out.Consumer.ID, out.Consumer.Secret+"&"+first.Get("oauth_token_secret"), "access_token", side,
			url.Values{"oauth_token": {first.Get("oauth_token")}, "oauth_verifier": {ok.Token.Verifier}}).Get("oauth_token")
	}
	w.things["identity:authorize.id"], w.things["identity:access_tokens.token"] = asked, given
	const on = "/v3/users/{id}/OS-OAUTH1/access_tokens"
	for _, pattern := range []string{"GET" + on, "GET" + on + "/{token}", "DELETE" + on + "/{token}", "GET" + on + "/{token}/roles", "GET" + on + "/{token}/roles/{role}"} {
		w.things["identity:"+pattern+"{id}"] = [2]string{admins[own].user, admins[foreign].user}
		w.things["identity:"+pattern+"{role}"] = [2]string{w.role("admin"), w.role("admin")}
	}
}

func (w *world) read(r *httptest.ResponseRecorder, into any) {
	w.t.Helper()
	if r.Code >= 300 {
		w.t.Fatal(r.Code, r.Body)
	}
	if err := json.Unmarshal(r.Body.Bytes(), into); err != nil {
		w.t.Fatal(err)
	}
}

// signed sends a request that a consumer has signed; secrets are those of the
// consumer and of the token, joined by &.
func (w *world) signed(consumer, secrets, what string, side int, p url.Values) url.Values {
	p.Set("oauth_consumer_key", consumer)
	p.Set("oauth_signature_method", "HMAC-SHA1")
	p.Set("oauth_timestamp", fmt.Sprint(time.Now().Unix()))
	p.Set("oauth_nonce", rand.Text())
	p.Set("oauth_version", "1.0")
	at := "http://cloud/v3/OS-OAUTH1/" + what
	if !strings.Contains(secrets, "&") {
		secrets += "&"
	}
	mac := hmac.New(sha1.New, []byte(secrets))
	mac.Write([]byte("POST&" + url.QueryEscape(at) + "&" + url.QueryEscape(strings.ReplaceAll(p.Encode(), "+", "%20"))))
	p.Set("oauth_signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	var header []string
	for _, k := range slices.Sorted(maps.Keys(p)) {
		header = append(header, fmt.Sprintf("%s=%q", k, url.QueryEscape(p.Get(k))))
	}
	r := httptest.NewRequest("POST", at, nil)
	r.Header.Set("Authorization", "OAuth "+strings.Join(header, ", "))
	r.Header.Set("Requested-Project-Id", w.project[side])
	out := httptest.NewRecorder()
	w.c.Handlers["identity"].ServeHTTP(out, r)
	v, err := url.ParseQuery(out.Body.String())
	if err != nil || out.Code >= 300 {
		w.t.Fatal(what, out.Code, out.Body, err)
	}
	return v
}
