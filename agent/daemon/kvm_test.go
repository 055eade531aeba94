package daemon

import "testing"

// The probe itself is right: emulation, which is whole, passes it. And a guest
// that gets nowhere is told apart.
func TestProbe(t *testing.T) {
	if err := runProbe(t.Context(), "tcg", "max"); err != nil {
		t.Errorf("under emulation: %v", err)
	}
	if err := runProbe(t.Context(), "tcg", "no-such-processor"); err == nil {
		t.Error("a processor that is not there passes")
	}
}
