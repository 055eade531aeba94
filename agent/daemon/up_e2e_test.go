//go:build e2e

package daemon

import (
	"context"
	"net/netip"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"stackd/agent/netns"
	"stackd/agent/netns/netnstest"
)

func TestMain(m *testing.M) { netnstest.Main(m, "e2e-daemon-host") }

// Up twice, kill a daemon, Down.
func TestUpAdoptsAndDownLeavesNothing(t *testing.T) {
	ctx := t.Context()
	deep := filepath.Join(t.TempDir(), strings.Repeat("longer-than-a-socket-takes/", 5))
	o := Options{DataDir: deep, Name: "e2e-daemon", Gateway: netip.MustParsePrefix("172.24.77.1/24")}
	say := func(step, state string, took time.Duration) {
		t.Logf("%-18s %-9s %v", step, state, took.Round(time.Millisecond))
	}
	t.Cleanup(func() { _ = Down(context.Background(), o) })
	h, err := Up(ctx, o, say)
	if err != nil {
		t.Fatal(err)
	}
	before := pids(t, h)

	h, err = Up(ctx, o, say)
	if err != nil {
		t.Fatal(err)
	}
	for name, pid := range pids(t, h) {
		if before[name] != pid {
			t.Errorf("%s was not adopted: process %d, then %d", name, before[name], pid)
		}
	}
	for !h.Chassis(ctx) {
		time.Sleep(10 * time.Millisecond)
	}

	watch, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan struct{})
	go func() { h.Watch(watch, func(err error) { t.Log("watch:", err) }); close(watched) }()
	if err := syscall.Kill(before["vswitchd"], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if pid, ok := h.ovnProcesses()[4].pid(); ok && pid != before["vswitchd"] {
			break
		}
		if time.Now().After(end) {
			t.Fatal("vswitchd was not started again")
		}
	}
	stop()
	<-watched

	if err := Down(ctx, o); err != nil {
		t.Fatal(err)
	}
	for name, pid := range before {
		if runs(pid, h.Run) {
			t.Errorf("%s (process %d) outlived Down", name, pid)
		}
	}
	if netns.Exists(h.NS()) || netns.HasLink("", h.HostLink()) {
		t.Error("Down left the namespace or the host's link")
	}
}

func pids(t *testing.T, h *Host) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, p := range h.processes() {
		pid, ok := p.pid()
		if !ok {
			t.Fatalf("%s does not run", p.name)
		}
		found[p.name] = pid
	}
	return found
}
