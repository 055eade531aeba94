//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stackd/test/cloudtest"
)

// postgres runs test/postgres, and gives what it prints.
func postgres(t *testing.T, args ...string) string {
	t.Helper()
	root, err := cloudtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(root, "test", "postgres"), args...)
	cmd.Dir, cmd.Stderr = "/", os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(args, err)
	}
	return strings.TrimSpace(string(out))
}

// pair is two PostgreSQLs, of which the second has all that the first has said yes to.
func pair(t *testing.T) (dir, address string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "stackd-pair-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { postgres(t, "end", dir+"/pg"); os.RemoveAll(dir) })
	return dir + "/pg", postgres(t, "pair", dir+"/pg")
}

// The database of three control planes is a primary and its standby that an operator
// keeps. The primary is killed under a hundred requests a second, and three seconds later
// the standby becomes one: control planes and nodes go on by themselves, what was accepted
// is there, and requests fail in between alone.
func TestDatabaseFails(t *testing.T) {
	pg, address := pair(t)
	c := cloudtest.NewSeveral(t, 3, address, "")
	c.Nodes(4)
	p := preparePressure(t, c.Planes[0])
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := p.run(ctx, 100)
	time.Sleep(5 * time.Second)
	killed := time.Now()
	postgres(t, "fail", pg)
	time.Sleep(3 * time.Second)
	postgres(t, "promote", pg)
	promoted := time.Now()
	time.Sleep(10 * time.Second)
	count, last := p.errorsSince(killed)
	late, after := p.errorsSince(promoted)
	t.Logf("%d requests failed, the last %.1f s after the kill; %d of them after the promotion, the last %.1f s after it", count, last.Seconds(), late, after.Seconds())
	if after > 2*time.Second {
		t.Errorf("requests fail longer than 2 s after the promotion: %v", p.texts())
	}
	cancel()
	<-done
	t.Logf("%d requests, %.0f a second; %d failed in all: %v", p.asked.Load(), float64(p.asked.Load())/p.took.Seconds(), p.failed(), p.texts())
	p.settled(t, 2*time.Minute)
	p.kept(t)
	p.nothingLeft(t)
	if out, err := exec.Command(c.Planes[1].Program, "doctor", "--check", "nodes,servers", "--data", c.Planes[1].Data).CombinedOutput(); err != nil {
		t.Errorf("%v %s", err, out)
	}
}
