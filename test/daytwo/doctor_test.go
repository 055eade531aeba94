package daytwo

import (
	"strings"
	"testing"
)

type finding struct{ Host, Check, State, Words string }

func (c *cloud) findings(args ...string) map[string]finding {
	c.t.Helper()
	var all []finding
	c.json(&all, append([]string{"doctor", "--check", "disk,stackd,apis,nodes,node-certificates,servers"}, args...)...)
	by := map[string]finding{}
	for _, f := range all {
		by[f.Check] = f
	}
	return by
}

// A cloud that is well is said to be; one whose program has died is not, and is mended.
func TestDoctor(t *testing.T) {
	c := newCloud(t, "2")
	id := c.server("s")
	for name, f := range c.findings() {
		if f.State != "well" && name != "disk" {
			t.Errorf("%+v", f)
		}
	}
	c.kill()
	for name, f := range c.findings() {
		if (f.State == "ill") != (name == "stackd" || name == "apis" || name == "nodes" || name == "servers") {
			t.Errorf("after a kill: %+v", f)
		}
	}
	if out, err := c.run("doctor", "--check", "stackd"); err == nil || !strings.Contains(out, "(--repair mends it)") {
		t.Error("status 0 though something is ill:", out)
	}
	by := c.findings("--repair")
	if f := by["stackd"]; f.State != "mended" || !strings.Contains(f.Words, "it was: it does not run") {
		t.Errorf("%+v", f)
	}
	for _, name := range []string{"apis", "nodes", "servers"} {
		if f := by[name]; f.State != "well" {
			t.Errorf("after it was mended: %+v", f)
		}
	}
	c.wait(id, "ACTIVE")
	if out, err := c.run("doctor", "--check", "nonsense"); err == nil || !strings.Contains(out, "this host has disk, time, dns, ") {
		t.Error(out)
	}
}
