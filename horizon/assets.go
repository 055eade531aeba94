package horizon

import (
	"embed"

	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed all:dist
var built embed.FS

//go:embed notbuilt.html
var notBuilt []byte

// asset serves a file of the client. Its name holds a hash of its content, so that it
// may be kept for ever; it is there compressed already.
func (d *Dashboard) asset(w http.ResponseWriter, r *http.Request) {
	name := path.Clean("/" + r.PathValue("name"))[1:]
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	if !send(w, r, "dist/assets/"+name) {
		w.Header().Del("Cache-Control")
		http.NotFound(w, r)
	}
}

func (d *Dashboard) index(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if !send(w, r, "dist/index.html") {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusServiceUnavailable)
		w.Write(notBuilt)
	}
}

// send sends a file: compressed where it is kept so and the client takes it.
func send(w http.ResponseWriter, r *http.Request, name string) bool {
	kind := mime.TypeByExtension(path.Ext(name))
	if kind == "" {
		kind = "application/octet-stream"
	}
	for _, packed := range []bool{true, false} {
		file := name
		if packed {
			if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				continue
			}
			file += ".gz"
		}
		b, err := fs.ReadFile(built, file)
		if err != nil {
			continue
		}
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Vary", "Accept-Encoding")
		h.Set("Content-Length", strconv.Itoa(len(b)))
		if packed {
			h.Set("Content-Encoding", "gzip")
		}
		if r.Method != http.MethodHead {
			w.Write(b)
		}
		return true
	}
	return false
}
