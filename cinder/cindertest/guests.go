package cindertest

import (
	"context"
	"sync"

	"stackd/cinder"
)

// Guests is a compute of one server, whose guest goes over to where its volume moves, or
// Stays. It implements cinder.Guests.
type Guests struct {
	W     *World
	Stays bool
	mu    sync.Mutex
	under map[string]map[string]any // places, by volume
}

// stale is what a place holds that a guest went over from.
const stale = "stale"

// Server is its one server.
const Server = "a-server"

func (g *Guests) Exists(_ context.Context, server string) (bool, error) { return server == Server, nil }

func (g *Guests) Copy(context.Context, string, string, string, string, map[string]string) (bool, error) {
	return false, nil
}

func (g *Guests) Move(_ context.Context, _, volume string, place map[string]any) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.under == nil {
		g.under = map[string]map[string]any{}
	}
	g.under[volume] = place
	return nil
}

// Moving has the guest go over as soon as somebody looks.
func (g *Guests) Moving(ctx context.Context, _, volume string) (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	place := g.under[volume]
	if place == nil {
		return false, nil
	}
	v, err := g.W.S.Volume(ctx, volume)
	if err != nil {
		return false, err
	}
	if !g.Stays && v.Backend != place["backend"] {
		from, to := g.W.at(v.Backend), g.W.at(place["backend"].(string))
		if text, _ := from.Text(volume, ""); text != stale {
			to.Write(volume, text)
			from.Write(volume, stale)
		}
		if err := g.W.S.Arrived(ctx, place["attachment_id"].(string), place); err != nil {
			return false, err
		}
	}
	delete(g.under, volume)
	return !g.Stays, nil
}

func (w *World) at(name string) *Backend { return map[string]*Backend{One: w.One, Two: w.Two}[name] }

// Attach has the server's guest have a volume.
func (w *World) Attach(ctx context.Context, volume, server string) (*cinder.Attachment, error) {
	a := &cinder.Attachment{VolumeID: volume, ServerID: server, BootIndex: -1}
	if err := w.S.Reserve(ctx, a); err != nil {
		return nil, err
	}
	v, err := w.S.Volume(ctx, volume)
	if err != nil {
		return nil, err
	}
	how, err := w.S.Connection(ctx, v, a.ID, map[string]any{"host": "h1"})
	if err != nil {
		return nil, err
	}
	if err := w.S.Bind(ctx, a.ID, "h1", how); err != nil {
		return nil, err
	}
	return a, w.S.MarkAttachment(ctx, a.ID, cinder.Attached)
}
