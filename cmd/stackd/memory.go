package main

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How much garbage may gather before it is collected, in per cent of what lives: little
// while the program rests, so that it stays small, and more while requests make much of
// it, since a collection costs what lives and not what is garbage. Where much lives, it is
// not more than mostGarbage.
const (
	restingGC, busyGC = 50, 500
	mostGarbage       = 384 << 20
	busyCycles        = 2 // collections a second
	calmSeconds       = 10
)

// paceMemory goes from one to the other, for as long as the program runs.
func paceMemory() {
	seen := []metrics.Sample{{Name: "/gc/cycles/automatic:gc-cycles"}, {Name: "/gc/heap/live:bytes"}}
	set := func(to int) int { debug.SetGCPercent(to); return to }
	calm, at, last := 0, set(restingGC), uint64(0)
	for range time.Tick(time.Second) {
		metrics.Read(seen)
		n := seen[0].Value.Uint64()
		if n-last > busyCycles {
			calm = 0
			if to := busyPercent(seen[1].Value.Uint64()); 4*to < 3*at || 3*to > 4*at {
				at = set(to)
			}
		} else if calm++; at != restingGC && n == last && calm > calmSeconds {
			at = set(restingGC)
		}
		last = n
	}
}

// busyPercent is how much garbage may gather beside so many bytes that live.
func busyPercent(live uint64) int {
	return int(max(restingGC, min(busyGC, 100*mostGarbage/max(live, 1))))
}
