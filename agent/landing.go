package agent

import (
	"context"
	"errors"
	"io"
	"sync"

	"stackd/agent/wish"
	"stackd/internal/fault"
)

// await makes ready for a running guest to come: its plugs are here. All else is made when
// it is about to come.
func (a *Agent) await(ctx context.Context, t *task) error {
	ok, err := a.Vifs.Plugged(ctx, t.Server)
	if err == nil && !ok {
		err = a.Vifs.Plug(ctx, t.Server)
	}
	return err
}

// revoke removes what awaited a guest, unless it has come: it is the one or the other from
// then on.
func (a *Agent) revoke(ctx context.Context, t *task) error {
	defer a.ground(t.ID)()
	g, err := a.Hypervisor.Guest(ctx, t.ID)
	if err != nil && !errors.Is(err, ErrNoGuest) {
		return err
	}
	if err == nil && !g.Held && g.Active() {
		return nil
	}
	return a.ladder.Descend(ctx, t)
}

// remove removes all of a server, and ends its guest's flight.
func (a *Agent) remove(ctx context.Context, t *task) error {
	a.grounded(t.ID)
	return a.ladder.Descend(ctx, t)
}

// ground has one at a time decide on a guest that comes.
func (a *Agent) ground(id string) (leave func()) {
	m, _ := a.grounds.LoadOrStore(id, &sync.Mutex{})
	m.(*sync.Mutex).Lock()
	return m.(*sync.Mutex).Unlock
}

// comes is a server whose guest may come from a host: as the wishes say.
func (a *Agent) comes(from, server string) (wish.Server, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.servers[server]
	if e == nil || e.wish.Power != wish.Landing || e.wish.From == nil || e.wish.From.Host != from {
		return wish.Server{}, fault.New(fault.NotFound, "Server %s is not awaited here from %s.", server, from)
	}
	return e.wish, nil
}

// Land prepares for the guest of a server to come from another host.
func (a *Agent) Land(ctx context.Context, from, server string, d wish.Departure) (wish.Ground, error) {
	defer a.ground(server)()
	s, err := a.comes(from, server)
	if err != nil {
		return wish.Ground{}, err
	}
	if err := a.await(ctx, &task{Server: s}); err != nil {
		return wish.Ground{}, err
	}
	err = a.Disks.Await(ctx, s, d.Sizes, func(ctx context.Context, role string) (io.ReadCloser, error) {
		return a.Peers.Disk(ctx, *s.From, server, role)
	})
	if err != nil {
		return wish.Ground{}, err
	}
	m := Mark{SoftReboots: s.SoftReboots, HardReboots: s.HardReboots, Rebuilds: s.Rebuilds, DisksOf: s.DisksOf}
	return a.Hypervisor.Land(ctx, Spec{Server: s, Mark: m, Files: a.Disks.Files(s), Console: a.Disks.Console(server)}, d)
}

// Arrive has the guest run here, unless it is not awaited any more.
func (a *Agent) Arrive(ctx context.Context, from, server string, r wish.Arrival) (wish.Ground, error) {
	defer a.ground(server)()
	if _, err := a.comes(from, server); err != nil {
		return wish.Ground{}, err
	}
	g, err := a.Hypervisor.Arrive(ctx, server, r)
	nudge(a.report)
	return g, err
}

// LandingAt opens a stream that the guest comes by.
func (a *Agent) LandingAt(ctx context.Context, from, server, stream string) (io.ReadWriteCloser, error) {
	if _, err := a.comes(from, server); err != nil {
		return nil, err
	}
	return a.Hypervisor.LandingAt(ctx, server, stream)
}
