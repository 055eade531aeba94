package horizon

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// credentials are what a person signs in with. With a Receipt, only the one-time code.
type credentials struct{ User, Domain, Password, Passcode, Receipt string }

const lastCookie = "stackd_last" // the project that was last in use

// mostForm is the largest sign-in form, in bytes.
const mostForm = 16 << 10

// signInPage is the form, which works without script.
func (d *Dashboard) signInPage(w http.ResponseWriter, r *http.Request) {
	next := ownPath(r.URL.Query().Get("next"))
	if s, ok := d.sessionOf(r); ok && d.good(r.Context(), s) {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	d.form(w, r, http.StatusOK, formView{Next: next})
}

// signInForm takes the form.
func (d *Dashboard) signInForm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	if err := r.ParseForm(); err != nil {
		d.form(w, r, http.StatusBadRequest, formView{Next: Root + "/", Problem: "bad"})
		return
	}
	v := formView{Next: ownPath(r.PostForm.Get("next")), User: r.PostForm.Get("username"), Domain: cmp.Or(r.PostForm.Get("domain"), "Default")}
	if !sameOrigin(r) || !sameForm(r) {
		v.Problem = "stale"
		d.form(w, r, http.StatusForbidden, v)
		return
	}
	c := credentials{User: v.User, Domain: v.Domain, Password: r.PostForm.Get("password"), Passcode: r.PostForm.Get("passcode")}
	var owed pending
	if c.Password == "" && d.open(r, pendingCookie, &owed) && d.now().Before(owed.Expires) {
		c.User, c.Domain, c.Receipt = owed.User, owed.Domain, owed.Receipt
	}
	status, problem := d.enter(w, r, c)
	if problem != "" {
		v.Problem, v.Owed = problem, problem == "code"
		d.form(w, r, status, v)
		return
	}
	http.Redirect(w, r, v.Next, http.StatusSeeOther)
}

// enter signs in and sets the session's cookie: always a new one, whatever the browser
// brought. The problem is "" or the name of a text of the form.
func (d *Dashboard) enter(w http.ResponseWriter, r *http.Request, c credentials) (status int, problem string) {
	leave, ok := d.storms.enter(r, d.now())
	if !ok {
		w.Header().Set("Retry-After", "10")
		return http.StatusTooManyRequests, "storm"
	}
	a := d.signIn(r, c)
	leave(a.Status == http.StatusCreated, d.now())
	if a.Status != http.StatusCreated {
		return d.refused(w, r, c, a)
	}
	return d.start(w, r, a.token())
}

// start begins a session where its person was last, or may be.
func (d *Dashboard) start(w http.ResponseWriter, r *http.Request, t issued) (status int, problem string) {
	last := ""
	if k, err := r.Cookie(lastCookie); err == nil {
		last = k.Value
	}
	t, ok := d.settle(r, t, last)
	if !ok {
		d.revoke(r, t.ID)
		return http.StatusForbidden, "nowhere"
	}
	forget(w, r, pendingCookie)
	d.begin(w, r, t)
	return http.StatusOK, ""
}

// begin sets the cookie of a session, and a form token of its own.
func (d *Dashboard) begin(w http.ResponseWriter, r *http.Request, t issued) {
	d.keep(w, r, sessionCookie, session{t.ID, t.Expires, d.cfg.Region}, t.Expires)
}

func (d *Dashboard) refused(w http.ResponseWriter, r *http.Request, c credentials, a answer) (int, string) {
	receipt := a.Header.Get("Openstack-Auth-Receipt")
	switch {
	case a.Status == http.StatusUnauthorized && receipt != "":
		until := d.now().Add(5 * time.Minute)
		d.keep(w, r, pendingCookie, pending{receipt, c.User, c.Domain, until}, until)
		return http.StatusUnauthorized, "code"
	case a.Status == http.StatusUnauthorized && strings.Contains(a.said(), "password is expired"):
		return http.StatusUnauthorized, "expired"
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusBadRequest:
		return http.StatusUnauthorized, "wrong"
	}
	slog.Warn("sign-in failed", "service", "dashboard", "status", a.Status, "said", a.said())
	return http.StatusBadGateway, "down"
}

// sameForm tells whether the form was made for this browser.
func sameForm(r *http.Request) bool {
	c, err := r.Cookie(formCookie)
	return err == nil && len(c.Value) >= 20 && subtle.ConstantTimeCompare([]byte(c.Value), []byte(r.PostForm.Get("csrfmiddlewaretoken"))) == 1
}

func (d *Dashboard) form(w http.ResponseWriter, r *http.Request, status int, v formView) {
	v.Secret, v.Region, v.SignOns = rand.Text(), d.cfg.Region, d.cfg.SingleSignOn
	http.SetCookie(w, &http.Cookie{Name: formCookie, Value: v.Secret, Path: Root, HttpOnly: true, Secure: secure(r), SameSite: http.SameSiteStrictMode})
	writeForm(w, r, status, v)
}

// signInAgain is the form for the client, when a session has ended under an open page.
func (d *Dashboard) signInAgain(w http.ResponseWriter, r *http.Request) {
	var in struct{ User, Domain, Password, Passcode string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostForm)).Decode(&in); err != nil {
		problem(w, http.StatusBadRequest, "bad", "The body must be JSON with user, domain, password and passcode.")
		return
	}
	status, why := d.enter(w, r, credentials{User: in.User, Domain: cmp.Or(in.Domain, "Default"), Password: in.Password, Passcode: in.Passcode})
	if why != "" {
		problem(w, status, why, say(language(r), why))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
