package daytwo

import (
	"bytes"
	"context"
	"encoding/json"
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

// copied is a program in a file of its own, with a tail that makes it another build.
func copied(t *testing.T, program, tail string) string {
	t.Helper()
	b, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, append(b, tail...))
}

// written is a program in a file of its own.
func written(t *testing.T, text []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stackd")
	if err := os.WriteFile(file, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// older is a cloud that the program of the version before runs, from a file of its own,
// and the program of today.
func older(t *testing.T, args ...string) (c *cloud, today string) {
	t.Helper()
	before := cloudtest.Previous(t)
	made, err := cloudtest.New(t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	today, made.Program = made.Program, copied(t, before, "")
	return &cloud{t: t, Cloud: made, start: func() error { return made.Up() }}, today
}

type swapped struct {
	Program string
	Changed bool
	Seconds float64
}

// upgrade has a program upgrade a data folder to itself.
func (c *cloud) upgrade(program, data string) (done swapped, err error) {
	out, err := exec.Command(program, "upgrade", "--data", data, "--output", "json").CombinedOutput()
	if err == nil {
		err = json.Unmarshal(out, &done)
	}
	if err != nil {
		err = fmt.Errorf("%w %s", err, out)
	}
	return done, err
}

// is tells whether two files are one program.
func is(t *testing.T, one, other string) bool {
	t.Helper()
	a, err := os.ReadFile(one)
	b, err2 := os.ReadFile(other)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return bytes.Equal(a, b)
}

// The program is swapped below a cloud that goes on as it was; one that does not come up
// is taken back, with the database; a second upgrade to the same changes nothing.
func TestUpgrade(t *testing.T) {
	c, today := older(t, "--sim", "2")
	c.furnish()
	id := c.server("s")
	done, err := c.upgrade(today, c.Data)
	if err != nil || !done.Changed || done.Program != c.Program || !is(t, c.Program, today) {
		t.Errorf("%+v %v", done, err)
	}
	c.up() // nothing but signing in: it runs
	c.wait(id, "ACTIVE")
	c.server("of today")
	if done, err = c.upgrade(today, c.Data); err != nil || done.Changed {
		t.Error("a second upgrade to the same acts", err)
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

// flowing is an administrator who asks without a pause.
func (c *cloud) flowing() *cloudtest.Steady {
	c.t.Helper()
	env, err := c.Login("admin")
	if err != nil {
		c.t.Fatal(err)
	}
	asking, err := cloudtest.Steadily(c.t.Context(), func(ctx context.Context) (*cloudtest.Client, error) { return cloudtest.SignIn(ctx, env) })
	if err != nil {
		c.t.Fatal(err)
	}
	return asking
}

// Whoever asks while the program is swapped is answered: nobody is refused.
func TestUpgradeWithRequestsFlowing(t *testing.T) {
	c, today := older(t, "--sim", "2")
	c.furnish()
	id := c.server("s")
	asking := c.flowing()
	time.Sleep(time.Second)
	for _, to := range []string{today, copied(t, today, "1"), copied(t, today, "2")} {
		done, err := c.upgrade(to, c.Data)
		if err != nil || !done.Changed {
			t.Errorf("%+v %v", done, err)
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
	c, today := older(t)
	c.start = func() error { return c.Serve() }
	c.furnish()
	nodes, err := c.Simulate(filepath.Join(t.TempDir(), "nodes"), 3)
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
	asking := c.flowing()
	ends := make(chan error, 1)
	go func() {
		_, err := c.upgrade(today, c.Data)
		_, err2 := c.upgrade(today, nodes.Data)
		ends <- errors.Join(err, err2)
	}()
	ids := c.making(ends)
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

// making makes servers until something has ended well, and gives those that were accepted.
func (c *cloud) making(ends chan error) (ids []string) {
	c.t.Helper()
	for n := 0; ; n++ {
		var out struct{ Server struct{ ID string } }
		if err := c.Do(c.t.Context(), "POST", "compute", "/servers", map[string]any{"server": map[string]any{"name": fmt.Sprint("s", n), "imageRef": c.image, "flavorRef": c.flavor, "networks": []any{map[string]any{"uuid": c.network}}}}, &out); err == nil {
			ids = append(ids, out.Server.ID)
		}
		select {
		case err := <-ends:
			if err != nil {
				c.t.Fatal(err)
			}
			return ids
		case <-time.After(500 * time.Millisecond):
		}
	}
}
