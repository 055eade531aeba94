package rbd

import (
	"context"
	"fmt"
	"time"

	"stackd/cinder"
	"stackd/internal/converge"
)

// Ceph has who writes to a full pool wait until there is room again, which may be never.

// pause is how often a fill that goes on looks whether it waits for room.
const pause = 10 * time.Second

func (p *Pool) errFull() error {
	return converge.Final{Err: fmt.Errorf("the pool %s: %w", p.Pool, cinder.ErrFull)}
}

// roomy is an error when the pool is known to be full. What said so a while ago is asked again.
func (p *Pool) roomy(ctx context.Context) error {
	if _, free, err := p.Capacity(ctx); err != nil || free > 0 {
		return err
	}
	now, err := p.capacity(ctx)
	if err == nil && now[1] <= 0 {
		err = p.errFull()
	}
	return err
}

// whileRoom does f with a context that ends, its cause being ErrFull, when the pool has been
// full for two looks.
func (p *Pool) whileRoom(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		for full := 0; full < 2; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			full++
			if now, err := p.capacity(ctx); err != nil || now[1] > 0 {
				full = 0
			}
		}
		cancel(p.errFull())
	}()
	err := f(ctx)
	if cause := context.Cause(ctx); err != nil && converge.IsFinal(cause) {
		return cause
	}
	return err
}
