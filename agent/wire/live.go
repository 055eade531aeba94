package wire

import (
	"io"
	"log/slog"
	"net/http"
	"strconv"

	"stackd/agent/wish"
	"stackd/internal/fault"
)

// ServeLive is a node's side for control planes. It wants TLS as LiveTLS sets it up.
func ServeLive(l wish.Live) http.Handler {
	mux := http.NewServeMux()
	on := func(pattern string, f func(w http.ResponseWriter, r *http.Request, id string) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := f(w, r, r.PathValue("id")); err != nil {
				fail(w, err)
			}
		})
	}
	on("GET /v1/servers/{id}/console", func(w http.ResponseWriter, r *http.Request, id string) error {
		lines, err := strconv.Atoi(r.URL.Query().Get("lines"))
		if err != nil {
			return fault.New(fault.Invalid, "lines: a number is wanted.")
		}
		text, err := l.ConsoleLog(r.Context(), id, lines)
		if err == nil {
			answer(w, text)
		}
		return err
	})
	on("GET /v1/servers/{id}/diagnostics", func(w http.ResponseWriter, r *http.Request, id string) error {
		d, err := l.Diagnostics(r.Context(), id)
		if err == nil {
			answer(w, d)
		}
		return err
	})
	on("POST /v1/servers/{id}/interrupt", func(w http.ResponseWriter, r *http.Request, id string) error {
		err := l.Interrupt(r.Context(), id)
		if err == nil {
			w.WriteHeader(http.StatusNoContent)
		}
		return err
	})
	on("POST /v1/servers/{id}/copy", func(w http.ResponseWriter, r *http.Request, id string) error {
		var in copying
		err := read(r, &in)
		if err == nil {
			err = l.CopyDisk(r.Context(), id, in.Volume, in.Where)
		}
		if err == nil {
			w.WriteHeader(http.StatusNoContent)
		}
		return err
	})
	on("GET /v1/servers/{id}/disk", func(w http.ResponseWriter, r *http.Request, id string) error {
		body, err := l.Capture(r.Context(), id)
		if err == nil {
			send(w, body)
		}
		return err
	})
	on("POST /v1/servers/{id}/display", func(w http.ResponseWriter, r *http.Request, id string) error {
		screen, err := l.VNC(r.Context(), id)
		if err == nil {
			duplex(w, r, screen)
		}
		return err
	})
	return mux
}

type copying struct {
	Volume wish.Disk `json:"volume"`
	Where  wish.Disk `json:"where"`
}

// send streams a body; one that breaks off is heard as such.
func send(w http.ResponseWriter, body io.ReadCloser) {
	defer body.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	if _, err := io.Copy(w, body); err != nil {
		slog.Warn("a stream broke off", "cause", err)
		panic(http.ErrAbortHandler)
	}
}

// duplex joins a display with a request's body and its answer, until one of them ends.
func duplex(w http.ResponseWriter, r *http.Request, screen io.ReadWriteCloser) {
	c := http.NewResponseController(w)
	if err := c.EnableFullDuplex(); err != nil {
		slog.Debug("full duplex", "cause", err) // HTTP/2 has it anyway
	}
	w.WriteHeader(http.StatusOK)
	if err := c.Flush(); err != nil {
		screen.Close()
		return
	}
	go func() {
		io.Copy(screen, r.Body)
		screen.Close()
	}()
	defer screen.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := screen.Read(buf)
		if n > 0 {
			if _, e := w.Write(buf[:n]); e != nil || c.Flush() != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
