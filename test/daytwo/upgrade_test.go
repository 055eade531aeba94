package daytwo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stackd/test/cloudtest"
)

// swap is a program on its own, so that it can be swapped.
func (c *cloud) swap() {
	c.t.Helper()
	b, err := os.ReadFile(c.Program)
	if err == nil {
		c.Program = filepath.Join(c.t.TempDir(), "stackd")
		err = os.WriteFile(c.Program, b, 0o755)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// written is a program in a file of its own.
func written(t *testing.T, text []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "new")
	if err := os.WriteFile(file, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// ownProgram is a cloud with a server, whose program may be swapped: a copy of the one
// that other tests run.
func ownProgram(t *testing.T) (c *cloud, server string, program []byte) {
	t.Helper()
	c = newCloud(t, "2")
	c.kill()
	c.swap()
	c.up()
	program, err := os.ReadFile(c.Program)
	if err != nil {
		t.Fatal(err)
	}
	return c, c.server("s"), program
}

// The program is swapped below a cloud that goes on as it was; one that does not come up
// is taken back, with the database; a second upgrade to the same changes nothing.
func TestUpgrade(t *testing.T) {
	c, id, old := ownProgram(t)
	fresh := written(t, append(append([]byte{}, old...), "of another build"...))
	var done struct {
		Program string
		Changed bool
	}
	if c.json(&done, "upgrade", fresh); !done.Changed || done.Program != c.Program {
		t.Errorf("%+v", done)
	}
	if now, err := os.ReadFile(c.Program); err != nil || len(now) == len(old) {
		t.Error("the program is the old one", err)
	}
	c.up() // nothing but signing in: it runs
	c.wait(id, "ACTIVE")
	c.json(&done, "upgrade", fresh)
	if done.Changed {
		t.Error("a second upgrade to the same acts")
	}

	broken := written(t, []byte("#!/bin/sh\n[ \"$1\" = --version ] && exit 0\necho it is broken >&2\nexit 1\n"))
	out, err := c.run("upgrade", broken)
	if err == nil || !strings.Contains(out, "the old one runs again") || !strings.Contains(out, "it is broken") {
		t.Error(err, out)
	}
	c.up()
	c.wait(id, "ACTIVE")
	if out, err := c.run("upgrade", "/etc/hostname"); err == nil || !strings.Contains(out, "does not run here") {
		t.Error(out)
	}
}

// Whoever asks while the program is swapped is answered: nobody is refused.
func TestUpgradeWithRequestsFlowing(t *testing.T) {
	c, id, old := ownProgram(t)
	env, err := c.Login("admin")
	if err != nil {
		t.Fatal(err)
	}
	asking, err := cloudtest.Steadily(t.Context(), func(ctx context.Context) (*cloudtest.Client, error) { return cloudtest.SignIn(ctx, env) })
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	for n := range 3 {
		var done struct {
			Changed bool
			Seconds float64
		}
		if c.json(&done, "upgrade", written(t, append(old, byte('0'+n)))); !done.Changed {
			t.Errorf("%+v", done)
		}
		t.Logf("swapped in %.1f s", done.Seconds)
		time.Sleep(time.Second)
	}
	asking.Stop()
	if t.Log(asking); len(asking.Failed) > 0 || asking.Retries > 8 || asking.Calls < 100 || asking.Longest > 20*time.Second {
		t.Errorf("%s: %v", asking, asking.Failed)
	}
	c.wait(id, "ACTIVE")
}

// The same with nodes on other hosts, which are upgraded after the control plane, while
// servers come and go: each that was accepted is there in the end.
func TestUpgradeOfSeveralHosts(t *testing.T) {
	made, err := cloudtest.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{t: t, Cloud: made, start: func() error { return made.Serve() }}
	c.swap()
	c.furnish()
	nodes, err := made.Simulate(filepath.Join(t.TempDir(), "nodes"), 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nodes.Down() })
	for end := time.Now().Add(30 * time.Second); c.nodesUp() < 3; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nodes that have joined do not report")
		}
	}
	first := c.server("first")
	env, err := c.Login("admin")
	if err != nil {
		t.Fatal(err)
	}
	asking, err := cloudtest.Steadily(t.Context(), func(ctx context.Context) (*cloudtest.Client, error) { return cloudtest.SignIn(ctx, env) })
	if err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(c.Program)
	if err != nil {
		t.Fatal(err)
	}
	fresh := written(t, append(old, "of another build"...))
	var ids []string
	ends := make(chan error, 1)
	go func() {
		var err error
		for _, data := range []string{c.Data, nodes.Data} {
			out, e := exec.Command(c.Program, "upgrade", fresh, "--data", data).CombinedOutput()
			if e != nil {
				err = errors.Join(err, fmt.Errorf("%w %s", e, out))
			}
		}
		ends <- err
	}()
	for n := 0; len(ends) == 0; n++ {
		var out struct{ Server struct{ ID string } }
		if err := c.Do(t.Context(), "POST", "compute", "/servers", map[string]any{"server": map[string]any{"name": fmt.Sprint("s", n), "imageRef": c.image, "flavorRef": c.flavor, "networks": []any{map[string]any{"uuid": c.network}}}}, &out); err == nil {
			ids = append(ids, out.Server.ID)
		}
		time.Sleep(500 * time.Millisecond)
	}
	if err := <-ends; err != nil {
		t.Fatal(err)
	}
	asking.Stop()
	if t.Log(asking); len(asking.Failed) > 0 || asking.Retries > 8 {
		t.Errorf("%s: %v", asking, asking.Failed)
	}
	if len(ids) < 2 {
		t.Error("no servers were made meanwhile", ids)
	}
	for _, id := range append(ids, first) {
		c.wait(id, "ACTIVE")
	}
}

// nodesUp is how many nodes have reported lately.
func (c *cloud) nodesUp() (up int) {
	var out struct{ Services []struct{ State string } }
	c.do("GET", "compute", "/os-services?binary=nova-compute", nil, &out)
	for _, s := range out.Services {
		if s.State == "up" {
			up++
		}
	}
	return up
}

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
