package sim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"stackd/agent/wish"
)

// disksOf are a server's disks on a host, and whether it has a guest there.
func (n *Nodes) disksOf(host int, id string) (disks []string, guest bool) {
	n.worlds[host].look(id, func(t *thing) { disks, guest = slices.Sorted(slices.Values(t.Disks)), t.Guest != nil })
	return disks, guest
}

// until waits for a fact.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not seen: " + what)
		}
	}
}

// A server's new disks are made of its old ones, which stay until they are not wished any
// more; one that goes back has those alone.
func TestDisksOfAMove(t *testing.T) {
	for name, fail := range map[string]map[string]Failure{
		"well":                 nil,
		"broken before":        {Brought: {Text: "cut", Times: 1}, Defined: {Text: "cut", Times: 1}, "trimmed": {Text: "cut", Times: 1}},
		"broken with the work": {Brought: {Text: "cut", Times: 1, After: true}, Defined: {Text: "cut", Times: 1, After: true}, "trimmed": {Text: "cut", Times: 1, After: true}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &plane{}
			n, _ := start(t, p, Options{Fail: fail})
			s := server(1)
			s.EphemeralGB = 1
			p.set(s)
			p.carriedOut(t, s)
			is := func(disks ...string) {
				t.Helper()
				s.Generation++
				p.set(s)
				p.carriedOut(t, s)
				if got, _ := n.disksOf(0, s.ID); !slices.Equal(got, append([]string{"directory"}, disks...)) {
					t.Errorf("disks %v, want %v", got, disks)
				}
			}
			s.DisksOf, s.From, s.EphemeralGB = 7, &wish.Where{Host: "sim-1"}, 0
			is("ephemeral.0", "root.0", "root.0.m7")
			s.DisksOf, s.From, s.EphemeralGB = 0, nil, 1
			is("ephemeral.0", "root.0")
			s.DisksOf, s.From = 8, &wish.Where{Host: "sim-1"}
			is("ephemeral.0", "ephemeral.0.m8", "root.0", "root.0.m8")
			s.From = nil
			is("ephemeral.0.m8", "root.0.m8")
		})
	}
}

// A host gives the disks that it keeps to the host that they are kept for, and to it alone.
func TestDisksAreKeptForOneHost(t *testing.T) {
	p := &plane{}
	n, _ := start(t, p, Options{})
	s := server(1)
	p.set(s)
	p.carriedOut(t, s)
	send := func(to string) error {
		body, err := n.agents[0].SendDisk(t.Context(), to, s.ID, "root")
		if err == nil {
			body.Close()
		}
		return err
	}
	if send("sim-2") == nil {
		t.Error("a running server's disk is given away")
	}
	s.Power, s.To = wish.Kept, "sim-2"
	s.Generation++
	p.set(s)
	until(t, "the disks alone", func() bool {
		d, guest := n.disksOf(0, s.ID)
		return !guest && slices.Equal(d, []string{"directory", "root.0"})
	})
	until(t, "them being given", func() bool { return send("sim-2") == nil })
	if err := send("sim-3"); err == nil || !strings.Contains(err.Error(), "does not move") {
		t.Error("given to another host:", err)
	}
	s.Power, s.To = wish.Gone, ""
	s.Generation++
	p.set(s)
	until(t, "nothing", func() bool { d, _ := n.disksOf(0, s.ID); return len(d) == 0 })
	if send("sim-2") == nil {
		t.Error("what is gone is given")
	}
}
