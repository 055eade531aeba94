package sim

import (
	"context"
	"log/slog"
	"time"

	"stackd/neutron"
)

// Fabric is a neutron.Fabric. Run must run.
type Fabric struct {
	n     *neutron.Networking
	delay time.Duration
	wake  chan struct{}
}

// New makes a fabric whose ports come up delay after they are bound.
func New(n *neutron.Networking, delay time.Duration) *Fabric {
	return &Fabric{n: n, delay: delay, wake: make(chan struct{}, 1)}
}

// Changed is neutron.Fabric's.
func (f *Fabric) Changed(...string) {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Run brings ports up until the context ends. Wake-ups may be lost; it also sweeps.
func (f *Fabric) Run(ctx context.Context) {
	sweep := time.NewTicker(2 * time.Second)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		case <-sweep.C:
		}
		if err := f.raise(ctx); err != nil && ctx.Err() == nil {
			slog.Error("ports do not come up", "err", err)
		}
	}
}

func (f *Fabric) raise(ctx context.Context) error {
	ids, err := f.n.BoundAndDown(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	select {
	case <-time.After(f.delay):
	case <-ctx.Done():
	}
	for _, id := range ids {
		if err := f.n.PortUp(ctx, id, true); err != nil {
			return err
		}
	}
	return nil
}
