package daytwo

import (
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
