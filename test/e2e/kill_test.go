//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func pidOf(t *testing.T, b *bench) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.cloud.Data, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func zombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(b), ") Z ")
}

func number(name string, or int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return or
}

// stackd is killed at random instants while servers come and go on simulated
// hosts. In the end every server is ACTIVE or gone, and nothing is left over.
// KILLS says how often (200).
func TestKillWithSimulatedHosts(t *testing.T) {
	b := newBench(t, "--sim", "2")
	w := prepareLoad(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() { w.churn(ctx, fmt.Sprintf("w%d", i)) })
	}
	kills := number("KILLS", 200)
	for n := range kills {
		time.Sleep(time.Duration(rand.IntN(600)) * time.Millisecond)
		killed(t, b)
		b.up()
		if n%20 == 19 {
			t.Logf("%d kills, %d servers made, %d rebuilt, %d deleted so far", n+1, w.made.Load(), w.rebuilt.Load(), w.dropped.Load())
		}
	}
	cancel()
	wg.Wait()
	if w.made.Load() == 0 || w.dropped.Load() == 0 || w.rebuilt.Load() == 0 {
		t.Fatal("the load did nothing")
	}
	w.settled(t, 2*time.Minute)
	w.nothingLeft(t)
}

// The same with real guests, a few times. KILLS_REAL says how often (5).
func TestKillWithRealGuests(t *testing.T) {
	file := image(t)
	b := newBench(t)
	w := prepareLoad(t, b)
	w.image(t, file)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { w.churn(ctx, "real") })
	for range number("KILLS_REAL", 5) {
		time.Sleep(time.Duration(500+rand.IntN(6000)) * time.Millisecond)
		killed(t, b)
		b.up()
	}
	cancel()
	wg.Wait()
	w.settled(t, 5*time.Minute)
	w.nothingLeft(t)
	until(t, "the machine to be clean", time.Minute, func() (bool, string) {
		l := b.left()
		l = keep(l, func(s string) bool { return !strings.HasPrefix(s, "logical") })
		return len(l) == 0, strings.Join(l, "\n")
	})
}

func keep(l []string, f func(string) bool) []string {
	var out []string
	for _, s := range l {
		if f(s) {
			out = append(out, s)
		}
	}
	return out
}
