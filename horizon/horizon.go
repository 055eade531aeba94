package horizon

import (
	"context"
	"net/http"
	"strings"
	"time"

	"stackd/internal/sealed"
	"stackd/internal/token"
)

// Root is where the dashboard is served.
const Root = "/dashboard"

// Config is what the dashboard is made from.
type Config struct {
	Key    []byte // the cloud's master key, which closes sessions
	Region string // of the cloud it belongs to
	// Services are the public APIs by their names in URLs; "identity" must be there.
	Services map[string]http.Handler
	Tokens   token.Checker
	// IdentityURL is where browsers reach identity, without /v3; for single sign-on.
	IdentityURL string
	Options
	Console http.Handler // takes websockets to guests' displays; nil is none
}

// A Dashboard serves everything below Root.
type Dashboard struct {
	cfg    Config
	box    sealed.Box
	storms storms
	now    func() time.Time
}

// New makes the dashboard.
func New(cfg Config) *Dashboard {
	return &Dashboard{cfg: cfg, box: sealed.New(cfg.Key, "dashboard session"), storms: newStorms(), now: time.Now}
}

// Handler serves the dashboard.
func (d *Dashboard) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(Root, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, Root+"/", http.StatusSeeOther) })
	mux.HandleFunc(Root+"/{page...}", d.page)
	mux.HandleFunc("GET "+Root+"/assets/{name...}", d.asset)
	mux.HandleFunc("GET "+Root+"/auth/login/", d.signInPage)
	mux.HandleFunc("POST "+Root+"/auth/login/", d.signInForm)
	mux.HandleFunc("GET "+Root+"/auth/signin.css", signInStyle)
	mux.HandleFunc("GET "+Root+"/auth/sso/{n}", d.signOn)
	mux.HandleFunc("POST "+signOnPath, d.signedOn)
	mux.HandleFunc("POST "+Root+"/auth/logout/", d.own(d.signOut))
	mux.HandleFunc("GET "+Root+"/api/session", d.own(d.session))
	mux.HandleFunc("POST "+Root+"/api/session", d.own(d.signInAgain))
	mux.HandleFunc("PUT "+Root+"/api/session/scope", d.own(d.scope))
	mux.HandleFunc("DELETE "+Root+"/api/session", d.own(d.signOut))
	mux.HandleFunc(Root+"/api/{service}/{path...}", d.own(d.proxy))
	mux.HandleFunc(Root+"/api/{service}", d.own(d.proxy))
	mux.HandleFunc("GET "+Root+"/console", d.console)
	return guard(mux)
}

// own lets through what the dashboard's own page asks for.
func (d *Dashboard) own(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !fromOwnPage(r) {
			problem(w, http.StatusForbidden, "csrf", "This request did not come from the dashboard's own page.")
			return
		}
		h(w, r)
	}
}

// page is the client's first page, whatever the address below Root: the client knows
// its own pages. Who has no session signs in first.
func (d *Dashboard) page(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		problem(w, http.StatusMethodNotAllowed, "method", "Pages are read only.")
		return
	}
	if s, ok := d.sessionOf(r); !ok || !d.good(r.Context(), s) {
		http.Redirect(w, r, signInAt(r.URL.RequestURI()), http.StatusSeeOther)
		return
	}
	d.index(w, r)
}

// good tells whether the session's token is still one.
func (d *Dashboard) good(ctx context.Context, s session) bool {
	_, err := d.cfg.Tokens.Check(ctx, s.Token)
	return err == nil
}

// console carries a guest's display to who has a session; which guest it is says the
// console's own token.
func (d *Dashboard) console(w http.ResponseWriter, r *http.Request) {
	if s, ok := d.sessionOf(r); !ok || !d.good(r.Context(), s) || d.cfg.Console == nil || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		problem(w, http.StatusForbidden, "console", "A display is opened from the page of its server.")
		return
	}
	d.cfg.Console.ServeHTTP(w, r)
}
