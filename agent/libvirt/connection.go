package libvirt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	lv "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"

	"stackd/agent"
)

// A Hypervisor speaks to one libvirtd and comes back when that is restarted.
// It implements agent.Hypervisor.
type Hypervisor struct {
	Platform
	socket string

	mu   sync.Mutex
	conn *lv.Libvirt

	awaited sync.Map // server id → *ground: who comes from another host
	copies  sync.Map // server id → chan struct{} of one place: who copies a disk of it
}

var _ agent.Hypervisor = (*Hypervisor)(nil)

// New is a hypervisor behind libvirtd's socket; it connects when first used.
func New(socket string, p Platform) *Hypervisor { return &Hypervisor{Platform: p, socket: socket} }

func (h *Hypervisor) connect() (*lv.Libvirt, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conn != nil && h.conn.IsConnected() {
		return h.conn, nil
	}
	c, err := h.dial()
	if err == nil {
		h.conn = c
	}
	return c, err
}

// Close ends the connection.
func (h *Hypervisor) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conn == nil {
		return nil
	}
	return h.conn.Disconnect()
}

// with calls f with the connection and the domain of that server.
func (h *Hypervisor) with(id, verb string, f func(*lv.Libvirt, lv.Domain) error) error {
	c, err := h.connect()
	if err != nil {
		return err
	}
	u, err := uuid.Parse(id)
	if err != nil {
		return fmt.Errorf("server id %q: %w", id, err)
	}
	d, err := c.DomainLookupByUUID(lv.UUID(u))
	if err == nil {
		err = f(c, d)
	}
	return explain(verb, err)
}

func explain(verb string, err error) error {
	switch {
	case err == nil:
		return nil
	case lv.IsNotFound(err):
		return agent.ErrNoGuest
	}
	return fmt.Errorf("%s: %w", verb, err)
}

func hasCode(err error, code lv.ErrorNumber) bool {
	var e lv.Error
	return errors.As(err, &e) && e.Code == uint32(code)
}

// Watch follows lifecycle events; across restarts of libvirtd too.
func (h *Hypervisor) Watch(ctx context.Context, changed func(id string)) {
	for ctx.Err() == nil {
		if c, err := h.connect(); err == nil {
			if events, err := c.LifecycleEvents(ctx); err == nil {
				changed("")
				for e := range events {
					changed(uuid.UUID(e.Dom.UUID).String())
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}
