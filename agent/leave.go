package agent

import (
	"context"
	"errors"
	"io"
	"time"

	"stackd/agent/wish"
	"stackd/internal/converge"
)

// A flight is a guest's going to another host, by this process. A guest goes once for each
// time that it is wished; whether it got there is seen at the other host.
type flight struct {
	of      int64 // the move
	cancel  context.CancelFunc
	leaving wish.Leaving
	over    bool
	forced  bool
}

// leave has a running guest go, and looks after it. Nothing else is done with a guest that
// goes: one that is not here has gone, and one that stands still may run elsewhere.
func (a *Agent) leave(ctx context.Context, t *task) error {
	g, err := a.Hypervisor.Guest(ctx, t.ID)
	switch {
	case errors.Is(err, ErrNoGuest):
		a.land(t, wish.Leaving{State: wish.Left})
	case err != nil:
		return err
	case t.Leave.End:
		a.stay(t, g)
	default:
		err = a.fly(ctx, t, g)
	}
	if err != nil {
		return err
	}
	return converge.Later(time.Second)
}

// land writes down how a flight has ended.
func (a *Agent) land(t *task, l wish.Leaving) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.flights[t.ID]
	if f == nil || f.of != t.Leave.ID {
		f = &flight{of: t.Leave.ID}
		a.flights[t.ID] = f
	}
	f.over, l.ID = true, f.of
	f.leaving = l
}

// stay ends a flight; the guest has stayed when it runs here all the same.
func (a *Agent) stay(t *task, g Guest) {
	a.mu.Lock()
	f := a.flights[t.ID]
	flies := f != nil && !f.over
	if flies {
		f.cancel()
	}
	a.mu.Unlock()
	if flies {
		return
	}
	if g.Held {
		a.land(t, wish.Leaving{State: wish.Failed, Fault: "nobody here knows whether the guest runs elsewhere"})
		return
	}
	a.land(t, wish.Leaving{State: wish.Ended})
}

// grounded ends a guest's flight that nothing says any more; it tells whether there is one.
func (a *Agent) grounded(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.flights[id]
	if f == nil || f.over {
		return false
	}
	f.cancel()
	return true
}

// fly begins a guest's flight, unless it has begun.
func (a *Agent) fly(ctx context.Context, t *task, g Guest) error {
	a.mu.Lock()
	f := a.flights[t.ID]
	if f != nil && f.of == t.Leave.ID {
		hasten := t.Leave.Force && !f.forced && !f.over
		f.forced = f.forced || hasten
		a.mu.Unlock()
		if hasten {
			return a.Hypervisor.Hasten(ctx, t.ID)
		}
		return nil
	}
	a.mu.Unlock()
	if g.Held || !g.Active() || a.Peers == nil {
		a.land(t, wish.Leaving{State: wish.Failed, Fault: "the guest does not run here"})
		return nil
	}
	sizes, err := a.Disks.Sizes(t.Server)
	if err != nil {
		return err
	}
	way, cancel := context.WithCancel(ctx)
	f = &flight{of: t.Leave.ID, cancel: cancel, leaving: wish.Leaving{ID: t.Leave.ID, State: wish.Departing}}
	a.mu.Lock()
	a.flights[t.ID] = f
	a.mu.Unlock()
	go a.send(way, t, f, sizes)
	return nil
}

// send is one flight, to its end.
func (a *Agent) send(ctx context.Context, t *task, f *flight, sizes map[string]int64) {
	defer f.cancel()
	to := *t.Leave
	err := a.Hypervisor.Send(ctx, t.ID, Flight{Sizes: sizes,
		Land: func(ctx context.Context, d wish.Departure) (wish.Ground, error) {
			return a.Peers.Land(ctx, to, t.ID, d)
		},
		Arrive: func(ctx context.Context, r wish.Arrival) (wish.Ground, error) {
			return a.Peers.Arrive(ctx, to, t.ID, r)
		},
		Dial: func(ctx context.Context, s string) (io.ReadWriteCloser, error) { return a.Peers.Dial(ctx, to, t.ID, s) },
		Progress: func(l wish.Leaving) {
			a.mu.Lock()
			l.ID, l.State = f.of, wish.Departing
			f.leaving = l
			a.mu.Unlock()
		}})
	a.mu.Lock()
	f.over = true
	if f.leaving.State = wish.Left; err != nil {
		a.Log.Warn("a guest does not get away", "server", t.ID, "to", to.Host, "err", err)
		f.leaving.State, f.leaving.Fault = wish.Failed, err.Error()
	}
	if e := a.servers[t.ID]; e != nil {
		e.due = time.Now()
	}
	a.mu.Unlock()
	a.loop.Wake()
	nudge(a.report)
}

// leaving is how far a guest's flight is; nil when none is wished.
func (a *Agent) leaving(id string, s wish.Server) *wish.Leaving {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.flights[id]
	if s.Leave == nil {
		if f != nil && f.over {
			delete(a.flights, id)
		}
		return nil
	}
	if f == nil || f.of != s.Leave.ID {
		return nil
	}
	l := f.leaving
	return &l
}
