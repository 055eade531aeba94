package events

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/internal/token"
)

const (
	// mostOfUser and mostOfAll bound the streams that are open at one time.
	mostOfUser, mostOfAll = 32, 4096
)

var (
	// silence is how often a stream without news says that it lives, and the token is
	// looked at again.
	silence = 15 * time.Second
	// slow is how long a client may take to receive something.
	slow = 30 * time.Second
)

// Handler serves GET / as a stream of server-sent events; see docs/events.md.
func (h *Hub) Handler(tokens token.Checker, keystone string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", "GET")
			refuse(w, http.StatusMethodNotAllowed, "The method is not allowed for this resource.")
			return
		}
		who, err := token.Caller(r, tokens)
		if err != nil {
			if f := fault.Of(err); f == nil || f.Kind != fault.Unauthorized {
				refuse(w, http.StatusServiceUnavailable, "Tokens cannot be checked at the moment.")
				return
			}
			w.Header().Set("Www-Authenticate", fmt.Sprintf("Keystone uri=%q", keystone))
			refuse(w, http.StatusUnauthorized, "The request you have made requires authentication.")
			return
		}
		if !who.MayCall("events", r.Method, "/events") {
			refuse(w, http.StatusForbidden, "The token is not for this operation.")
			return
		}
		h.follow(w, r, tokens, who)
	})
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": status, "title": http.StatusText(status), "message": text}})
}

// enter counts a follower.
func (h *Hub) enter(user string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all >= mostOfAll || h.users[user] >= mostOfUser {
		return false
	}
	h.all++
	h.users[user]++
	h.wakes.Wake("followed")
	return true
}

func (h *Hub) leave(user string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all--
	if h.users[user]--; h.users[user] == 0 {
		delete(h.users, user)
	}
}

func (h *Hub) follow(w http.ResponseWriter, r *http.Request, tokens token.Checker, who *token.Who) {
	asked := r.Header.Get("Last-Event-Id")
	if asked == "" {
		asked = r.URL.Query().Get("since")
	}
	types := strings.FieldsFunc(r.URL.Query().Get("types"), func(c rune) bool { return c == ',' })
	from, reset, err := h.from(r.Context(), asked)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if !h.enter(who.User.ID) {
		w.Header().Set("Retry-After", "30")
		refuse(w, http.StatusTooManyRequests, "Too many streams of events are open.")
		return
	}
	defer h.leave(who.User.ID)
	s := &stream{w: w, c: http.NewResponseController(w)}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	begin := "hello"
	if reset {
		begin = "reset"
	}
	if s.send(from, begin, struct{}{}) != nil {
		return
	}
	h.pour(r, s, from, func(e *Event) bool { return len(types) == 0 || slices.Contains(types, e.Type) }, tokens, who)
}

// from is where the stream begins; reset is true where that is not where it was asked.
func (h *Hub) from(ctx context.Context, asked string) (p Position, reset bool, err error) {
	at, err := now(ctx, h.db)
	if err != nil {
		return p, false, fmt.Errorf("the events cannot be read at the moment")
	}
	if asked == "" {
		return at, false, nil
	}
	if p, err = ParsePosition(asked); err != nil {
		return p, false, err
	}
	if reset, err = lost(ctx, h.db, p, at); err != nil {
		return p, false, fmt.Errorf("the events cannot be read at the moment")
	}
	if reset {
		return at, true, nil
	}
	return p, false, nil
}

// pour sends what the bearer may see until it goes, its token ends, or the hub closes.
func (h *Hub) pour(r *http.Request, s *stream, at Position, wanted func(*Event) bool, tokens token.Checker, who *token.Who) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		select {
		case <-h.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	checked := time.Now()
	for ctx.Err() == nil {
		list, err := h.next(ctx, at, silence)
		if err != nil || ctx.Err() != nil {
			return
		}
		if time.Since(checked) >= silence {
			if who, err = token.Caller(r, tokens); err != nil {
				s.send(at, "end", struct{}{})
				return
			}
			checked = time.Now()
		}
		if err := s.sendAll(list, wanted, who, at); err != nil {
			return
		}
		if n := len(list); n > 0 {
			at = list[n-1].At
		}
	}
}

// A stream writes server-sent events.
type stream struct {
	w http.ResponseWriter
	c *http.ResponseController
}

type wire struct {
	Type     string `json:"type"`
	Action   string `json:"action"`
	Resource string `json:"resource_id"`
	Project  string `json:"project_id"`
	Time     string `json:"time"`
}

// sendAll sends those that are wanted and seen; where none is, only where the stream is.
func (s *stream) sendAll(list []*Event, wanted func(*Event) bool, who *token.Who, at Position) error {
	if err := s.c.SetWriteDeadline(time.Now().Add(slow)); err != nil {
		return err
	}
	for _, e := range list {
		if !wanted(e) || !e.SeenBy(who) {
			continue
		}
		if err := s.put(e.At, "change", wire{e.Type, e.Action, e.Thing, e.Project, e.Time}); err != nil {
			return err
		}
	}
	if n := len(list); n > 0 {
		at = list[n-1].At
	}
	if _, err := fmt.Fprintf(s.w, ":\nid: %s\n\n", at); err != nil {
		return err
	}
	return s.c.Flush()
}

func (s *stream) send(at Position, name string, v any) error {
	if err := s.c.SetWriteDeadline(time.Now().Add(slow)); err != nil {
		return err
	}
	if err := s.put(at, name, v); err != nil {
		return err
	}
	return s.c.Flush()
}

func (s *stream) put(at Position, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.w, "id: %s\nevent: %s\ndata: %s\n\n", at, name, b)
	return err
}
