package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"stackd/agent"
	"stackd/agent/wish"
)

// hypervisor is the table of guests as the agent uses it.
type hypervisor struct{ *world }

var _ agent.Hypervisor = hypervisor{}

func seen(id string, g *guest) agent.Guest {
	return agent.Guest{ID: id, Mark: g.Spec.Mark, Power: g.Power, Stalled: g.Stalled, Ports: slices.Clone(g.Ports), Volumes: slices.Clone(g.Volumes)}
}

func (h hypervisor) Guest(_ context.Context, id string) (agent.Guest, error) {
	g, err := agent.Guest{}, agent.ErrNoGuest
	h.look(id, func(t *thing) {
		if t.Guest != nil {
			g, err = seen(id, t.Guest), nil
		}
	})
	return g, err
}

func (h hypervisor) Guests(ctx context.Context) ([]agent.Guest, error) {
	var all []agent.Guest
	for _, id := range h.owners(func(t *thing) bool { return t.Guest != nil }) {
		if g, err := h.Guest(ctx, id); err == nil {
			all = append(all, g)
		}
	}
	return all, nil
}

// guest changes a guest that is there.
func (h hypervisor) guest(ctx context.Context, step, id string, f func(*guest) error) error {
	return h.step(ctx, step, id, func(t *thing) error {
		if t.Guest == nil {
			return agent.ErrNoGuest
		}
		return f(t.Guest)
	})
}

func (h hypervisor) Define(ctx context.Context, s agent.Spec) error {
	return h.step(ctx, Defined, s.ID, func(t *thing) error {
		if t.Guest == nil {
			t.Guest = &guest{Power: wish.Stopped}
		}
		t.Guest.Spec = s
		return nil
	})
}

func (h hypervisor) Mark(ctx context.Context, id string, m agent.Mark) error {
	return h.guest(ctx, "marked", id, func(g *guest) error { g.Spec.Mark = m; return nil })
}

// Start needs what a real one needs: disks and plugs.
func (h hypervisor) Start(ctx context.Context, id string) error {
	return h.step(ctx, Started, id, func(t *thing) error {
		g := t.Guest
		if g == nil {
			return agent.ErrNoGuest
		}
		for _, f := range g.Spec.Files {
			if f.Role != "config" && !slices.Contains(t.Disks, path.Base(f.Path)) || f.Role == "config" && !t.Config {
				return fmt.Errorf("the %s disk is not there", f.Role)
			}
		}
		for _, p := range g.Spec.Ports {
			if t.Plugs[p.ID] != p.MAC {
				return fmt.Errorf("port %s is not plugged", p.ID)
			}
		}
		if g.Power != wish.Suspended {
			g.Boots++
			g.Ports, g.Volumes = nil, nil
			for _, p := range g.Spec.Ports {
				g.Ports = append(g.Ports, p.ID)
			}
			for _, v := range g.Spec.Volumes {
				g.Volumes = append(g.Volumes, volumeOf(v))
			}
		}
		g.Power, g.Since = wish.Running, time.Now()
		return nil
	})
}

// Shutdown takes its time in the guest, not in the call.
func (h hypervisor) Shutdown(ctx context.Context, id string) error {
	if _, err := h.Guest(ctx, id); err != nil {
		return err
	}
	go func() {
		_ = h.guest(context.WithoutCancel(ctx), Shutdown, id, func(g *guest) error {
			if g.Power == wish.Running {
				g.Power, g.Since = wish.Stopped, time.Now()
				g.endCopies()
			}
			return nil
		})
		h.tell(id)
	}()
	return nil
}

func (h hypervisor) become(ctx context.Context, id string, p wish.Power, from ...wish.Power) error {
	return h.guest(ctx, string(p), id, func(g *guest) error {
		if !slices.Contains(from, g.Power) {
			return fmt.Errorf("the guest is %s", g.Power)
		}
		g.Power, g.Since, g.Stalled = p, time.Now(), false
		if p != wish.Running && p != wish.Paused {
			g.endCopies()
		}
		return nil
	})
}

func (h hypervisor) PowerOff(ctx context.Context, id string) error {
	return h.become(ctx, id, wish.Stopped, wish.Running, wish.Paused, wish.Suspended, wish.Stopped, wish.Crashed)
}

func (h hypervisor) Pause(ctx context.Context, id string) error {
	return h.become(ctx, id, wish.Paused, wish.Running)
}

func (h hypervisor) Resume(ctx context.Context, id string) error {
	return h.become(ctx, id, wish.Running, wish.Paused)
}

func (h hypervisor) Suspend(ctx context.Context, id string) error {
	return h.become(ctx, id, wish.Suspended, wish.Running, wish.Paused)
}

// Interrupt restarts the guest, as one does that dumps its memory and then reboots.
func (h hypervisor) Interrupt(ctx context.Context, id string) error {
	return h.guest(ctx, "interrupted", id, func(g *guest) error {
		if g.Power != wish.Running && g.Power != wish.Paused {
			return fmt.Errorf("the guest is %s", g.Power)
		}
		g.Boots, g.Since = g.Boots+1, time.Now()
		return nil
	})
}

func (h hypervisor) AttachPort(ctx context.Context, id string, p wish.Port) error {
	return h.guest(ctx, "attached", id, func(g *guest) error { g.Ports = append(g.Ports, p.ID); return nil })
}

func (h hypervisor) DetachPort(ctx context.Context, id, port string) error {
	return h.guest(ctx, "detached", id, func(g *guest) error { g.Ports = without(g.Ports, port); return nil })
}

func (h hypervisor) AttachVolume(ctx context.Context, id string, v wish.Disk) error {
	return h.guest(ctx, "attached", id, func(g *guest) error { g.Volumes = append(g.Volumes, volumeOf(v)); return nil })
}

func (h hypervisor) DetachVolume(ctx context.Context, id string, v agent.Volume) error {
	return h.guest(ctx, "detached", id, func(g *guest) error {
		g.Volumes = slices.DeleteFunc(slices.Clone(g.Volumes), func(o agent.Volume) bool { return o.Place == v.Place })
		return nil
	})
}

// GrowVolume has nothing to do: a guest here sees no sizes.
func (h hypervisor) GrowVolume(ctx context.Context, id string, v wish.Disk) error {
	return h.guest(ctx, "grown", id, func(*guest) error { return nil })
}

func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}

func (h hypervisor) Undefine(ctx context.Context, id string) error {
	return h.step(ctx, "undefined", id, func(t *thing) error { t.Guest, t.Coming = nil, nil; return nil })
}

func (h hypervisor) Watch(ctx context.Context, changed func(string)) {
	h.mu.Lock()
	h.changed = changed
	h.mu.Unlock()
	<-ctx.Done()
}

func (h hypervisor) Node(_ context.Context, n *wish.Node) error {
	n.Hypervisor, n.Version, n.Accel = "sim", 1000000, "none"
	n.CPUInfo = fmt.Sprintf(`{"arch":"x86_64","model":"sim","vendor":"sim","topology":{"cells":1,"sockets":1,"cores":%d,"threads":1},"features":[]}`, h.VCPUs)
	n.VCPUs, n.MemoryMB, n.DiskGB = h.VCPUs, h.MemoryMB, h.DiskGB
	n.FreeMemMB, n.FreeDiskGB = h.MemoryMB, h.DiskGB
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.things {
		if t.Guest != nil {
			n.FreeMemMB -= t.Guest.Spec.MemoryMB
			n.FreeDiskGB -= t.Guest.Spec.RootGB + t.Guest.Spec.EphemeralGB
		}
	}
	return nil
}

// ConsoleLog is what a guest of the sort prints when it starts.
func (h hypervisor) ConsoleLog(_ context.Context, id string, n int) (string, error) {
	text, err := "", agent.ErrNoGuest
	h.look(id, func(t *thing) {
		if t.Guest == nil {
			return
		}
		err = nil
		if t.Guest.Boots > 0 {
			text = fmt.Sprintf("sim: boot %d of %s\nsim: %d CPUs, %d MiB of memory, %d NICs\nsim: instance-id=%s\nsim: up at %s\n%s login: \n", t.Guest.Boots,
				t.Guest.Spec.Name, t.Guest.Spec.VCPUs, t.Guest.Spec.MemoryMB, len(t.Guest.Ports), id, t.Guest.Since.UTC().Format(time.RFC3339), t.Guest.Spec.DisplayName)
		}
	})
	lines := strings.SplitAfter(text, "\n")
	lines = lines[:max(0, len(lines)-1)]
	if n >= 0 && n < len(lines) {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, ""), err
}

// VNC: there is nothing to see.
func (h hypervisor) VNC(context.Context, string) (io.ReadWriteCloser, error) {
	return nil, errors.New("a simulated guest has no display")
}

// Diagnostics count what a busy guest would.
func (h hypervisor) Diagnostics(_ context.Context, id string) (wish.Diagnostics, error) {
	d, err := wish.Diagnostics{}, agent.ErrNoGuest
	h.look(id, func(t *thing) {
		g := t.Guest
		if g == nil {
			return
		}
		err, d.State = nil, g.Power
		if !seen(id, g).Active() {
			return
		}
		up := time.Since(g.Since)
		d.UptimeSec, d.MemoryMaxMB, d.MemoryUsed = int64(up.Seconds()), g.Spec.MemoryMB, g.Spec.MemoryMB/2
		for range g.Spec.VCPUs {
			d.CPUTimesNS = append(d.CPUTimesNS, up.Nanoseconds()/10)
		}
		for _, p := range g.Ports {
			d.NICs = append(d.NICs, wish.NICStats{MAC: t.Plugs[p]})
		}
		d.Disks = make([]wish.DiskStats, len(g.Spec.Files)+len(g.Volumes))
	})
	return d, err
}
