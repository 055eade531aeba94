package horizon

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"stackd/internal/rest"
)

// passed are the headers that go on to a service.
var passed = []string{"Accept", "Accept-Language", "Content-Type", "Content-Range", "Range", "If-Match", "If-None-Match", "If-Modified-Since", "User-Agent",
	"Openstack-Api-Version", "X-Openstack-Nova-Api-Version", "X-Openstack-Request-Id", "Last-Event-Id"}

// passedPrefixes are the beginnings of others.
var passedPrefixes = []string{"X-Image-Meta-", "X-Container-", "X-Object-", "X-Account-"}

// proxy hands a request to a service with the session's token. Bodies stream both ways.
func (d *Dashboard) proxy(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("service")
	h := d.cfg.Services[name]
	if h == nil {
		problem(w, http.StatusNotFound, "service", "This cloud has no service of that name.")
		return
	}
	s, ok := d.sessionOf(r)
	if !ok {
		d.ended(w, r)
		return
	}
	if name == "identity" && tokens(r.URL.Path) {
		problem(w, http.StatusForbidden, "tokens", "Tokens are not handed to pages; use the API itself.")
		return
	}
	prefix := Root + "/api/" + name
	f := &filter{ResponseWriter: w, prefix: prefix}
	rest.Mount(prefix, h).ServeHTTP(f, onward(r, s.Token))
}

// tokens tells whether a path makes, shows or takes tokens.
func tokens(path string) bool {
	p := strings.Join(slices.DeleteFunc(strings.Split(path, "/"), func(s string) bool { return s == "" || s == "." }), "/")
	_, after, _ := strings.Cut(p, "/v3/auth")
	switch strings.Trim(after, "/") {
	case "projects", "domains", "system", "catalog":
		return false
	}
	return strings.Contains(p, "/v3/auth")
}

// onward is the request as the service is to see it.
func onward(r *http.Request, token string) *http.Request {
	out := r.Clone(r.Context())
	out.Header = http.Header{}
	for k, v := range r.Header {
		if slices.Contains(passed, k) || slices.ContainsFunc(passedPrefixes, func(p string) bool { return strings.HasPrefix(k, p) }) {
			out.Header[k] = v
		}
	}
	out.Header.Set("X-Auth-Token", token)
	u := *r.URL
	out.URL = &u
	return out
}

// A filter takes away from answers what a page must not see.
type filter struct {
	http.ResponseWriter
	prefix string
	begun  bool
}

// Unwrap is for http.ResponseController, which flushes streams.
func (f *filter) Unwrap() http.ResponseWriter { return f.ResponseWriter }

func (f *filter) WriteHeader(status int) {
	if !f.begun {
		f.begun = true
		f.clean()
	}
	f.ResponseWriter.WriteHeader(status)
}

func (f *filter) Write(b []byte) (int, error) {
	if !f.begun {
		f.WriteHeader(http.StatusOK)
	}
	return f.ResponseWriter.Write(b)
}

func (f *filter) clean() {
	h := f.Header()
	for _, name := range []string{"X-Subject-Token", "X-Auth-Token", "X-Storage-Token", "Openstack-Auth-Receipt", "Set-Cookie", "Www-Authenticate"} {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
	// What a user has uploaded must not become a page of this address.
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	if kind, _, _ := strings.Cut(h.Get("Content-Type"), ";"); kind != "application/json" && kind != "text/event-stream" && h.Get("Content-Disposition") == "" {
		h.Set("Content-Disposition", "attachment")
	}
	if to, err := url.Parse(h.Get("Location")); err == nil && to.Host == "" && strings.HasPrefix(to.Path, "/") && !strings.HasPrefix(to.Path, f.prefix) {
		h.Set("Location", f.prefix+h.Get("Location"))
	}
}
