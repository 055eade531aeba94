package horizon

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Options are the settings of the dashboard.
type Options struct {
	// SingleSignOn are the identity providers that the sign-in form offers.
	SingleSignOn []SignOn `yaml:"single_sign_on"`
}

// A SignOn is a button of the sign-in form: an identity provider and a protocol as the
// identity service knows them, and what the button says ("" is the provider's id).
type SignOn struct {
	Label            string `yaml:"label"`
	IdentityProvider string `yaml:"identity_provider"`
	Protocol         string `yaml:"protocol"`
}

// Check tells what is missing before anybody presses a button in vain. PublicURL is
// where browsers reach identity.
func (o Options) Check(publicURL string) error {
	for n, s := range o.SingleSignOn {
		if s.IdentityProvider == "" || s.Protocol == "" {
			return fmt.Errorf("dashboard.single_sign_on: entry %d needs identity_provider and protocol", n+1)
		}
	}
	if len(o.SingleSignOn) > 0 && publicURL == "" {
		return fmt.Errorf("dashboard.single_sign_on needs identity.federation.public_url: browsers are sent there")
	}
	return nil
}

// Name is what the button says.
func (s SignOn) Name() string { return cmp.Or(s.Label, s.IdentityProvider) }

// away is somebody who went to an identity provider to sign in.
type away struct {
	Next    string    `json:"next"`
	Expires time.Time `json:"e"`
}

const (
	awayCookie = "stackd_signon"
	signOnPath = Root + "/auth/websso/" // where identity posts the token, as Horizon names it
	mostAway   = 10 * time.Minute
)

// signOn sends the browser to an identity provider, by way of the identity service.
func (d *Dashboard) signOn(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 0 || n >= len(d.cfg.SingleSignOn) {
		http.Redirect(w, r, Root+"/auth/login/", http.StatusSeeOther)
		return
	}
	until, s := d.now().Add(mostAway), d.cfg.SingleSignOn[n]
	d.keep(w, r, awayCookie, away{ownPath(r.URL.Query().Get("next")), until}, until)
	http.Redirect(w, r, strings.TrimRight(d.cfg.IdentityURL, "/")+"/v3/auth/OS-FEDERATION/identity_providers/"+url.PathEscape(s.IdentityProvider)+
		"/protocols/"+url.PathEscape(s.Protocol)+"/websso?origin="+url.QueryEscape(addressOf(r)+signOnPath), http.StatusSeeOther)
}

// addressOf is the scheme and host that the browser uses for us.
func addressOf(r *http.Request) string {
	if secure(r) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// signedOn takes the token that the identity service has the browser post. Only a
// browser that went away from here may bring one: nobody is signed in unasked.
func (d *Dashboard) signedOn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	var from away
	if err := r.ParseForm(); err != nil || !d.open(r, awayCookie, &from) || d.now().After(from.Expires) || !d.fromIdentity(r) {
		d.form(w, r, http.StatusForbidden, formView{Next: Root + "/", Problem: "stale"})
		return
	}
	forget(w, r, awayCookie)
	if status, problem := d.enterBy(w, r, r.PostForm.Get("token")); problem != "" {
		d.form(w, r, status, formView{Next: from.Next, Problem: problem})
		return
	}
	http.Redirect(w, r, from.Next, http.StatusSeeOther)
}

// fromIdentity tells whether a page of the identity service sent the browser.
func (d *Dashboard) fromIdentity(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	u, err := url.Parse(d.cfg.IdentityURL)
	return origin == "" || origin == "null" || err == nil && origin == u.Scheme+"://"+u.Host
}

// enterBy begins a session with a token that somebody else asked for.
func (d *Dashboard) enterBy(w http.ResponseWriter, r *http.Request, token string) (status int, problem string) {
	leave, ok := d.storms.enter(r, d.now())
	if !ok {
		w.Header().Set("Retry-After", "10")
		return http.StatusTooManyRequests, "storm"
	}
	a := d.ask(r.Context(), r, "GET", "/v3/auth/tokens", map[string]string{"X-Auth-Token": token, "X-Subject-Token": token}, nil)
	leave(a.Status == http.StatusOK, d.now())
	if a.Status != http.StatusOK {
		return http.StatusUnauthorized, "stale"
	}
	t := a.token()
	t.ID = token
	return d.start(w, r, t)
}
