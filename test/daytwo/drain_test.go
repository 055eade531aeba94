package daytwo

import (
	"strings"
	"testing"
)

// A node that is drained gets no new servers; those that are there are told, until it is undone.
func TestDrain(t *testing.T) {
	c := newCloud(t, "2")
	host := c.show(c.server("first")).Host
	var d struct {
		Disabled bool
		Servers  []struct{ Name, Status string }
	}
	c.json(&d, "node", "drain", host, "--no-move")
	if !d.Disabled || len(d.Servers) != 1 || d.Servers[0].Name != "first" || d.Servers[0].Status != "ACTIVE" {
		t.Errorf("%+v", d)
	}
	for _, name := range []string{"a", "b", "c"} {
		if h := c.show(c.server(name)).Host; h == host {
			t.Errorf("%s went to the drained node", name)
		}
	}
	if out, err := c.run("node", "drain", "nobody"); err == nil || !strings.Contains(out, "is no node that runs servers") {
		t.Error(out)
	}
	out, err := c.run("node", "drain", host, "--reason", "new memory")
	if err != nil || !strings.Contains(out, "It can be taken off") || !strings.Contains(out, "first (") {
		t.Error(err, out)
	}
	other := c.show(c.server("first")).Host
	if other == host {
		t.Error("first is where it was")
	}
	c.json(&d, "node", "drain", host, "--undo")
	if d.Disabled {
		t.Errorf("%+v", d)
	}
	off, asked := c.server("a"), c.server("b")
	c.do("POST", "compute", "/servers/"+off+"/action", map[string]any{"os-stop": nil}, nil)
	if c.json(&d, "node", "drain", other); len(d.Servers) != 0 {
		t.Errorf("%+v", d)
	}
	for id, status := range map[string]string{off: "SHUTOFF", asked: "ACTIVE"} {
		if s := c.show(id); s.Host != host || s.Status != status {
			t.Errorf("%+v, want %s on %s", s, status, host)
		}
	}
	out, err = c.run("node", "drain", host) // and now there is no node to move to
	if err == nil || !strings.Contains(out, "No valid host was found") || !strings.Contains(out, "4 servers remain") {
		t.Error(err, out)
	}
}
