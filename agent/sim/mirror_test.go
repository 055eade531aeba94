package sim

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"stackd/agent/wish"
)

// places are two files of volumes, the first of which holds something.
func places(t *testing.T, held string) (from, to wish.Disk) {
	t.Helper()
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	for file, text := range map[string]string{one: held, two: "    "} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return wish.Disk{VolumeID: "one", Kind: "file", Source: map[string]string{"path": one}}, wish.Disk{VolumeID: "two", Kind: "file", Source: map[string]string{"path": two}}
}

// A disk is copied and the guest goes over, also when begin or end break off with their
// work done or undone; the guest is not started anew, and the copy is said to be over.
func TestCopyOver(t *testing.T) {
	for name, fail := range map[string]map[string]Failure{
		"well":                 nil,
		"broken before":        {Mirrored: {Text: "cut off", Times: 1}, Pivoted: {Text: "cut off", Times: 1}},
		"broken with the work": {Mirrored: {Text: "cut off", Times: 1, After: true}, Pivoted: {Text: "cut off", Times: 1, After: true}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &plane{}
			n, _ := start(t, p, Options{Fail: fail})
			from, to := places(t, "held")
			s := server(1)
			s.Volumes = []wish.Disk{from}
			p.set(s)
			p.carriedOut(t, s)
			s.Generation++
			s.Volumes[0].Copy = &wish.Copy{ID: "c", To: to}
			p.set(s)
			seen := p.await(t, s.ID, "over", func(v wish.Seen) bool { return slices.Equal(v.Copied, []string{"c"}) })
			if !slices.Equal(seen.Volumes, []string{"two"}) {
				t.Errorf("the guest has %v", seen.Volumes)
			}
			if text, _ := os.ReadFile(to.Source["path"]); string(text) != "held" {
				t.Errorf("the copy holds %q", text)
			}
			s.Generation++
			s.Volumes = []wish.Disk{to}
			p.set(s)
			if seen = p.carriedOut(t, s); !slices.Equal(seen.Volumes, []string{"two"}) || len(seen.Copied) > 0 {
				t.Errorf("%+v", seen)
			}
			if g := n.worlds[0].things[s.ID].Guest; g.Boots != 1 {
				t.Errorf("the guest was started %d times", g.Boots)
			}
			s.Generation++ // the first volume again, beside
			s.Volumes = []wish.Disk{to, from}
			p.set(s)
			if seen = p.carriedOut(t, s); !slices.Equal(seen.Volumes, []string{"two", "one"}) {
				t.Errorf("%+v", seen)
			}
		})
	}
}

// A copy that cannot be is a final fault after a few tries; ended, all is as it was.
func TestCopyThatCannotBe(t *testing.T) {
	p := &plane{}
	start(t, p, Options{Fail: map[string]Failure{Mirrored: {Text: "no room"}}})
	from, to := places(t, "held")
	s := server(1)
	from.Copy = &wish.Copy{ID: "c", To: to}
	s.Volumes = []wish.Disk{from}
	p.set(s)
	p.await(t, s.ID, "given up", func(v wish.Seen) bool { return v.Step == "copied" && v.Final && v.Generation == 1 })
	s.Generation++
	s.Volumes[0].Copy = &wish.Copy{ID: "c", To: to, End: true}
	p.set(s)
	if seen := p.carriedOut(t, s); !slices.Equal(seen.Volumes, []string{"one"}) || len(seen.Copied) > 0 {
		t.Errorf("%+v", seen)
	}
}

// A guest that is over and then off is started where it went, although nobody took note.
func TestStartAfterACopy(t *testing.T) {
	p := &plane{}
	n, _ := start(t, p, Options{})
	from, to := places(t, "held")
	s := server(1)
	from.Copy = &wish.Copy{ID: "c", To: to}
	s.Volumes = []wish.Disk{from}
	p.set(s)
	p.await(t, s.ID, "over", func(v wish.Seen) bool { return slices.Equal(v.Copied, []string{"c"}) })
	s.Generation++
	s.HardReboots++
	p.set(s)
	p.carriedOut(t, s)
	w := n.worlds[0]
	w.mu.Lock()
	defer w.mu.Unlock()
	if g := w.things[s.ID].Guest; g.Boots != 2 || g.Volumes[0].Place != to.Place() || g.Spec.Volumes[0].VolumeID != "two" {
		t.Errorf("after another start: %+v", g.Volumes)
	}
}

// What ends a guest's memory ends its copies; it is seen with what it had.
func TestSuspendEndsACopy(t *testing.T) {
	p := &plane{}
	start(t, p, Options{Fail: map[string]Failure{Pivoted: {Text: "not yet", Times: 2}}})
	from, to := places(t, "held")
	s := server(1)
	from.Copy = &wish.Copy{ID: "c", To: to}
	s.Volumes = []wish.Disk{from}
	p.set(s)
	p.await(t, s.ID, "ready and not over", func(v wish.Seen) bool { return v.Step == "copied" && v.Fault != "" })
	s.Generation++
	s.Power = wish.Suspended
	p.set(s)
	if seen := p.carriedOut(t, s); !slices.Equal(seen.Volumes, []string{"one"}) || len(seen.Copied) > 0 {
		t.Errorf("%+v", seen)
	}
}
