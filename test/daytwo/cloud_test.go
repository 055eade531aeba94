package daytwo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"stackd/test/cloudtest"
)

// A cloud runs, and an administrator is signed in.
type cloud struct {
	t *testing.T
	*cloudtest.Cloud
	*cloudtest.Client
	start                  func() error
	image, flavor, network string
}

func newCloud(t *testing.T, hosts string) *cloud {
	t.Helper()
	c, err := cloudtest.New(t.TempDir(), "--sim", hosts)
	if err != nil {
		t.Fatal(err)
	}
	x := &cloud{t: t, Cloud: c, start: func() error { return c.Up() }}
	x.furnish()
	return x
}

// furnish starts the cloud, and makes what servers need.
func (x *cloud) furnish() {
	t, c := x.t, x.Cloud
	t.Helper()
	x.up()
	t.Cleanup(func() { c.Down() })
	x.image = x.ensure("image", "/images", "images", "", "i", map[string]any{"disk_format": "raw", "container_format": "bare"})
	x.do("PUT", "image", "/images/"+x.image+"/file", io.Reader(strings.NewReader(picture)), nil)
	x.flavor = x.ensure("compute", "/flavors", "flavors", "flavor", "f", map[string]any{"ram": 64, "vcpus": 1, "disk": 1})
	x.network = x.ensure("network", "/networks", "networks", "network", "n", map[string]any{})
	x.ensure("network", "/subnets", "subnets", "subnet", "s", map[string]any{"network_id": x.network, "ip_version": 4, "cidr": "10.5.0.0/24"})
}

var picture = strings.Repeat("a raw disk ", 5000)

func (c *cloud) up() {
	c.t.Helper()
	err := c.start()
	if err == nil {
		var env map[string]string
		if env, err = c.Login("admin"); err == nil {
			c.Client, err = cloudtest.SignIn(c.t.Context(), env)
		}
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cloud) do(method, service, path string, in, out any) {
	c.t.Helper()
	if err := c.Do(c.t.Context(), method, service, path, in, out); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cloud) ensure(service, path, key, one, name string, make map[string]any) string {
	c.t.Helper()
	x, _, err := c.Ensure(c.t.Context(), service, path, key, one, name, make)
	if err != nil {
		c.t.Fatal(err)
	}
	return x.ID
}

// server makes one, waits until it is active, and gives its id.
func (c *cloud) server(name string) string {
	c.t.Helper()
	id := c.ensure("compute", "/servers", "servers", "server", name, map[string]any{"imageRef": c.image, "flavorRef": c.flavor, "networks": []any{map[string]any{"uuid": c.network}}})
	c.wait(id, "ACTIVE")
	return id
}

func (c *cloud) wait(id, want string) {
	c.t.Helper()
	status := ""
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if status = c.show(id).Status; status == want {
			return
		}
	}
	c.t.Fatalf("server %s is %s, not %s", id, status, want)
}

type server struct {
	Status string `json:"status"`
	Name   string `json:"name"`
	Host   string `json:"OS-EXT-SRV-ATTR:host"`
}

// show is a server as it is told; one that is gone has no status.
func (c *cloud) show(id string) server {
	var out struct{ Server server }
	err := c.Do(c.t.Context(), "GET", "compute", "/servers/"+id, nil, &out)
	var status *cloudtest.StatusError
	if err != nil && !(errors.As(err, &status) && status.Status == 404) {
		c.t.Error(err)
	}
	return out.Server
}

// run is stackd on the cloud's folder.
func (c *cloud) run(args ...string) (string, error) {
	out, err := exec.CommandContext(context.Background(), c.Program, append(args, "--data", c.Data)...).CombinedOutput()
	return string(out), err
}

// json is what it prints for programs.
func (c *cloud) json(out any, args ...string) {
	c.t.Helper()
	cmd := exec.Command(c.Program, append(args, "--data", c.Data, "--output", "json")...)
	var said bytes.Buffer
	cmd.Stderr = &said
	b, err := cmd.Output()
	if err != nil && len(b) == 0 {
		c.t.Fatal(err, said.String())
	}
	if err := json.Unmarshal(b, out); err != nil {
		c.t.Fatal(err, string(b))
	}
}

// kill ends the program as a power cut would.
func (c *cloud) kill() {
	c.t.Helper()
	var s struct{ Process int }
	c.json(&s, "status")
	if p, err := os.FindProcess(s.Process); err != nil || s.Process == 0 || p.Kill() != nil {
		c.t.Fatal(s, err)
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.Process))
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			return
		}
	}
	c.t.Fatal("it does not die:", s.Process)
}
