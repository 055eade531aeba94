package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"stackd/agent"
	"stackd/agent/wish"
)

// Send asks the other host to land the guest as it is, and to have it run.
func (h hypervisor) Send(ctx context.Context, id string, f agent.Flight) error {
	var text []byte
	err := h.guest(ctx, Sent, id, func(g *guest) (err error) {
		if g.Power != wish.Running && g.Power != wish.Paused {
			return fmt.Errorf("the guest is %s", g.Power)
		}
		text, err = json.Marshal(g)
		f.Progress(wish.Leaving{MemoryTotal: int64(g.Spec.MemoryMB) << 20, MemoryLeft: int64(g.Spec.MemoryMB) << 20})
		return err
	})
	if err != nil {
		return err
	}
	if _, err := f.Land(ctx, wish.Departure{Document: string(text), Sizes: f.Sizes}); err != nil {
		return err
	}
	if err := wait(ctx, h.Delay[Flying]); err != nil {
		_, undo := f.Arrive(context.WithoutCancel(ctx), wish.Arrival{Cancelled: true})
		return errors.Join(err, undo)
	}
	if _, err := f.Arrive(ctx, wish.Arrival{}); err != nil {
		return err
	}
	return h.step(ctx, "departed", id, func(t *thing) error { t.Guest = nil; return nil })
}

// Hasten has nothing to do: no guest here changes its memory while it is copied.
func (h hypervisor) Hasten(context.Context, string) error { return nil }

func (h hypervisor) Land(ctx context.Context, s agent.Spec, d wish.Departure) (wish.Ground, error) {
	var g guest
	if err := json.Unmarshal([]byte(d.Document), &g); err != nil {
		return wish.Ground{}, err
	}
	g.Spec = s
	return wish.Ground{}, h.step(ctx, Landed, s.ID, func(t *thing) error { t.Coming = &g; return nil })
}

func (h hypervisor) Arrive(ctx context.Context, id string, a wish.Arrival) (wish.Ground, error) {
	return wish.Ground{}, h.step(ctx, Arrived, id, func(t *thing) error {
		if t.Coming == nil {
			return errors.New("no guest comes")
		}
		if !a.Cancelled {
			t.Guest = t.Coming
		}
		t.Coming = nil
		return nil
	})
}

// LandingAt fails: guests here come by no streams.
func (h hypervisor) LandingAt(context.Context, string, string) (io.ReadWriteCloser, error) {
	return nil, errors.New("a simulated guest comes by no stream")
}

func (d disks) Sizes(s wish.Server) (map[string]int64, error) {
	out := map[string]int64{}
	for _, f := range d.Files(s) {
		if f.Role != "config" {
			out[f.Role] = 1 << 30
		}
	}
	return out, nil
}

func (d disks) Await(ctx context.Context, s wish.Server, _ map[string]int64, open func(context.Context, string) (io.ReadCloser, error)) error {
	for _, f := range d.Files(s) {
		if f.Role != "config" {
			continue
		}
		from, err := open(ctx, f.Role)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, from)
		if err := errors.Join(err, from.Close()); err != nil {
			return err
		}
	}
	return d.step(ctx, Awaited, s.ID, func(t *thing) error { t.Disks, t.Config, t.Of = d.roles(s), s.ConfigDrive, s.Rebuilds; return nil })
}

func (p peers) at(host string) (*agent.Agent, error) {
	for i, w := range p.nodes.worlds {
		if w.name == host {
			return p.nodes.agents[i], nil
		}
	}
	return nil, fmt.Errorf("host %s is not simulated here", host)
}

func (p peers) Land(ctx context.Context, to wish.Leave, server string, d wish.Departure) (wish.Ground, error) {
	a, err := p.at(to.Host)
	if err != nil {
		return wish.Ground{}, err
	}
	return a.Land(ctx, p.host, server, d)
}

func (p peers) Arrive(ctx context.Context, to wish.Leave, server string, r wish.Arrival) (wish.Ground, error) {
	a, err := p.at(to.Host)
	if err != nil {
		return wish.Ground{}, err
	}
	return a.Arrive(ctx, p.host, server, r)
}

func (p peers) Dial(ctx context.Context, to wish.Leave, server, stream string) (io.ReadWriteCloser, error) {
	a, err := p.at(to.Host)
	if err != nil {
		return nil, err
	}
	return a.LandingAt(ctx, p.host, server, stream)
}
