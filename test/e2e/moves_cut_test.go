//go:build e2e

package e2e

import (
	"strings"
	"time"
)

// killAgent kills a node's stackd alone: guests and their networks go on.
const killAgent = `for p in /proc/[0-9]*; do tr '\0' ' ' < $p/cmdline 2>/dev/null | grep -q '^[^ ]*stackd agent' && kill -9 ${p#/proc/}; done; true`

// cutShort live migrates the server back and forth while the stackd of the node that it
// leaves, or goes to, is killed at one instant or another. The guest runs on, at one of the
// two and not at the other, whatever came of the migration.
func (m *mover) cutShort() {
	m.t.Helper()
	boot := m.says("cat /proc/sys/kernel/random/boot_id")
	for i, after := range []time.Duration{300, 900, 1500, 2100, 2700, 3300} {
		from := m.osc("server show on-c1 -f value -c OS-EXT-SRV-ATTR:host")
		to := map[string]string{"c1": "c2", "c2": "c1"}[from]
		killed := []string{from, to}[i%2]
		m.osc("server migrate --live-migration --host " + to + " --os-compute-api-version 2.30 on-c1")
		time.Sleep(after * time.Millisecond)
		m.nodes[killed].Shell(killAgent)
		time.Sleep(2 * time.Second)
		agentOn(m.nodes[killed], m.program, "")
		at := m.settled()
		m.t.Logf("the stackd of %s was killed %d ms into a migration from %s to %s: %s", killed, after, from, to, at)
		m.is(at, "1")
		m.clean(map[string]string{"c1": "c2", "c2": "c1"}[at])
		if got := m.says("cat /proc/sys/kernel/random/boot_id"); got != boot {
			m.t.Fatalf("the guest was started anew: %s, and before %s", got, boot)
		}
	}
}

// settled waits until the server is ACTIVE and no migration of it is under way, and says
// where that is.
func (m *mover) settled() (host string) {
	m.t.Helper()
	until(m.t, "the migration to end", 3*time.Minute, func() (bool, string) {
		s := m.osc("server show on-c1 -f json -c status -c OS-EXT-STS:task_state -c OS-EXT-SRV-ATTR:host")
		rest := m.osc("server migration list --os-compute-api-version 2.59 --server on-c1 -f value -c Status")
		for line := range strings.Lines(s) {
			if strings.Contains(line, "SRV-ATTR:host") {
				host = strings.Trim(line[strings.Index(line, ":host")+6:], "\": ,\n")
			}
		}
		return strings.Contains(s, `"ACTIVE"`) && strings.Contains(s, `task_state": null`) && !strings.Contains(rest, "running") && !strings.Contains(rest, "preparing") && !strings.Contains(rest, "queued"), s + rest
	})
	return host
}

// evacuated has the power of the server's host cut, and builds the server anew on the other
// one: with its volume and its address. The host, when it comes back, keeps nothing of it.
func (m *mover) evacuated() {
	m.t.Helper()
	from := m.osc("server show on-c1 -f value -c OS-EXT-SRV-ATTR:host")
	to := map[string]string{"c1": "c2", "c2": "c1"}[from]
	boot := m.says("cat /proc/sys/kernel/random/boot_id")
	m.nodes[from].Shell(killAll)
	until(m.t, from+" to be down", 3*time.Minute, func() (bool, string) {
		s := m.osc("compute service list --host " + from + " -f value -c State")
		return s == "down", s
	})
	began := time.Now()
	m.osc("server evacuate --os-compute-api-version 2.29 --host " + to + " on-c1 2>&1 || true") // Debian 12's client asks for it, and then stumbles over the answer
	if at := m.settled(); at != to {
		m.t.Fatal("it is on", at)
	}
	m.g.says("sudo dd if="+m.dev()+" bs=1024 skip=1000 count=1 2>/dev/null | head -c 13", "marked-volume")
	m.t.Logf("it answers on the other host %s after it was told to", time.Since(began).Round(time.Second))
	if got := m.says("cat /proc/sys/kernel/random/boot_id"); got == boot {
		m.t.Error("it was not built anew")
	}
	agentOn(m.nodes[from], m.program, "")
	m.clean(from)
}
