package events

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"stackd/internal/sqldb"
	"stackd/internal/wake"
)

const (
	// beat is how often the log is looked at while somebody follows, for what other
	// control planes write. What this one writes is read at once.
	beat = 250 * time.Millisecond
	// remembered is how many events are kept in memory for all who follow.
	remembered = 4096
)

// A Hub reads the log once for all who follow in this process.
type Hub struct {
	db    *sqldb.DB
	wakes wake.Hub

	mu     sync.Mutex
	recent []*Event // in order, without gaps between the first and the last
	start  Position // what is right before the first
	ready  bool
	users  map[string]int // followers by user
	all    int
	closed chan struct{}
	once   sync.Once
}

// NewHub makes a hub; Run makes it work.
func NewHub(db *sqldb.DB) *Hub {
	h := &Hub{db: db, users: map[string]int{}, closed: make(chan struct{})}
	db.OnCommit(func() { h.wakes.Wake("written") })
	return h
}

// Close ends all streams, so that a server can be shut down.
func (h *Hub) Close() { h.once.Do(func() { close(h.closed) }) }

// Run reads and forgets until the context ends.
func (h *Hub) Run(ctx context.Context) {
	clean := time.Now()
	for ctx.Err() == nil {
		written := h.wakes.On("written")
		h.mu.Lock()
		followed := h.all > 0
		if !followed {
			h.ready, h.recent = false, nil // it would fall behind
		}
		h.mu.Unlock()
		if followed {
			for h.more(ctx) {
			}
			wake.Wait(ctx, written, beat)
		} else {
			wake.Wait(ctx, h.wakes.On("followed"), time.Minute)
		}
		if time.Since(clean) > 10*time.Minute {
			clean = time.Now()
			if err := forget(sqldb.Quiet(ctx), h.db); err != nil && ctx.Err() == nil {
				slog.Warn("old events are not forgotten", "cause", err)
			}
		}
	}
}

// more reads the next page; true when there may be another.
func (h *Hub) more(ctx context.Context) bool {
	h.mu.Lock()
	ready, after := h.ready, h.start
	if n := len(h.recent); n > 0 {
		after = h.recent[n-1].At
	}
	h.mu.Unlock()
	var err error
	if !ready {
		if after, err = now(ctx, h.db); err != nil {
			return false
		}
	}
	list, err := read(ctx, h.db, after)
	if err != nil {
		if ctx.Err() == nil {
			slog.Warn("events cannot be read", "cause", err)
		}
		return false
	}
	h.add(ready, after, list)
	return len(list) == page
}

func (h *Hub) add(ready bool, after Position, list []*Event) {
	h.mu.Lock()
	if !ready {
		h.ready, h.start, h.recent = true, after, nil
	}
	h.recent = append(h.recent, list...)
	if n := len(h.recent) - remembered; n > 0 {
		h.start = h.recent[n-1].At
		h.recent = append([]*Event(nil), h.recent[n:]...)
	}
	h.mu.Unlock()
	if len(list) > 0 || !ready {
		h.wakes.Wake("events")
	}
}

// after is what the hub remembers after a position; ok is false where it must be read
// from the database.
func (h *Hub) after(p Position) (list []*Event, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ready || p.Before(h.start) {
		return nil, false
	}
	n := len(h.recent)
	for n > 0 && p.Before(h.recent[n-1].At) {
		n--
	}
	return h.recent[n:], true
}

// Next is the events after a position, waiting for some.
func (h *Hub) next(ctx context.Context, p Position, patience time.Duration) ([]*Event, error) {
	end := time.Now().Add(patience)
	for {
		fresh := h.wakes.On("events")
		list, ok := h.after(p)
		var err error
		if !ok {
			list, err = read(ctx, h.db, p)
		}
		left := time.Until(end)
		if err != nil || len(list) > 0 || left <= 0 || ctx.Err() != nil {
			return list, err
		}
		wake.Wait(ctx, fresh, min(left, time.Second))
	}
}
