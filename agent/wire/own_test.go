package wire

import (
	"testing"
	"time"
)

// A control plane that runs for years makes its certificate anew in time, and no sooner.
func TestOwnCertificate(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	o, err := newOwn(w.gate.Authority, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	for range 36 {
		c, err := o.get()
		if err != nil || c.Leaf.NotAfter.Before(now.Add(60*24*time.Hour)) {
			t.Fatal(err, now, c.Leaf.NotAfter)
		}
		made[c.Leaf.SerialNumber.String()] = true
		now = now.Add(30 * 24 * time.Hour)
	}
	if len(made) < 4 || len(made) > 5 {
		t.Errorf("%d were made in three years", len(made))
	}
}
