package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"stackd/test/cloudtest"

	"golang.org/x/sync/errgroup"
)

// A fleet is simulated nodes that have joined one control plane as nodes on other hosts
// do: by token, with certificates, over HTTP/2. They are a process of their own; the
// control plane's CPU and memory are what is measured.
type fleet struct {
	*bench
	nodes *cloudtest.Cloud
	up    int
}

const (
	steadyFor  = 20 * time.Second
	perRequest = 20 // servers
	batches    = 10
)

// fleets is for -only fleet alone, as it takes minutes. It measures a control plane while nodes join it and servers are placed on them.
func (b *bench) fleets(ctx context.Context) error {
	f := &fleet{bench: b}
	defer func() {
		if f.nodes != nil {
			f.nodes.Down()
		}
	}()
	fmt.Printf("%-10s %12s %12s %14s %10s\n", "nodes", "joined in s", "joins/s", "CPU at rest %", "memory MB")
	for _, share := range []int{10, 4, 2, 1} {
		if err := f.grow(ctx, b.fleetNodes/share); err != nil {
			return err
		}
	}
	fmt.Printf("\n%-10s %12s %12s %14s %12s %12s %10s\n", "servers", "accepted/s", "ACTIVE/s", "CPU ms/server", "list ms", "oldest s", "memory MB")
	start := time.Now()
	for n := 1; n <= batches; n++ {
		if err := f.batch(ctx, n*b.fleetServers/batches, b.fleetServers/batches); err != nil {
			return err
		}
	}
	fmt.Printf("%d servers in %.0f s; at rest, %d nodes with them: %.1f %% of a CPU, %d MB\n\n", b.fleetServers, time.Since(start).Seconds(), f.up, f.rest(), rss(f.pid())/1024)
	return nil
}

// grow has nodes join until there are so many, waits until all have reported, and prints
// what that cost.
func (f *fleet) grow(ctx context.Context, to int) error {
	if f.nodes != nil {
		if err := f.nodes.Down(); err != nil {
			return err
		}
	}
	start, was := time.Now(), f.up
	var err error
	if f.nodes, err = f.own.Simulate(filepath.Join(f.own.Data, "nodes"), to); err != nil {
		return err
	}
	f.up = to
	for {
		up, _, err := f.beats(ctx)
		if err != nil {
			return err
		}
		if up >= to {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	took := time.Since(start).Seconds()
	time.Sleep(5 * time.Second) // first reports are over
	fmt.Printf("%-10d %12.1f %12.1f %14.1f %10d\n", to, took, float64(to-was)/took, f.rest(), rss(f.pid())/1024)
	return nil
}

// rest is how much of one CPU the control plane takes while nothing is asked of it.
func (f *fleet) rest() float64 {
	before := f.cpu()
	time.Sleep(steadyFor)
	return 100 * (f.cpu() - before) / steadyFor.Seconds()
}

// beats is how many nodes are up, and since when the most silent one has not been heard.
func (f *fleet) beats(ctx context.Context) (up int, oldest time.Duration, err error) {
	var out struct {
		Services []struct {
			State     string
			UpdatedAt string `json:"updated_at"`
		}
	}
	err = f.c.Do(ctx, "GET", "compute", "/os-services?binary=nova-compute", nil, &out)
	for _, s := range out.Services {
		if s.State == "up" {
			up++
		}
		if at, err := time.Parse("2006-01-02T15:04:05.999999", s.UpdatedAt); err == nil {
			oldest = max(oldest, time.Since(at))
		}
	}
	return up, oldest, err
}

// batch places servers, until there are so many in all, and prints what that cost; a node
// that was not heard in time is an error.
func (f *fleet) batch(ctx context.Context, all, servers int) error {
	before, start := f.cpu(), time.Now()
	accepted, err := f.accept(ctx, servers)
	if err != nil {
		return err
	}
	oldest, err := f.built(ctx)
	if err != nil {
		return err
	}
	took, each := time.Since(start).Seconds(), float64(servers)
	asked := time.Now()
	if err := f.c.Do(ctx, "GET", "compute", "/servers/detail?limit=100", nil, nil); err != nil {
		return err
	}
	fmt.Printf("%-10d %12.1f %12.1f %14.1f %12d %12.1f %10d\n", all, each/accepted.Seconds(), each/took, 1000*(f.cpu()-before)/each, time.Since(asked).Milliseconds(), oldest.Seconds(), rss(f.pid())/1024)
	return nil
}

// accept asks for servers, and says how long it took until all were accepted.
func (f *fleet) accept(ctx context.Context, servers int) (time.Duration, error) {
	start := time.Now()
	g, asking := errgroup.WithContext(ctx)
	g.SetLimit(8)
	body := map[string]any{"server": map[string]any{"name": "s", "imageRef": f.imageID, "flavorRef": f.flavor, "min_count": perRequest, "networks": []any{map[string]any{"uuid": f.networkID}}}}
	for range servers / perRequest {
		g.Go(func() error { return f.c.Do(asking, "POST", "compute", "/servers", body, nil) })
	}
	err := g.Wait()
	return time.Since(start), err
}

// built waits until no server is being built and none has failed, and says how long the
// most silent node was not heard meanwhile.
func (f *fleet) built(ctx context.Context) (oldest time.Duration, err error) {
	for {
		up, silent, err := f.beats(ctx)
		if err != nil {
			return 0, err
		}
		if oldest = max(oldest, silent); up < f.up {
			return 0, fmt.Errorf("%d of %d nodes are down", f.up-up, f.up)
		}
		building, err := f.one(ctx, "BUILD")
		if err != nil {
			return 0, err
		}
		if building == nil {
			break
		}
		time.Sleep(time.Second)
	}
	if failed, err := f.one(ctx, "ERROR"); err != nil || failed != nil {
		return 0, fmt.Errorf("a server is in ERROR: %s (%v)", failed, err)
	}
	return oldest, nil
}

// one is a server of a status, nil when there is none.
func (f *fleet) one(ctx context.Context, status string) (json.RawMessage, error) {
	var out struct{ Servers []json.RawMessage }
	err := f.c.Do(ctx, "GET", "compute", "/servers/detail?limit=1&status="+status, nil, &out)
	if err != nil || len(out.Servers) == 0 {
		return nil, err
	}
	return out.Servers[0], nil
}
