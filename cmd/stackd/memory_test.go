package main

import "testing"

func TestBusyPercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 500, 20 << 20: 500, 128 << 20: 300, 4 << 30: 50} {
		if got := busyPercent(live); got != want {
			t.Errorf("%d MB live: %d, want %d", live>>20, got, want)
		}
	}
}
