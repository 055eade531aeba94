package mirror

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"stackd/glance/file"
)

var nameShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// Serve gives the others local files, and takes theirs: by their names, below the path
// that it is mounted at. Who may ask is the caller's business.
func Serve(local *file.Files) http.Handler {
	mux := http.NewServeMux()
	for pattern, f := range map[string]func(http.ResponseWriter, *http.Request, string) error{
		"GET /{name}": func(w http.ResponseWriter, r *http.Request, name string) error {
			body, _, err := local.Open(r.Context(), name)
			if err != nil {
				return err
			}
			defer body.Close()
			w.Header().Set("Content-Type", "application/octet-stream")
			http.ServeContent(w, r, "", time.Time{}, body)
			return nil
		},
		"PUT /{name}": func(w http.ResponseWriter, r *http.Request, name string) error {
			to, err := local.Create(r.Context(), name, r.ContentLength)
			if err != nil {
				return err
			}
			defer to.Abort()
			if _, err = io.Copy(to, r.Body); err == nil { // a sender that gives up is an error
				err = to.Commit()
			}
			if err == nil {
				w.WriteHeader(http.StatusCreated)
			}
			return err
		},
		"DELETE /{name}": func(w http.ResponseWriter, r *http.Request, name string) error {
			err := local.Delete(r.Context(), name)
			if err == nil {
				w.WriteHeader(http.StatusNoContent)
			}
			return err
		},
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { named(w, r, f) })
	}
	return mux
}

func named(w http.ResponseWriter, r *http.Request, f func(http.ResponseWriter, *http.Request, string) error) {
	name := r.PathValue("name")
	if !nameShape.MatchString(name) {
		http.NotFound(w, r)
		return
	}
	switch err := f(w, r, name); {
	case errors.Is(err, fs.ErrNotExist):
		http.NotFound(w, r)
	case err != nil:
		slog.Warn("an image's bytes are not exchanged with another control plane", "name", name, "method", r.Method, "cause", err)
		http.Error(w, "it does not go", http.StatusInternalServerError)
	}
}
