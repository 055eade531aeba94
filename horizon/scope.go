package horizon

import (
	"encoding/json"
	"net/http"
)

// session tells the client who it is: the body of the token, never the token.
func (d *Dashboard) session(w http.ResponseWriter, r *http.Request) {
	s, ok := d.sessionOf(r)
	if !ok {
		d.ended(w, r)
		return
	}
	a := d.ask(r.Context(), r, "GET", "/v3/auth/tokens", map[string]string{"X-Auth-Token": s.Token, "X-Subject-Token": s.Token}, nil)
	if a.Status != http.StatusOK {
		d.ended(w, r)
		return
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(a.Body, &body); err != nil {
		problem(w, http.StatusBadGateway, "down", "The identity service did not answer as it should.")
		return
	}
	body["region"], _ = json.Marshal(s.Region)
	body["services"], _ = json.Marshal(d.services())
	writeJSON(w, http.StatusOK, body)
}

func (d *Dashboard) services() []string {
	out := []string{}
	for name := range d.cfg.Services {
		out = append(out, name)
	}
	return out
}

// ended says that there is no session (any more), and takes its cookie away.
func (d *Dashboard) ended(w http.ResponseWriter, r *http.Request) {
	forget(w, r, sessionCookie)
	problem(w, http.StatusUnauthorized, "session", "The session has ended. Sign in again.")
}

// scope moves the session to another project, domain or the whole system. The token
// that it had is revoked.
func (d *Dashboard) scope(w http.ResponseWriter, r *http.Request) {
	s, ok := d.sessionOf(r)
	if !ok {
		d.ended(w, r)
		return
	}
	var in struct {
		Project, Domain string
		System          bool
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostForm)).Decode(&in); err != nil {
		problem(w, http.StatusBadRequest, "bad", "The body must be JSON with project, domain or system.")
		return
	}
	var to object
	switch {
	case in.Project != "":
		to = object{"project": object{"id": in.Project}}
	case in.Domain != "":
		to = object{"domain": object{"id": in.Domain}}
	case in.System:
		to = object{"system": object{"all": true}}
	default:
		problem(w, http.StatusBadRequest, "bad", "A project, a domain or the system is wanted.")
		return
	}
	a := d.rescope(r, s.Token, to)
	if a.Status != http.StatusCreated {
		problem(w, http.StatusForbidden, "scope", a.said())
		return
	}
	d.begin(w, r, a.token())
	if in.Project != "" {
		http.SetCookie(w, &http.Cookie{Name: lastCookie, Value: in.Project, Path: Root, MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: secure(r), SameSite: http.SameSiteStrictMode})
	}
	d.revoke(r, s.Token)
	w.WriteHeader(http.StatusNoContent)
}

// signOut ends the session and its token.
func (d *Dashboard) signOut(w http.ResponseWriter, r *http.Request) {
	if s, ok := d.sessionOf(r); ok {
		d.revoke(r, s.Token)
	}
	forget(w, r, sessionCookie)
	forget(w, r, pendingCookie)
	w.WriteHeader(http.StatusNoContent)
}
