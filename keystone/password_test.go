package keystone

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"stackd/internal/fault"

	"golang.org/x/crypto/bcrypt"
)

func fastHasher(t *testing.T) *hasher {
	t.Helper()
	h, err := newHasher("bcrypt", bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestOnlyTheRightPasswordMatches(t *testing.T) {
	h := fastHasher(t)
	for _, right := range []string{"x", "", "p\u00e4ss", strings.Repeat("a", 72), strings.Repeat("a", 73), strings.Repeat("a", 4096)} {
		kept, err := h.Hash(t.Context(), right)
		if err != nil {
			t.Fatal(err)
		}
		for _, try := range []string{"x", "", "p\u00e4ss", strings.Repeat("a", 72), strings.Repeat("a", 73), strings.Repeat("a", 4096), kept} {
			if ok, err := h.Matches(t.Context(), kept, try); err != nil || ok != (try == right) {
				t.Errorf("%.20q by %.20q: %v %v", right, try, ok, err)
			}
		}
	}
	for _, try := range []string{"", "x"} { // nobody's password
		if ok, err := h.Matches(t.Context(), "", try); ok || err != nil {
			t.Error("a user without a password signs in", err)
		}
	}
}

// Whether a user is there must not be told by how long the answer takes.
func TestAStrangerCostsAHash(t *testing.T) {
	h, err := newHasher("bcrypt", 8)
	if err != nil {
		t.Fatal(err)
	}
	took := func(kept string) time.Duration {
		begin := time.Now()
		if ok, err := h.Matches(t.Context(), kept, "wrong"); ok || err != nil {
			t.Fatal(ok, err)
		}
		return time.Since(begin)
	}
	kept, err := h.Hash(t.Context(), "right")
	if err != nil {
		t.Fatal(err)
	}
	// The best of many, in turns: what else the machine does delays either.
	known, stranger := time.Hour, time.Hour
	for range 50 {
		if known, stranger = min(known, took(kept)), min(stranger, took("")); known < 2*stranger {
			return
		}
	}
	t.Errorf("a known user takes %v, a stranger %v", known, stranger)
}

func TestAStormIsTurnedAwayAndNotQueuedForEver(t *testing.T) {
	h := fastHasher(t)
	for range cap(h.seats) { // all are busy
		h.seats <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range maxWaiting {
		wg.Go(func() { h.Hash(ctx, "x") })
	}
	for h.waiting.Load() < maxWaiting {
		time.Sleep(time.Millisecond)
	}
	if _, err := h.Hash(ctx, "x"); !fault.Is(err, fault.Unavailable) {
		t.Error("one too many:", err)
	}
	cancel()
	wg.Wait()
	if n := h.waiting.Load(); n != 0 {
		t.Error("still waiting:", n)
	}
}

func TestARightPasswordIsRememberedForItsHashOnly(t *testing.T) {
	var p proofs
	p.init()
	p.add(p.key("hash", "right"))
	for _, c := range []struct {
		kept, password string
		want           bool
	}{{"hash", "right", true}, {"hash", "wrong", false}, {"new hash", "right", false}} {
		if p.has(p.key(c.kept, c.password)) != c.want {
			t.Errorf("%v", c)
		}
	}
	p.clear()
	if p.has(p.key("hash", "right")) {
		t.Error("it was not forgotten")
	}
}
