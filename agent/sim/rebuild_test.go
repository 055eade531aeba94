package sim

import (
	"slices"
	"testing"

	"stackd/agent/wish"
)

// A rebuild makes the new disks beside the old, whatever breaks on the way, and leaves
// those of the last alone; the ephemeral disk stays when it is wished so.
func TestRebuild(t *testing.T) {
	for name, fail := range map[string]map[string]Failure{
		"well":                 nil,
		"broken before":        {Disked: {Text: "cut", Times: 1}, Configured: {Text: "cut", Times: 1}, string(wish.Stopped): {Text: "cut", Times: 1}, Defined: {Text: "cut", Times: 1}, "trimmed": {Text: "cut", Times: 1}},
		"broken with the work": {Disked: {Text: "cut", Times: 1, After: true}, string(wish.Stopped): {Text: "cut", Times: 1, After: true}, Defined: {Text: "cut", Times: 1, After: true}, Started: {Text: "cut", Times: 1, After: true}, "trimmed": {Text: "cut", Times: 1, After: true}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &plane{}
			n, _ := start(t, p, Options{Fail: fail})
			s := server(1)
			s.EphemeralGB = 1
			p.set(s)
			p.carriedOut(t, s)
			is := func(boots int, disks ...string) {
				t.Helper()
				s.Generation++
				p.set(s)
				p.carriedOut(t, s)
				w := n.worlds[0]
				w.mu.Lock()
				defer w.mu.Unlock()
				if g := w.things[s.ID]; g.Guest.Boots != boots || !slices.Equal(g.Disks, append([]string{"directory"}, disks...)) || g.Of != s.Rebuilds || g.Guest.Spec.Mark.Rebuilds != s.Rebuilds {
					t.Errorf("%d boots, disks %v, config drive of %d, mark %+v", g.Guest.Boots, g.Disks, g.Of, g.Guest.Spec.Mark)
				}
			}
			s.Rebuilds, s.LocalOf, s.Image = 1, 1, &wish.Image{ID: "other", Format: "raw"}
			is(2, "root.1", "ephemeral.1")
			s.Rebuilds = 2
			is(3, "root.2", "ephemeral.1")
			s.Power = wish.Stopped
			is(3, "root.2", "ephemeral.1")
			s.Rebuilds, s.LocalOf = 3, 3
			is(3, "root.3", "ephemeral.3")
			s.Power = wish.Running
			is(4, "root.3", "ephemeral.3")
		})
	}
}

// A rescued guest starts from another disk, with its own beside; after, that one is gone.
func TestRescue(t *testing.T) {
	p := &plane{}
	n, _ := start(t, p, Options{})
	s := server(1)
	p.set(s)
	p.carriedOut(t, s)
	for _, c := range []struct {
		rescue *wish.Image
		disks  []string
	}{{&wish.Image{ID: "rescue", Format: "raw"}, []string{"directory", "rescue.1", "root.0"}}, {nil, []string{"directory", "root.0"}}} {
		s.Rescue = c.rescue
		s.HardReboots++
		s.Generation++
		p.set(s)
		p.carriedOut(t, s)
		w := n.worlds[0]
		w.mu.Lock()
		g := w.things[s.ID]
		got := slices.Sorted(slices.Values(g.Disks))
		if !slices.Equal(got, c.disks) || g.Guest.Boots != 1+int(s.HardReboots) || (c.rescue != nil) != (g.Guest.Spec.Files[0].Role == "rescue") {
			t.Errorf("%v, %d boots, files %v", got, g.Guest.Boots, g.Guest.Spec.Files)
		}
		w.mu.Unlock()
	}
}
