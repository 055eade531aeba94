package horizon

import (
	"encoding/json"
	"net/http"
	"time"
)

// A session is what the cookie holds.
type session struct {
	Token   string    `json:"t"`
	Expires time.Time `json:"e"`
	Region  string    `json:"r"`
}

// A pending sign-in has given its password and owes a one-time code.
type pending struct {
	Receipt string    `json:"receipt"`
	User    string    `json:"user"`
	Domain  string    `json:"domain"`
	Expires time.Time `json:"e"`
}

const (
	sessionCookie  = "stackd_session"
	pendingCookie  = "stackd_signin"
	formCookie     = "csrftoken"
	languageCookie = "stackd_language"
)

// sessionOf is the request's session, if it has one that has not ended.
func (d *Dashboard) sessionOf(r *http.Request) (s session, ok bool) {
	return s, d.open(r, sessionCookie, &s) && s.Token != "" && d.now().Before(s.Expires)
}

// open reads a cookie that keep made.
func (d *Dashboard) open(r *http.Request, name string, into any) bool {
	c, err := r.Cookie(name)
	if err != nil {
		return false
	}
	plain, err := d.box.Open(c.Value)
	if err != nil {
		return false
	}
	var in envelope
	if json.Unmarshal(plain, &in) != nil || in.Cookie != name {
		return false // closed for another cookie
	}
	return json.Unmarshal(in.Content, into) == nil
}

// An envelope says for which cookie its content was closed.
type envelope struct {
	Cookie  string          `json:"c"`
	Content json.RawMessage `json:"v"`
}

// keep sets a cookie that script cannot read and nobody can make or change.
func (d *Dashboard) keep(w http.ResponseWriter, r *http.Request, name string, v any, until time.Time) {
	content, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs
	}
	plain, _ := json.Marshal(envelope{name, content})
	http.SetCookie(w, &http.Cookie{Name: name, Value: d.box.Close(plain), Path: Root, Expires: until, HttpOnly: true, Secure: secure(r), SameSite: http.SameSiteStrictMode})
}

func forget(w http.ResponseWriter, r *http.Request, name string) {
	http.SetCookie(w, &http.Cookie{Name: name, Path: Root, MaxAge: -1, HttpOnly: true, Secure: secure(r), SameSite: http.SameSiteStrictMode})
}

// secure tells whether the browser speaks TLS, to us or to a balancer before us.
func secure(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}
