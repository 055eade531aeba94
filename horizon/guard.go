package horizon

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// policy is what the browser lets the dashboard's pages do: run its own files only.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard sets the headers that every answer has.
func guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Frame-Options", "DENY")
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "same-origin")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.ServeHTTP(w, r)
	})
}

// ownHeader is what the client sets on requests that change something; another site's
// page cannot without asking first, which is never granted.
const ownHeader = "X-Stackd-Dashboard"

// fromOwnPage tells whether the request comes from a page of this address.
func fromOwnPage(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	return r.Header.Get(ownHeader) == "1" && sameOrigin(r)
}

// sameOrigin holds Origin, or Referer where there is none, against the address in use.
func sameOrigin(r *http.Request) bool {
	for _, name := range []string{"Origin", "Referer"} {
		if v := r.Header.Get(name); v != "" {
			u, err := url.Parse(v)
			return err == nil && u.Host == r.Host
		}
	}
	return true
}

// ownPath is next if it is an address below Root, else the first page.
func ownPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || strings.ContainsAny(next, "\\\r\n\t") ||
		!strings.HasPrefix(next, Root+"/") || !strings.HasPrefix(path.Clean(u.Path)+"/", Root+"/") || strings.HasPrefix(u.Path, Root+"/auth/") || strings.HasPrefix(u.Path, Root+"/api/") {
		return Root + "/"
	}
	return u.RequestURI()
}

func signInAt(next string) string {
	if next = ownPath(next); next == Root+"/" {
		return Root + "/auth/login/"
	}
	return Root + "/auth/login/?next=" + url.QueryEscape(next)
}

// problem answers the client with what went wrong: a name it knows, and a text.
func problem(w http.ResponseWriter, status int, name, text string) {
	writeJSON(w, status, object{"error": object{"name": name, "message": text, "code": status}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
