package agent

import (
	"context"
	"time"

	"stackd/agent/wish"
)

// watch hears of guests that stop or start by themselves.
func (a *Agent) watch(ctx context.Context) {
	a.Hypervisor.Watch(ctx, func(id string) {
		a.mu.Lock()
		if e := a.servers[id]; e != nil && (!e.due.IsZero() || leaves(e.wish)) {
			e.due = time.Now() // it waits for this, maybe
		}
		a.mu.Unlock()
		a.loop.Wake()
		nudge(a.report)
	})
}

// serveLoop keeps networks' metadata servers in step with the wishes.
func (a *Agent) serveLoop(ctx context.Context) {
	if a.Metadata == nil {
		return
	}
	defer a.Metadata.Close()
	for said := ""; ctx.Err() == nil; {
		wait, now := 30*time.Second, ""
		if err := a.serveNetworks(ctx); err != nil && ctx.Err() == nil {
			wait, now = 2*time.Second, err.Error()
		}
		if now != said && now != "" {
			a.Log.Warn("metadata is not served everywhere", "err", now)
		}
		said = now
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-a.serve:
		case <-t.C:
		}
		t.Stop()
	}
}

func (a *Agent) serveNetworks(ctx context.Context) error {
	a.mu.Lock()
	known, nets := a.serial > 0, a.networks
	var servers []wish.Server
	for _, e := range a.servers {
		servers = append(servers, e.wish)
	}
	a.mu.Unlock()
	if !known {
		return nil
	}
	return a.Metadata.Serve(ctx, nets, servers)
}

// sweepLoop looks at everything again now and then: taps that someone removed,
// logs that grew, images nobody uses.
func (a *Agent) sweepLoop(ctx context.Context) {
	for pause(ctx, a.SweepEvery); ctx.Err() == nil; pause(ctx, a.SweepEvery) {
		a.mu.Lock()
		for _, e := range a.servers {
			if e.due.IsZero() && !e.final {
				e.due = time.Now()
			}
		}
		a.mu.Unlock()
		if err := a.Disks.Sweep(ctx); err != nil {
			a.Log.Warn("cannot clean up", "err", err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
