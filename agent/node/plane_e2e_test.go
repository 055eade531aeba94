//go:build e2e

package node

import (
	"context"
	"io"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"stackd/agent/wish"
	"stackd/internal/wake"
)

// A plane is a control plane of one host whose wishes a test writes by hand.
type plane struct {
	image string            // the file behind every image
	files map[string]string // but these

	mu      sync.Mutex
	wishes  wish.Wishes
	last    wish.Report
	changed wake.Hub
}

func (p *plane) Wishes(ctx context.Context, _ string, since int64) (wish.Wishes, error) {
	for {
		woken := p.changed.On("wishes")
		p.mu.Lock()
		w := p.wishes
		w.Servers = slices.Clone(w.Servers)
		p.mu.Unlock()
		if w.Serial != since || ctx.Err() != nil {
			return w, nil
		}
		wake.Wait(ctx, woken, time.Minute)
	}
}

func (p *plane) Report(_ context.Context, r wish.Report) error {
	p.mu.Lock()
	p.last = r
	p.mu.Unlock()
	p.changed.Wake("report")
	return nil
}

func (p *plane) Image(_ context.Context, id string) (io.ReadCloser, error) {
	if f := p.files[id]; f != "" {
		return os.Open(f)
	}
	return os.Open(p.image)
}

// wish changes the wishes; the changed server's generation grows.
func (p *plane) wish(change func(*wish.Wishes)) {
	p.mu.Lock()
	change(&p.wishes)
	p.wishes.Serial++
	p.mu.Unlock()
	p.changed.Wake("wishes")
}

// change changes one server's wish and gives it a new generation.
func (p *plane) change(id string, f func(*wish.Server)) {
	p.wish(func(w *wish.Wishes) {
		for i := range w.Servers {
			if s := &w.Servers[i]; s.ID == id {
				s.Generation++
				f(s)
			}
		}
	})
}

func (p *plane) wished(id string) wish.Server {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.wishes.Servers {
		if s.ID == id {
			return s
		}
	}
	return wish.Server{}
}

func (p *plane) seen(id string) (wish.Seen, wish.Node) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.last.Servers {
		if s.ID == id {
			return s, p.last.Node
		}
	}
	return wish.Seen{}, p.last.Node
}

// await waits for a report in which the wish is carried out and the power is that.
func (p *plane) await(t *testing.T, id string, power wish.Power) wish.Seen {
	t.Helper()
	return p.awaitThat(t, id, string(power), func(s wish.Seen) bool {
		return s.Power == power && s.Generation >= p.wished(id).Generation
	})
}

func (p *plane) awaitThat(t *testing.T, id, what string, ok func(wish.Seen) bool) wish.Seen {
	t.Helper()
	start := time.Now()
	for {
		woken := p.changed.On("report")
		s, _ := p.seen(id)
		if ok(s) {
			t.Logf("%s after %v", what, time.Since(start).Round(time.Millisecond))
			return s
		}
		if time.Since(start) > 2*time.Minute {
			t.Fatalf("not %s after two minutes: %+v", what, s)
		}
		wake.Wait(t.Context(), woken, time.Second)
	}
}
