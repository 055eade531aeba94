package sim

import (
	"context"
	"slices"

	"stackd/agent"
	"stackd/agent/wish"
)

// vifs is the table's plugs as the agent uses them.
type vifs struct{ *world }

var _ agent.Vifs = vifs{}

func (v vifs) Plugged(_ context.Context, s wish.Server) (ok bool, err error) {
	v.look(s.ID, func(t *thing) {
		ok = !slices.ContainsFunc(s.Ports, func(p wish.Port) bool { return t.Plugs[p.ID] != p.MAC })
	})
	return ok, nil
}

func (v vifs) Plug(ctx context.Context, s wish.Server) error {
	return v.step(ctx, Plugged, s.ID, func(t *thing) error {
		for _, p := range s.Ports {
			t.Plugs[p.ID] = p.MAC
		}
		return nil
	})
}

func (v vifs) Unplug(ctx context.Context, s wish.Server, keep []wish.Port) error {
	return v.step(ctx, "unplugged", s.ID, func(t *thing) error {
		for id := range t.Plugs {
			if !slices.ContainsFunc(keep, func(p wish.Port) bool { return p.ID == id }) {
				delete(t.Plugs, id)
			}
		}
		return nil
	})
}

func (v vifs) Owners(context.Context) ([]string, error) {
	return v.owners(func(t *thing) bool { return len(t.Plugs) > 0 }), nil
}

func (v vifs) Ready(context.Context) bool { return true }
