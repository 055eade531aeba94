//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"stackd/test/cloudtest"
)

// A load makes, rebuilds and deletes servers, whatever happens to the cloud.
type load struct {
	b                        *bench
	imageID, flavorID, netID string
	made, dropped, rebuilt   atomic.Int64
}

// client signs in, as often as it takes: the cloud may be dead just now.
func (w *load) client(ctx context.Context) *cloudtest.Client {
	for ctx.Err() == nil {
		if c, err := cloudtest.SignIn(ctx, w.b.env); err == nil {
			return c
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}

func prepareLoad(t *testing.T, b *bench) *load {
	t.Helper()
	w := &load{b: b}
	c := w.client(t.Context())
	f, _, err := c.Ensure(t.Context(), "compute", "/flavors", "flavors", "flavor", "tiny", map[string]any{"ram": 128, "vcpus": 1, "disk": 1})
	if err != nil {
		t.Fatal(err)
	}
	n, _, err := c.Ensure(t.Context(), "network", "/networks", "networks", "network", "net", map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Ensure(t.Context(), "network", "/subnets", "subnets", "subnet", "sub", map[string]any{"network_id": n.ID, "ip_version": 4, "cidr": "10.7.0.0/24"}); err != nil {
		t.Fatal(err)
	}
	w.flavorID, w.netID = f.ID, n.ID
	w.upload(t, "raw", bytes.NewReader(make([]byte, 1<<20)))
	return w
}

func (w *load) upload(t *testing.T, format string, body io.Reader) {
	t.Helper()
	c := w.client(t.Context())
	var i cloudtest.Thing
	if err := c.Do(t.Context(), "POST", "image", "/images", map[string]any{"name": "i-" + format, "disk_format": format, "container_format": "bare"}, &i); err != nil {
		t.Fatal(err)
	}
	if err := c.Do(t.Context(), "PUT", "image", "/images/"+i.ID+"/file", body, nil); err != nil {
		t.Fatal(err)
	}
	w.imageID = i.ID
}

func (w *load) image(t *testing.T, file string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w.upload(t, "qcow2", f)
}

// churn makes, rebuilds and deletes servers until the context ends. Errors are
// expected: the cloud dies under it.
func (w *load) churn(ctx context.Context, name string) {
	c := w.client(ctx)
	for n := 0; ctx.Err() == nil; n++ {
		call, cancel := context.WithTimeout(ctx, 5*time.Second)
		var out struct{ Server cloudtest.Thing }
		err := c.Do(call, "POST", "compute", "/servers", map[string]any{"server": map[string]any{"name": fmt.Sprintf("%s-%d", name, n), "flavorRef": w.flavorID, "imageRef": w.imageID,
			"networks": []any{map[string]string{"uuid": w.netID}}}}, &out)
		if err == nil {
			w.made.Add(1)
		}
		var list struct{ Servers []cloudtest.Thing }
		if c.Do(call, "GET", "compute", "/servers", nil, &list) == nil && len(list.Servers) > 3 {
			if c.Do(call, "DELETE", "compute", "/servers/"+list.Servers[rand.IntN(len(list.Servers))].ID, nil, nil) == nil {
				w.dropped.Add(1)
			}
			body := map[string]any{"rebuild": map[string]string{"imageRef": w.imageID}}
			if c.Do(call, "POST", "compute", "/servers/"+list.Servers[rand.IntN(len(list.Servers))].ID+"/action", body, nil) == nil {
				w.rebuilt.Add(1)
			}
		}
		cancel()
		time.Sleep(time.Duration(rand.IntN(80)) * time.Millisecond)
	}
}

// settled waits until no server is on its way.
func (w *load) settled(t *testing.T, most time.Duration) {
	t.Helper()
	c := w.client(t.Context())
	until(t, "all servers to settle", most, func() (bool, string) {
		var list struct {
			Servers []struct {
				ID, Name, Status string
				Task             *string `json:"OS-EXT-STS:task_state"`
				Fault            any
			}
		}
		if err := c.Do(t.Context(), "GET", "compute", "/servers/detail", nil, &list); err != nil {
			return false, err.Error()
		}
		for _, s := range list.Servers {
			if s.Status == "ERROR" {
				t.Fatalf("server %s is in ERROR: %v", s.Name, s.Fault)
			}
			if s.Status != "ACTIVE" || s.Task != nil {
				task := ""
				if s.Task != nil {
					task = *s.Task
				}
				return false, fmt.Sprintf("%s is %s %s", s.Name, s.Status, task)
			}
		}
		t.Logf("%d servers ACTIVE", len(list.Servers))
		return true, ""
	})
}

// nothingLeft deletes all servers, and then there is no port and no allocation.
func (w *load) nothingLeft(t *testing.T) {
	t.Helper()
	c := w.client(t.Context())
	var list struct{ Servers []cloudtest.Thing }
	if err := c.Do(t.Context(), "GET", "compute", "/servers", nil, &list); err != nil {
		t.Fatal(err)
	}
	for _, s := range list.Servers {
		if err := c.Do(t.Context(), "DELETE", "compute", "/servers/"+s.ID, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "ports and allocations to be gone", time.Minute, func() (bool, string) {
		var ports struct {
			Ports []struct {
				ID    string
				Owner string `json:"device_owner"`
			}
		}
		if err := c.Do(t.Context(), "GET", "network", "/ports?device_owner=compute:nova", nil, &ports); err != nil {
			return false, err.Error()
		}
		var rps struct {
			Providers []struct{ UUID string } `json:"resource_providers"`
		}
		if err := c.Do(t.Context(), "GET", "placement", "/resource_providers", nil, &rps); err != nil {
			return false, err.Error()
		}
		used := 0
		for _, p := range rps.Providers {
			var u struct{ Usages map[string]int }
			if err := c.Do(t.Context(), "GET", "placement", "/resource_providers/"+p.UUID+"/usages", nil, &u); err != nil {
				return false, err.Error()
			}
			for _, n := range u.Usages {
				used += n
			}
		}
		return len(ports.Ports) == 0 && used == 0, fmt.Sprintf("%d ports, %d units allocated", len(ports.Ports), used)
	})
}
