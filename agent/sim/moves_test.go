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

// flightPlanes are two hosts with a control plane each, and a server on the first.
func flightPlanes(t *testing.T, fail map[string]Failure, delay map[string]time.Duration) (a, b *plane, n *Nodes, s wish.Server) {
	t.Helper()
	a, b = &plane{}, &plane{}
	by := map[string]*plane{"sim-1": a, "sim-2": b}
	n, _ = startAt(t, func(host string) wish.Plane { return by[host] }, Options{Hosts: 2, Fail: fail, Delay: delay})
	s = server(1)
	s.ConfigDrive = true
	a.set(s)
	a.carriedOut(t, s)
	return a, b, n, s
}

// awaits is what the host is told that a guest comes to.
func awaits(s wish.Server) wish.Server {
	s.Power, s.Generation, s.DisksOf, s.From = wish.Landing, 1, 7, &wish.Where{Host: "sim-1"}
	return s
}

// A running guest goes to another host, and is carried on there without a new start.
func TestFlight(t *testing.T) {
	a, b, n, s := flightPlanes(t, nil, nil)
	there := awaits(s)
	b.set(there)
	b.await(t, s.ID, "awaited", func(v wish.Seen) bool { return v.Power == wish.Landing && v.Generation == 1 })
	if d, guest := n.disksOf(1, s.ID); len(d) > 0 || guest {
		t.Error("it awaits with", d, guest)
	}
	s.Leave = &wish.Leave{ID: 7, Host: "sim-2"}
	a.set(s)
	b.await(t, s.ID, "there", func(v wish.Seen) bool { return v.Power == wish.Running })
	a.await(t, s.ID, "gone from here", func(v wish.Seen) bool { return v.Power == wish.Gone })
	there.Power, there.Generation, there.From = wish.Running, s.Generation+1, nil
	b.set(there)
	b.carriedOut(t, there)
	n.worlds[1].look(s.ID, func(x *thing) {
		if x.Guest.Boots != 1 || x.Guest.Spec.Mark.DisksOf != 7 || x.Coming != nil {
			t.Errorf("%+v", x.Guest)
		}
	})
	gone := s
	gone.Power, gone.Leave, gone.Generation = wish.Gone, nil, s.Generation+1
	a.set(gone)
	a.await(t, s.ID, "gone with all", func(v wish.Seen) bool { return v.Power == wish.Gone && v.Generation == gone.Generation })
	if d, _ := n.disksOf(0, s.ID); len(d) > 0 {
		t.Error("left at the source:", d)
	}
}

// A flight that fails, wherever, leaves the guest running where it was; revoked, nothing is
// left where it was to go.
func TestFlightThatFails(t *testing.T) {
	for _, step := range []string{Sent, Awaited, Landed, Arrived} {
		t.Run(step, func(t *testing.T) {
			a, b, n, s := flightPlanes(t, map[string]Failure{step: {Text: "no"}}, nil)
			there := awaits(s)
			b.set(there)
			b.await(t, s.ID, "awaited", func(v wish.Seen) bool { return v.Power == wish.Landing })
			s.Leave = &wish.Leave{ID: 7, Host: "sim-2"}
			a.set(s)
			a.await(t, s.ID, "failed", func(v wish.Seen) bool {
				return v.Leaving != nil && v.Leaving.State == wish.Failed && v.Leaving.Fault == "no"
			})
			s.Leave = &wish.Leave{ID: 7, Host: "sim-2", End: true}
			a.set(s)
			a.await(t, s.ID, "ended", func(v wish.Seen) bool {
				return v.Leaving != nil && v.Leaving.State == wish.Ended && v.Power == wish.Running
			})
			there.Power, there.Generation = wish.Revoked, 2
			b.set(there)
			b.await(t, s.ID, "revoked", func(v wish.Seen) bool { return v.Power == wish.Gone && v.Generation == 2 })
			if d, guest := n.disksOf(1, s.ID); len(d) > 0 || guest {
				t.Error("left there:", d, guest)
			}
			s.Leave, s.Generation = nil, s.Generation+1
			a.set(s)
			a.carriedOut(t, s)
		})
	}
}

// One that is given up on its way stays, and one that has landed is not revoked any more.
func TestFlightGivenUp(t *testing.T) {
	a, b, _, s := flightPlanes(t, nil, map[string]time.Duration{Flying: time.Minute})
	there := awaits(s)
	b.set(there)
	b.await(t, s.ID, "awaited", func(v wish.Seen) bool { return v.Power == wish.Landing })
	s.Leave = &wish.Leave{ID: 7, Host: "sim-2"}
	a.set(s)
	a.await(t, s.ID, "on its way", func(v wish.Seen) bool {
		return v.Leaving != nil && v.Leaving.State == wish.Departing && v.Leaving.MemoryTotal > 0
	})
	s.Leave = &wish.Leave{ID: 7, Host: "sim-2", End: true}
	a.set(s)
	a.await(t, s.ID, "ended", func(v wish.Seen) bool {
		return v.Leaving != nil && v.Leaving.State == wish.Ended && v.Power == wish.Running
	})

	a, b, n, s := flightPlanes(t, nil, nil)
	there = awaits(s)
	b.set(there)
	b.await(t, s.ID, "awaited", func(v wish.Seen) bool { return v.Power == wish.Landing })
	s.Leave = &wish.Leave{ID: 7, Host: "sim-2"}
	a.set(s)
	b.await(t, s.ID, "there", func(v wish.Seen) bool { return v.Power == wish.Running })
	there.Power, there.Generation = wish.Revoked, 2
	b.set(there)
	time.Sleep(100 * time.Millisecond)
	b.await(t, s.ID, "there all the same", func(v wish.Seen) bool { return v.Power == wish.Running })
	if _, guest := n.disksOf(1, s.ID); !guest {
		t.Error("a guest that has come was removed")
	}
	if _, err := n.agents[1].Arrive(t.Context(), "sim-1", s.ID, wish.Arrival{}); err == nil {
		t.Error("one that is revoked may come")
	}
}
