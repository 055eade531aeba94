package novatest

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"stackd/agent/wish"
	"stackd/nova"
)

// Node does what it is told at once, each time Pass is called.
type Node struct {
	C      *nova.Compute
	Host   string
	Guests map[string]wish.Seen
	// Disks are the moves that the local disks of servers here are of.
	Disks map[string][]int64
	// Copying is why guests do not go over to where their volumes are copied: "under way",
	// or a fault.
	Copying string
	// Fail is a fault to report for every running guest wished for; FailPull for those
	// alone whose disks are elsewhere yet.
	Fail, FailPull string
	// Down: it does nothing and says nothing.
	Down bool
	// Flight is why running guests do not get to where they are to go: "under way", or a
	// fault. LateFault is one that their host sees although they get there.
	Flight, LateFault string

	awaits map[string]bool // guests that may come
	peers  []*Node
}

func newNode(host string) *Node {
	return &Node{Host: host, Guests: map[string]wish.Seen{}, Disks: map[string][]int64{}, awaits: map[string]bool{}}
}

// Pass reads the wishes, carries them out, and reports.
func (n *Node) Pass(t testing.TB) {
	t.Helper()
	if n.Down {
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // do not wait for news
	w, err := n.C.Wishes(context.WithoutCancel(ctx), n.Host, 0)
	if err != nil {
		t.Fatal(err)
	}
	r := wish.Report{Host: n.Host, Node: wish.Node{Hostname: n.Host, LiveAt: n.Host + ":8781", VCPUs: 8, MemoryMB: 8192, DiskGB: 100, Hypervisor: "fake", CPUInfo: "{}"}}
	for _, s := range w.Servers {
		n.carryOut(t, s)
		_, here := n.Guests[s.ID]
		switch {
		case s.Leave != nil && here:
			g := n.Guests[s.ID]
			g.Leaving = n.fly(s)
			n.Guests[s.ID] = g
			if g.Leaving.State == "gone" {
				delete(n.Guests, s.ID)
				delete(n.Disks, s.ID)
			}
		case here:
		case s.Power == wish.Landing, s.Power == wish.Kept:
			r.Servers = append(r.Servers, wish.Seen{ID: s.ID, Power: s.Power, Generation: s.Generation})
		case s.Power == wish.Revoked:
			r.Servers = append(r.Servers, wish.Seen{ID: s.ID, Power: wish.Gone, Generation: s.Generation})
		case s.Power == wish.Gone:
			r.Servers = append(r.Servers, wish.Seen{ID: s.ID, Power: s.Power, Generation: s.Generation})
		}
	}
	for _, g := range n.Guests {
		r.Servers = append(r.Servers, g)
	}
	if err := n.C.Report(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func (n *Node) carryOut(t testing.TB, s wish.Server) {
	switch {
	case s.Power == wish.Gone:
		delete(n.Guests, s.ID)
		delete(n.Disks, s.ID)
	case s.Power == wish.Kept:
		delete(n.Guests, s.ID)
		n.Disks[s.ID] = []int64{s.DisksOf}
	case s.Power == wish.Landing:
		n.awaits[s.ID], n.Disks[s.ID] = true, []int64{s.DisksOf}
	case s.Power == wish.Revoked:
		delete(n.awaits, s.ID)
		if _, landed := n.Guests[s.ID]; !landed {
			delete(n.Disks, s.ID)
		}
	case s.Leave != nil:
	case n.Fail != "":
		n.Guests[s.ID] = wish.Seen{ID: s.ID, Power: wish.Gone, Step: "imaged", Fault: n.Fail, Final: true}
	case n.FailPull != "" && s.From != nil && !slices.Contains(n.Disks[s.ID], s.DisksOf):
		n.Guests[s.ID] = wish.Seen{ID: s.ID, Power: wish.Gone, Step: "disked", Fault: n.FailPull, Final: true}
	case n.Guests[s.ID].Generation < s.Generation || n.Guests[s.ID].Power == wish.Running && copying(s.Volumes):
		n.disk(t, s)
		g := wish.Seen{ID: s.ID, Power: s.Power, Generation: s.Generation, SoftReboots: s.SoftReboots, HardReboots: s.HardReboots}
		for _, p := range s.Ports {
			g.Ports = append(g.Ports, p.ID)
		}
		n.disks(s, n.Guests[s.ID], &g)
		n.Guests[s.ID] = g
	}
}

// fly takes a guest to where it is to go, if that awaits it.
func (n *Node) fly(s wish.Server) *wish.Leaving {
	l := &wish.Leaving{ID: s.Leave.ID, State: wish.Departing, MemoryTotal: 64 << 20, MemoryDone: 32 << 20, MemoryLeft: 32 << 20}
	switch {
	case s.Leave.End:
		l.State = wish.Ended
		return l
	case n.Flight == "under way" && !s.Leave.Force:
		return l
	case n.Flight != "" && n.Flight != "under way":
		l.State, l.Fault = wish.Failed, n.Flight
		return l
	}
	for _, o := range n.peers {
		if o.Host == s.Leave.Host && o.awaits[s.ID] {
			o.Guests[s.ID] = n.Guests[s.ID]
			delete(o.awaits, s.ID)
			if l.State = "gone"; n.LateFault != "" {
				l.State, l.Fault = wish.Failed, n.LateFault
				g := n.Guests[s.ID]
				g.Power = wish.Paused
				n.Guests[s.ID] = g
			}
		}
	}
	return l
}

// disk gets a server the disks that it is to have, and drops what it may not need again. A
// guest that runs elsewhere at that time has been started twice.
func (n *Node) disk(t testing.TB, s wish.Server) {
	t.Helper()
	for _, o := range n.peers {
		if g := o.Guests[s.ID]; o != n && !o.Down && g.Power == wish.Running {
			t.Fatalf("%s runs on %s and is started on %s", s.ID, o.Host, n.Host)
		}
	}
	have := n.Disks[s.ID]
	built := slices.ContainsFunc(n.peers, func(o *Node) bool { return !o.Down && len(o.Disks[s.ID]) > 0 })
	if !slices.Contains(have, s.DisksOf) && (built || s.DisksOf != 0) {
		if s.From == nil || !slices.ContainsFunc(n.peers, func(o *Node) bool {
			return o.Host == s.From.Host && slices.Contains(o.Disks[s.ID], s.From.DisksOf)
		}) {
			t.Fatalf("the disks of %s, of move %d, are lost: on %s there are %v, and it is told %+v", s.ID, s.DisksOf, n.Host, have, s.From)
		}
	}
	n.Disks[s.ID] = []int64{s.DisksOf}
	if s.From != nil && s.From.Host == n.Host {
		n.Disks[s.ID] = append(n.Disks[s.ID], s.From.DisksOf)
	}
}

func copying(vs []wish.Disk) bool {
	return slices.ContainsFunc(vs, func(v wish.Disk) bool { return v.Copy != nil && !v.Copy.End })
}

// disks gives a guest its volumes, and has a running one go over to where they are to be:
// Copying says otherwise.
func (n *Node) disks(s wish.Server, was wish.Seen, g *wish.Seen) {
	for _, v := range s.Volumes {
		switch {
		case v.Copy == nil:
		case slices.Contains(was.Copied, v.Copy.ID) || n.Copying == "" && s.Power == wish.Running && !v.Copy.End:
			g.Copied = append(g.Copied, v.Copy.ID)
			v = v.Copy.To
		case n.Copying != "" && !v.Copy.End:
			g.Step, g.Fault, g.Final = "copied", n.Copying, n.Copying != "under way"
		}
		g.Volumes = append(g.Volumes, v.VolumeID)
	}
}

// Live is the node itself, whatever the host.
func (n *Node) Live(string) (wish.Live, error) { return liveNode{}, nil }

// liveNode answers with a disk of a few bytes.
type liveNode struct{ wish.Live }

func (liveNode) Interrupt(context.Context, string) error { return nil }

func (liveNode) Capture(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("a disk")), nil
}

// Off has a guest shut itself down.
func (n *Node) Off(id string) error {
	g := n.Guests[id]
	g.Power = wish.Stopped
	n.Guests[id] = g
	return nil
}
