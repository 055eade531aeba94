//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// An installer that is killed at any instant is finished by the next run, and what it
// made can be taken away.
func TestNotesKilled(t *testing.T) {
	n := newNotes(t, "CONFIG_STACKD_INFRA_HOST=192.168.4.5\n")
	before := n.state()
	acted := 0
	for round := range 10 {
		n.killed = []string{"timeout", "-s", "KILL", fmt.Sprintf("%.2f", 0.5+6.5*rand.Float64())}
		out, err := n.stackd("install", "--answer-file", "/root/answers.txt", "--accept-new-hosts")
		var exit *exec.ExitError
		if err == nil {
			t.Logf("run %d ended before it was killed", round)
		} else if !errors.As(err, &exit) || exit.ExitCode() != 137 && exit.ExitCode() != -1 { // nsenter dies of what its command died of
			t.Fatalf("run %d failed by itself: %v\n%s", round, err, out)
		}
		acted += strings.Count(out, "[ DONE ]")
	}
	n.killed = nil
	out := n.install()
	t.Logf("killed ten times, after %d whole parts; the last run:\n%s", acted, out)
	n.names()
	osc := clientOn(t, n.hosts["controller"], "/root/keystonerc_admin")
	until(t, "both nodes to report", time.Minute, func() (bool, string) {
		s := osc("compute service list --service nova-compute -f value -c Host -c State")
		return strings.Count(s, " up") == 2, s
	})
	if out := n.install(); !strings.Contains(out, " 0 steps acted") {
		t.Errorf("a second run acts:\n%s", out)
	}
	if out, err := n.stackd("uninstall", "--answer-file", "/root/answers.txt"); err != nil {
		t.Fatal(err, out)
	}
	if now := n.state(); now != before {
		t.Errorf("a host is not as it was\n%s\nwas\n%s", now, before)
	}
}
