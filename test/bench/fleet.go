package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"stackd/agent/sim"
	"stackd/agent/wire"
	"stackd/test/cloudtest"

	"golang.org/x/sync/errgroup"
)

// A fleet is simulated nodes that have joined one control plane as nodes on other hosts
// do: by token, with certificates, over HTTP/2. They run in this process, the control
// plane in its own, whose CPU and memory are what is measured.
type fleet struct {
	*bench
	dir, at, token string
	nodes          int
	running        sync.WaitGroup
	admin          *cloudtest.Client
}

const steadyFor = 20 * time.Second

// fleets is for -only fleet alone, as it takes minutes. It measures a control plane while nodes join it and servers are placed on them.
func (b *bench) fleets(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "bench-fleet-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c, err := cloudtest.New(dir, "--sim", "1")
	if err != nil {
		return err
	}
	at := c.Listen + ":8780"
	c.Args = append(c.Args, "--nodes", at)
	if err := c.Up(); err != nil {
		return err
	}
	defer c.Down()
	env, err := c.Login("admin")
	if err != nil {
		return err
	}
	f := &fleet{bench: &bench{own: c, env: env}, dir: dir, at: at}
	if f.admin, err = cloudtest.SignIn(ctx, env); err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer f.running.Wait()
	defer end()
	return f.measure(ctx, b.fleetNodes, b.fleetServers)
}

func (f *fleet) measure(ctx context.Context, nodes, servers int) error {
	if err := f.newToken(); err != nil {
		return err
	}
	fmt.Printf("\n%-10s %12s %12s %14s %10s\n", "nodes", "joined in s", "joins/s", "CPU at rest %", "memory MB")
	for _, share := range []int{10, 4, 2, 1} {
		start, was := time.Now(), f.nodes
		if err := f.grow(ctx, nodes/share); err != nil {
			return err
		}
		took := time.Since(start).Seconds()
		time.Sleep(5 * time.Second) // first reports are over
		fmt.Printf("%-10d %12.1f %12.1f %14.1f %10d\n", f.nodes, took, float64(f.nodes-was)/took, f.rest(), rss(f.pid())/1024)
	}
	body, err := f.prepare(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("\n%-10s %12s %12s %14s %10s\n", "servers", "accepted/s", "ACTIVE/s", "CPU ms/server", "memory MB")
	const batches = 10
	for n := 1; n <= batches; n++ {
		before, start := f.cpu(), time.Now()
		accepted, err := f.place(ctx, body, servers/batches)
		if err != nil {
			return err
		}
		took, each := time.Since(start).Seconds(), float64(servers/batches)
		fmt.Printf("%-10d %12.1f %12.1f %14.1f %10d\n", n*servers/batches, each/accepted.Seconds(), each/took, 1000*(f.cpu()-before)/each, rss(f.pid())/1024)
	}
	fmt.Printf("at rest, %d nodes with %d servers: %.1f %% of a CPU, %d MB\n\n", f.nodes, servers, f.rest(), rss(f.pid())/1024)
	return nil
}

// rest is how much of one CPU the control plane takes while nothing is asked of it.
func (f *fleet) rest() float64 {
	before := f.cpu()
	time.Sleep(steadyFor)
	return 100 * (f.cpu() - before) / steadyFor.Seconds()
}

func (f *fleet) newToken() error {
	out, err := exec.Command(f.own.Program, "node", "token", "--data", f.own.Data, "--life", "4h").Output()
	f.token = strings.TrimSpace(string(out))
	return err
}

// grow has nodes join until there are so many, and waits until all have reported.
func (f *fleet) grow(ctx context.Context, to int) error {
	g, joining := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for n := f.nodes; n < to; n++ {
		g.Go(func() error { return f.node(ctx, joining, n) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	f.nodes = to
	for {
		var out struct {
			Services []struct{ State string }
		}
		if err := f.admin.Do(ctx, "GET", "compute", "/os-services?binary=nova-compute", nil, &out); err != nil {
			return err
		}
		up := 0
		for _, s := range out.Services {
			if s.State == "up" {
				up++
			}
		}
		if up >= to+1 { // and the control plane's own
			return nil
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// node is one more, which runs until the context ends.
func (f *fleet) node(ctx, joining context.Context, n int) error {
	name := "node" + strconv.Itoa(n)
	id := wire.Identity{Dir: filepath.Join(f.dir, name), Host: name + "-1"}
	if err := id.Join(joining, []string{f.at}, f.token); err != nil {
		return err
	}
	p, err := wire.NewPlane(id, []string{f.at})
	if err != nil {
		return err
	}
	nodes, err := sim.New(p, sim.Options{Name: name}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		return err
	}
	f.running.Go(func() { nodes.Run(ctx) })
	return nil
}

// prepare makes what servers need, and is a request for twenty of them.
func (f *fleet) prepare(ctx context.Context) (map[string]any, error) {
	most := map[string]any{"instances": -1, "cores": -1, "ram": -1}
	err := f.admin.Do(ctx, "PUT", "compute", "/os-quota-sets/"+f.admin.ProjectID, map[string]any{"quota_set": most}, nil)
	if err == nil {
		err = f.admin.Do(ctx, "PUT", "network", "/quotas/"+f.admin.ProjectID, map[string]any{"quota": map[string]any{"port": -1}}, nil)
	}
	id := func(service, path, key, one, name string, make map[string]any) string {
		if err != nil {
			return ""
		}
		var t cloudtest.Thing
		t, _, err = f.admin.Ensure(ctx, service, path, key, one, name, make)
		return t.ID
	}
	image := id("image", "/images", "images", "", "fleet", map[string]any{"disk_format": "raw", "container_format": "bare"})
	if err == nil {
		err = f.admin.Do(ctx, "PUT", "image", "/images/"+image+"/file", io.Reader(strings.NewReader("raw")), nil)
	}
	flavor := id("compute", "/flavors", "flavors", "flavor", "fleet", map[string]any{"ram": 512, "vcpus": 1, "disk": 1})
	network := id("network", "/networks", "networks", "network", "fleet", map[string]any{})
	id("network", "/subnets", "subnets", "subnet", "fleet", map[string]any{"network_id": network, "ip_version": 4, "cidr": "10.64.0.0/16"})
	return map[string]any{"server": map[string]any{"name": "s", "imageRef": image, "flavorRef": flavor, "min_count": perRequest, "networks": []any{map[string]any{"uuid": network}}}}, err
}

const perRequest = 20

// place asks for servers, and waits until none is being built; it says how long it took
// until all were accepted.
func (f *fleet) place(ctx context.Context, body map[string]any, servers int) (accepted time.Duration, err error) {
	start := time.Now()
	g, asking := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for range servers / perRequest {
		g.Go(func() error { return f.admin.Do(asking, "POST", "compute", "/servers", body, nil) })
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	accepted = time.Since(start)
	for _, status := range []string{"BUILD", "ERROR"} {
		for {
			var out struct{ Servers []json.RawMessage }
			if err := f.admin.Do(ctx, "GET", "compute", "/servers/detail?limit=1&status="+status, nil, &out); err != nil {
				return 0, err
			}
			if len(out.Servers) == 0 {
				break
			}
			if status == "ERROR" {
				return 0, fmt.Errorf("a server is in ERROR: %s", out.Servers[0])
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	return accepted, nil
}
