package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"stackd/agent/sim"
	"stackd/agent/wire"
	"stackd/agent/wish"

	"golang.org/x/sync/errgroup"
)

// joinsAtOnce is how many simulated hosts join at the same time.
const joinsAtOnce = 8

// simulate is this many hosts without guests, each a node with a certificate and a
// connection of its own, as real ones are. Ready is called when all have joined.
func (o *agentOptions) simulate(ctx context.Context, s *steps, ready func()) error {
	planes, err := o.joinAll(ctx, s)
	if err != nil {
		return err
	}
	nodes, err := sim.New(func(host string) wish.Plane { return planes[host] }, sim.Options{Hosts: o.Sim, Name: o.Host, Dir: filepath.Join(o.Data, "sim")}, slog.Default())
	if err != nil {
		return err
	}
	for _, p := range planes {
		go p.Renew(ctx)
	}
	ready()
	nodes.Run(ctx)
	return nil
}

// joinAll has every host join that has not.
func (o *agentOptions) joinAll(ctx context.Context, s *steps) (map[string]*wire.Plane, error) {
	var mu sync.Mutex
	planes := map[string]*wire.Plane{}
	err := s.do("hosts join", func() (already bool, err error) {
		already = true
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(joinsAtOnce)
		for n := range o.Sim {
			g.Go(func() error {
				id := o.simulated(n + 1)
				there := id.There()
				if err := o.join(ctx, id); err != nil {
					return fmt.Errorf("%s: %w", id.Host, err)
				}
				p, err := wire.NewPlane(id, o.Planes)
				mu.Lock()
				defer mu.Unlock()
				planes[id.Host], already = p, already && there
				return err
			})
		}
		return already, g.Wait()
	})
	return planes, err
}

// simulated is the identity of one of them.
func (o *agentOptions) simulated(n int) wire.Identity {
	host := fmt.Sprintf("%s-%d", o.Host, n)
	return wire.Identity{Host: host, Dir: filepath.Join(o.Data, "tls", host)}
}
