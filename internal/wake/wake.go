// Package wake passes hints that something changed, by topic.
//
// A hint may be lost and may come for nothing: whoever is woken looks at the
// rows. Hints of one process reach that process; sqldb.Hint carries them to others.
package wake

import (
	"context"
	"sync"
	"time"
)

// A Hub is the topics of one process. The zero Hub is ready.
type Hub struct {
	mu     sync.Mutex
	topics map[string]chan struct{}
}

// Wake wakes all who wait on topic.
func (h *Hub) Wake(topic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.topics[topic]; c != nil {
		close(c)
		delete(h.topics, topic)
	}
}

// WakeAll wakes all who wait on anything.
func (h *Hub) WakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.topics {
		close(c)
	}
	clear(h.topics)
}

// On is a channel that closes at the next Wake of topic. Take it before looking
// at the rows, so that no change falls between.
func (h *Hub) On(topic string) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.topics == nil {
		h.topics = map[string]chan struct{}{}
	}
	c := h.topics[topic]
	if c == nil {
		c = make(chan struct{})
		h.topics[topic] = c
	}
	return c
}

// Wait waits for a wake-up, the context's end or the time-out, whichever is first.
func Wait(ctx context.Context, c <-chan struct{}, timeout time.Duration) {
	t := time.NewTimer(timeout)
	defer t.Stop()
	select {
	case <-c:
	case <-ctx.Done():
	case <-t.C:
	}
}
