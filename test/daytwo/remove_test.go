package daytwo

import (
	"strings"
	"testing"
	"time"

	"stackd/test/cloudtest"
)

// A node that was taken off is forgotten whole, and may be one again.
func TestNodeRemoved(t *testing.T) {
	base, err := cloudtest.New(t.TempDir())
	if err == nil {
		err = base.Serve()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { base.Down() })
	c := &cloud{t: t, Cloud: base}
	env, err := base.Login("admin")
	if err == nil {
		c.Client, err = cloudtest.SignIn(t.Context(), env)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		node, err := base.Simulate(t.TempDir(), 1)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { node.Down() })
		began := time.Now()
		c.hosts(1, "up")
		t.Logf("up after %s", time.Since(began).Round(time.Millisecond))
		if err := node.Down(); err != nil {
			t.Fatal(err)
		}
		if out, err := c.run("node", "remove", "sim-1"); err != nil {
			t.Fatal(err, out)
		}
		c.hosts(0, "")
		var left struct{ Agents []any }
		if c.do("GET", "network", "/agents?host=sim-1", nil, &left); len(left.Agents) != 0 {
			t.Errorf("its agents are left: %v", left.Agents)
		}
	}
	if out, err := c.run("node", "remove", "sim-1"); err == nil {
		t.Error("who is no node is removed:", out)
	}
}

// A node that died is emptied by building its servers anew elsewhere, and then forgotten.
// As long as it reports nothing is built a second time.
func TestDeadNodeEvacuated(t *testing.T) {
	base, err := cloudtest.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{t: t, Cloud: base, start: func() error { return base.Serve() }}
	c.furnish()
	dies, err := base.Simulate(t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dies.Down() })
	c.hosts(1, "up")
	on, off := c.server("on"), c.server("off")
	c.do("POST", "compute", "/servers/"+off+"/action", map[string]any{"os-stop": nil}, nil)
	c.wait(off, "SHUTOFF")
	stays, err := base.SimulateAs("other", t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stays.Down() })
	for end := time.Now().Add(40 * time.Second); c.nodesUp() < 2; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the other node does not report")
		}
	}
	if err := dies.Down(); err != nil {
		t.Fatal(err)
	}
	if out, err := c.run("node", "remove", "sim-1"); err == nil || !strings.Contains(out, "has 2 servers") {
		t.Error(err, out)
	}
	c.Header = map[string]string{"OpenStack-API-Version": "compute 2.11"}
	c.do("PUT", "compute", "/os-services/force-down", map[string]any{"host": "sim-1", "binary": "nova-compute", "forced_down": true}, nil)
	c.Header = nil
	if out, err := c.run("node", "drain", "sim-1", "--evacuate"); err != nil || !strings.Contains(out, "It can be taken off") {
		t.Error(err, out)
	}
	for id, status := range map[string]string{on: "ACTIVE", off: "SHUTOFF"} {
		if s := c.show(id); s.Host != "other-1" || s.Status != status {
			t.Errorf("%+v, want %s", s, status)
		}
	}
	if out, err := c.run("node", "remove", "sim-1"); err != nil {
		t.Error(err, out)
	}
	c.hosts(1, "up")
}

// hosts waits until so many hosts run servers, and are in a state.
func (c *cloud) hosts(want int, state string) {
	c.t.Helper()
	var out struct {
		Services []struct{ Host, State string }
	}
	for end := time.Now().Add(40 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		c.do("GET", "compute", "/os-services?binary=nova-compute", nil, &out)
		if len(out.Services) == want && (want == 0 || out.Services[0].State == state) {
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("%+v, want %d %s", out, want, state)
		}
	}
}
