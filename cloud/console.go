package cloud

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/coder/websocket"
)

// NoVNC is where the package novnc, of Debian and Fedora alike, puts the browser's side of a display.
const NoVNC = "/usr/share/novnc"

// Displays serves guests' displays to browsers: noVNC's files, and a websocket at
// any path with ?token=, which carries the RFB protocol (subprotocol "binary").
func (c *Cloud) Displays() http.Handler {
	files := http.FileServer(http.Dir(NoVNC))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			c.display(w, r)
			return
		}
		if _, err := os.Stat(NoVNC); err != nil {
			http.Error(w, "The browser's side of displays is not installed on this host: install the package novnc", http.StatusNotFound)
			return
		}
		w.Header().Set("X-Frame-Options", "SAMEORIGIN")
		files.ServeHTTP(w, r)
	})
}

// tokenOf is the token of a websocket's address; noVNC puts it into the path too.
func tokenOf(r *http.Request) string {
	if t := r.URL.Query().Get("token"); t != "" {
		return t
	}
	u, err := url.Parse(r.URL.Query().Get("path"))
	if err != nil {
		return ""
	}
	return u.Query().Get("token")
}

func (c *Cloud) display(w http.ResponseWriter, r *http.Request) {
	screen, err := c.Compute.Display(r.Context(), tokenOf(r))
	if err != nil {
		slog.Info("display refused", "cause", err)
		http.Error(w, "The token is not valid (any more).", http.StatusForbidden)
		return
	}
	defer screen.Close()
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"binary"}, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // answered by Accept: a foreign origin, or no websocket
	}
	ctx, cancel := context.WithTimeout(context.Background(), 12*time.Hour)
	defer cancel()
	browser := websocket.NetConn(ctx, ws, websocket.MessageBinary)
	defer browser.Close()
	go func() {
		defer cancel()
		io.Copy(screen, browser)
		screen.Close()
	}()
	io.Copy(browser, screen)
}
