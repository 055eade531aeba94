package main

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How much garbage may gather before it is collected, in per cent of what lives: little
// while the program rests, so that it stays small, and more while requests make much of
// it, since a collection costs what lives and not what is garbage.
const (
	restingGC, busyGC = 50, 500
	busyCycles        = 2 // collections a second
	calmSeconds       = 10
)

// paceMemory goes from one to the other, for as long as the program runs.
func paceMemory() {
	debug.SetGCPercent(restingGC)
	cycles := []metrics.Sample{{Name: "/gc/cycles/automatic:gc-cycles"}}
	calm, busy, last := 0, false, uint64(0)
	for range time.Tick(time.Second) {
		metrics.Read(cycles)
		n := cycles[0].Value.Uint64()
		if n-last > busyCycles {
			calm = 0
			if !busy {
				busy = true
				debug.SetGCPercent(busyGC)
			}
		} else if calm++; busy && n == last && calm > calmSeconds {
			busy = false
			debug.SetGCPercent(restingGC)
		}
		last = n
	}
}
