package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"stackd/test/cloudtest"
)

type bench struct {
	env     map[string]string
	own     *cloudtest.Cloud
	only    string
	seconds float64
	mib     int
	// How many nodes and servers fleets has.
	fleetNodes, fleetServers int

	c               *cloudtest.Client
	imageID, flavor string
	networkID       string
}

func (b *bench) all(ctx context.Context) error {
	var err error
	if b.c, err = cloudtest.SignIn(ctx, b.env); err != nil {
		return err
	}
	rows := []func(context.Context) error{b.prepare, b.identity, b.crowds, b.servers, b.networks, b.volumes, b.images}
	if b.only != "" && strings.Contains(volumeRows, b.only) { // servers take their time to be made
		rows = []func(context.Context) error{b.prepare, b.volumes}
	}
	if b.only == fleetOnly {
		rows = []func(context.Context) error{b.prepare, b.fleets}
	}
	for _, f := range rows {
		if err := f(ctx); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes an image, a flavor, a network, and room for many of everything.
func (b *bench) prepare(ctx context.Context) error {
	c := b.c
	i, _, err := c.Ensure(ctx, "image", "/images?name=bench", "images", "", "bench", map[string]any{"disk_format": "raw", "container_format": "bare"})
	if err != nil {
		return err
	}
	if i.Status != "active" {
		if err := c.Do(ctx, "PUT", "image", "/images/"+i.ID+"/file", bytes.NewReader(make([]byte, 1<<16)), nil); err != nil {
			return err
		}
	}
	f, _, err := c.Ensure(ctx, "compute", "/flavors", "flavors", "flavor", "bench", map[string]any{"vcpus": 1, "ram": 64, "disk": 1})
	if err != nil {
		return err
	}
	b.imageID, b.flavor = i.ID, f.ID
	if err := c.Do(ctx, "PUT", "compute", "/os-quota-sets/"+c.ProjectID, map[string]any{"quota_set": map[string]int{"instances": -1, "cores": -1, "ram": -1}}, nil); err != nil {
		return err
	}
	if err := c.Do(ctx, "PUT", "network", "/quotas/"+c.ProjectID, map[string]any{"quota": map[string]int{"network": -1, "port": -1, "subnet": -1}}, nil); err != nil {
		return err
	}
	n, _, err := c.Ensure(ctx, "network", "/networks", "networks", "network", "bench", map[string]any{})
	if err != nil {
		return err
	}
	b.networkID = n.ID
	_, _, err = c.Ensure(ctx, "network", "/subnets", "subnets", "subnet", "bench", map[string]any{"network_id": n.ID, "ip_version": 4, "cidr": "10.64.0.0/16"})
	return err
}

func (b *bench) identity(ctx context.Context) error {
	for _, at := range []int{1, 8} {
		b.row(ctx, "password sign-in", at, func(ctx context.Context) error { _, err := cloudtest.SignIn(ctx, b.env); return err })
	}
	url := b.c.Catalog["identity"]
	if !strings.HasSuffix(url, "/v3") {
		url += "/v3"
	}
	headers := map[string]string{"X-Auth-Token": b.c.Token, "X-Subject-Token": b.c.Token}
	for _, conns := range []int{2, 16} {
		if err := b.raw(ctx, "token check", conns, url+"/auth/tokens?nocatalog", headers); err != nil {
			return err
		}
		if err := b.raw(ctx, "token check with catalog", conns, url+"/auth/tokens", headers); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) get(ctx context.Context, what string, at int, service, path string) {
	b.row(ctx, what, at, func(ctx context.Context) error { return b.c.Do(ctx, "GET", service, path, nil, io.Discard) })
}

func (b *bench) servers(ctx context.Context) error {
	one := func(ctx context.Context, nets any, wait bool) error {
		var out struct{ Server cloudtest.Thing }
		err := b.c.Do(ctx, "POST", "compute", "/servers", map[string]any{"server": map[string]any{"name": "bench", "flavorRef": b.flavor, "imageRef": b.imageID, "networks": nets}}, &out)
		if err != nil || !wait {
			return err
		}
		id := out.Server.ID
		for _, want := range []string{"ACTIVE", ""} {
			if want == "" {
				if err := b.c.Do(ctx, "DELETE", "compute", "/servers/"+id, nil, nil); err != nil {
					return err
				}
			}
			if err := b.wait(ctx, id, want); err != nil {
				return err
			}
		}
		return nil
	}
	for _, at := range []int{1, 10} {
		b.row(ctx, "server create→ACTIVE→delete→gone, one port", at, func(ctx context.Context) error {
			return one(ctx, []any{map[string]string{"uuid": b.networkID}}, true)
		})
	}
	have := 0
	for _, n := range []int{1, 100, 1000} {
		if err := b.fill(ctx, n-have); err != nil {
			return err
		}
		have = n
		b.get(ctx, fmt.Sprintf("list %d servers in detail", n), 1, "compute", "/servers/detail?limit=1000")
	}
	return nil
}

// wait waits for a server's status; "" is that it is gone.
func (b *bench) wait(ctx context.Context, id, want string) error {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var out struct{ Server cloudtest.Thing }
		err := b.c.Do(ctx, "GET", "compute", "/servers/"+id, nil, &out)
		if e, ok := err.(*cloudtest.StatusError); ok && e.Status == 404 && want == "" {
			return nil
		}
		if err != nil {
			return err
		}
		if out.Server.Status == "ERROR" {
			return fmt.Errorf("server %s is in ERROR", id)
		}
		if want != "" && out.Server.Status == want {
			return nil
		}
	}
	return fmt.Errorf("server %s did not become %q", id, want)
}

// fill makes n more servers and waits until they are ACTIVE.
func (b *bench) fill(ctx context.Context, n int) error {
	for n > 0 {
		k := min(n, 100)
		n -= k
		err := b.c.Do(ctx, "POST", "compute", "/servers", map[string]any{"server": map[string]any{"name": "many", "min_count": k, "max_count": k, "flavorRef": b.flavor, "imageRef": b.imageID,
			"networks": []any{map[string]string{"uuid": b.networkID}}}}, nil)
		if err != nil {
			return err
		}
	}
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		var out struct{ Servers []cloudtest.Thing }
		if err := b.c.Do(ctx, "GET", "compute", "/servers?status=BUILD&limit=1", nil, &out); err != nil || len(out.Servers) == 0 {
			return err
		}
	}
	return fmt.Errorf("the servers did not become ACTIVE")
}

func (b *bench) networks(ctx context.Context) error {
	var n atomic.Int64
	for range 500 {
		if err := b.c.Do(ctx, "POST", "network", "/networks", map[string]any{"network": map[string]any{"name": fmt.Sprintf("many-%d", n.Add(1))}}, nil); err != nil {
			return err
		}
	}
	b.get(ctx, "list 500 networks", 1, "network", "/networks?limit=500")
	for _, at := range []int{1, 4} {
		b.row(ctx, "create and delete a port", at, func(ctx context.Context) error {
			var out struct{ Port cloudtest.Thing }
			if err := b.c.Do(ctx, "POST", "network", "/ports", map[string]any{"port": map[string]string{"network_id": b.networkID}}, &out); err != nil {
				return err
			}
			return b.c.Do(ctx, "DELETE", "network", "/ports/"+out.Port.ID, nil, nil)
		})
	}
	return nil
}

func (b *bench) images(ctx context.Context) error {
	if b.only != "" && !strings.Contains("image upload download", b.only) {
		return nil
	}
	part := make([]byte, 1<<20)
	rand.Read(part)
	var i cloudtest.Thing
	if err := b.c.Do(ctx, "POST", "image", "/images", map[string]any{"name": "big", "disk_format": "raw", "container_format": "bare"}, &i); err != nil {
		return err
	}
	defer b.c.Do(ctx, "DELETE", "image", "/images/"+i.ID, nil, nil)
	for _, row := range []struct {
		what string
		do   func() error
	}{
		{"upload", func() error {
			return b.c.Do(ctx, "PUT", "image", "/images/"+i.ID+"/file", &repeated{part: part, n: b.mib}, nil)
		}},
		{"download", func() error { return b.c.Do(ctx, "GET", "image", "/images/"+i.ID+"/file", nil, io.Discard) }},
	} {
		cpu, start := b.cpu(), time.Now()
		if err := row.do(); err != nil {
			return err
		}
		took := time.Since(start)
		fmt.Printf("%-44s %4d %7.0f MB/s %30.0f\n", fmt.Sprintf("image %s, %d MiB", row.what, b.mib), 1, float64(b.mib)*1.048576/took.Seconds(), (b.cpu()-cpu)*1000)
	}
	return nil
}

// repeated is n times the same part.
type repeated struct {
	part   []byte
	n, off int
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	k := copy(b, r.part[r.off:])
	if r.off += k; r.off == len(r.part) {
		r.off, r.n = 0, r.n-1
	}
	return k, nil
}
