package sim

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"stackd/agent"
	"stackd/agent/wish"
)

// Nodes are simulated hosts, each with an agent of its own.
type Nodes struct {
	worlds []*world
	agents []*agent.Agent
}

var _ wish.Live = (*Nodes)(nil)

// New is nodes, not yet running; with a directory, the guests left there are on them. A
// host reaches its control plane by what plane says for its name.
func New(plane func(host string) wish.Plane, o Options, log *slog.Logger) (*Nodes, error) {
	o = o.withDefaults()
	n := &Nodes{}
	for i := range o.Hosts {
		w, err := newWorld(fmt.Sprintf("%s-%d", o.Name, i+1), o)
		if err != nil {
			return nil, err
		}
		n.worlds = append(n.worlds, w)
		n.agents = append(n.agents, agent.New(agent.Config{
			Host: w.name, IP: fmt.Sprintf("192.0.2.%d", i%254+1), Plane: plane(w.name), Log: log,
			Hypervisor: hypervisor{w}, Disks: disks{w}, Vifs: vifs{w}, Peers: peers{n, w.name},
			ReportEvery: o.ReportEvery, ShutdownGrace: o.ShutdownGrace, GiveUp: o.GiveUp, SweepEvery: o.SweepEvery, Workers: o.Workers,
		}))
	}
	return n, nil
}

// Of is the one control plane of all hosts.
func Of(p wish.Plane) func(string) wish.Plane { return func(string) wish.Plane { return p } }

// Run runs all agents until the context ends.
func (n *Nodes) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, a := range n.agents {
		wg.Go(func() { a.Run(ctx) })
	}
	wg.Wait()
}

// Names are the hosts' names.
func (n *Nodes) Names() []string {
	var names []string
	for _, w := range n.worlds {
		names = append(names, w.name)
	}
	return names
}

// Fail sets how a step fails from now on, on all hosts; an empty text mends it.
func (n *Nodes) Fail(step string, f Failure) {
	for _, w := range n.worlds {
		w.mu.Lock()
		if f.Text == "" {
			delete(w.fails, step)
		} else {
			w.fails[step] = f
		}
		clear(w.failed)
		w.mu.Unlock()
	}
}

// Crash ends a guest as a killed process ends, Off as its own shutdown does;
// Stall stops it as a full disk does.
func (n *Nodes) Crash(id string) error { return n.turn(id, wish.Crashed, false) }
func (n *Nodes) Off(id string) error   { return n.turn(id, wish.Stopped, false) }
func (n *Nodes) Stall(id string) error { return n.turn(id, wish.Paused, true) }

func (n *Nodes) turn(id string, p wish.Power, stalled bool) error {
	w := n.of(id)
	if w == nil {
		return agent.ErrNoGuest
	}
	w.mu.Lock()
	err := w.change(id, func(t *thing) error {
		t.Guest.Power, t.Guest.Since, t.Guest.Stalled = p, time.Now(), stalled
		return nil
	})
	w.mu.Unlock()
	w.tell(id)
	return err
}

// Left is how many servers have anything on the hosts.
func (n *Nodes) Left() int {
	left := 0
	for _, w := range n.worlds {
		left += len(w.owners(func(*thing) bool { return true }))
	}
	return left
}

// of finds the host that a guest is on.
func (n *Nodes) of(id string) *world {
	for _, w := range n.worlds {
		found := false
		w.look(id, func(t *thing) { found = t.Guest != nil })
		if found {
			return w
		}
	}
	return nil
}

func (n *Nodes) live(id string) (hypervisor, error) {
	if w := n.of(id); w != nil {
		return hypervisor{w}, nil
	}
	return hypervisor{}, agent.ErrNoGuest
}

// ConsoleLog is the tail of a guest's console.
func (n *Nodes) ConsoleLog(ctx context.Context, id string, lines int) (string, error) {
	h, err := n.live(id)
	if err != nil {
		return "", err
	}
	return h.ConsoleLog(ctx, id, lines)
}

// VNC fails: there is nothing to see.
func (n *Nodes) VNC(ctx context.Context, id string) (io.ReadWriteCloser, error) {
	h, err := n.live(id)
	if err != nil {
		return nil, err
	}
	return h.VNC(ctx, id)
}

// Interrupt restarts a guest.
func (n *Nodes) Interrupt(ctx context.Context, id string) error {
	h, err := n.live(id)
	if err != nil {
		return err
	}
	return h.Interrupt(ctx, id)
}

// Diagnostics are a guest's counters.
func (n *Nodes) Diagnostics(ctx context.Context, id string) (wish.Diagnostics, error) {
	h, err := n.live(id)
	if err != nil {
		return wish.Diagnostics{}, err
	}
	return h.Diagnostics(ctx, id)
}

// CopyDisk copies a guest's volume.
func (n *Nodes) CopyDisk(ctx context.Context, id string, volume, where wish.Disk) error {
	h, err := n.live(id)
	if err != nil {
		return err
	}
	return h.CopyDisk(ctx, id, volume, where)
}

// Capture is an empty disk, as a guest's is here.
func (n *Nodes) Capture(ctx context.Context, id string) (io.ReadCloser, error) {
	h, err := n.live(id)
	if err != nil {
		return nil, err
	}
	return h.Capture(ctx, id)
}
