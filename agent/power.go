package agent

import (
	"context"
	"fmt"
	"time"

	"stackd/agent/wish"
	"stackd/internal/converge"
)

// pushAgain is how often the power button of a guest that goes on is pressed.
const pushAgain = 10 * time.Second

// carriedOut compares the guest's mark with the wish. What a guest did by itself
// since then is its own affair.
func (a *Agent) carriedOut(ctx context.Context, t *task) (bool, error) {
	g, err := a.Hypervisor.Guest(ctx, t.ID)
	if err != nil {
		return false, err
	}
	if g.Stalled && t.Power == wish.Running {
		return false, nil // to be resumed, in the hope that there is room again
	}
	return g.Mark.Generation >= t.Generation && !rebootDue(t.Server, g) && (!g.Active() || sameDevices(t.Server, g)), nil
}

// carryOut takes the guest one stretch towards the wish, and marks it when there.
func (a *Agent) carryOut(ctx context.Context, t *task) error {
	g, err := a.Hypervisor.Guest(ctx, t.ID)
	if err != nil {
		return err
	}
	if t.Rebuilds > g.Mark.Rebuilds || t.DisksOf != g.Mark.DisksOf {
		if g, err = a.rebuild(ctx, t, g); err != nil {
			return err
		}
	}
	if err := a.reach(ctx, t, g); err != nil {
		return err
	}
	g, err = a.Hypervisor.Guest(ctx, t.ID)
	if err != nil {
		return err
	}
	if g.Active() && !sameDevices(t.Server, g) {
		if err := a.exchange(ctx, t, g); err != nil {
			return err
		}
	}
	if err := a.grow(ctx, t, g); err != nil {
		return err
	}
	if err := a.Vifs.Unplug(ctx, t.Server, t.Ports); err != nil { // ports of earlier wishes, now that nothing holds them
		return err
	}
	if err := a.Disks.Trim(ctx, t.Server); err != nil { // disks of earlier rebuilds, likewise
		return err
	}
	m := Mark{Generation: t.Generation, SoftReboots: t.SoftReboots, HardReboots: t.HardReboots, Rebuilds: t.Rebuilds, DisksOf: t.DisksOf, Started: g.Mark.Started}
	if g.Active() && m.Started.IsZero() {
		m.Started = time.Now()
	}
	return a.Hypervisor.Mark(ctx, t.ID, m)
}

// rebuild ends a guest of the old disks, and makes it one of the new, which are there
// by now. It is off then.
func (a *Agent) rebuild(ctx context.Context, t *task, g Guest) (Guest, error) {
	if g.Power != wish.Stopped && g.Power != wish.Crashed {
		if err := a.Hypervisor.PowerOff(ctx, t.ID); err != nil {
			return g, err
		}
	}
	if err := a.define(ctx, t); err != nil {
		return g, err
	}
	return a.Hypervisor.Guest(ctx, t.ID)
}

// reach brings the guest into the wished power state.
func (a *Agent) reach(ctx context.Context, t *task, g Guest) error {
	switch t.Power {
	case wish.Running:
		return a.run(ctx, t, g)
	case wish.Stopped:
		return a.stop(ctx, t, g)
	case wish.Paused:
		if g.Power == wish.Paused {
			return nil
		}
		if err := a.run(ctx, t, g); err != nil {
			return err
		}
		return a.Hypervisor.Pause(ctx, t.ID)
	case wish.Suspended:
		if !g.Active() {
			return nil
		}
		if err := a.endCopies(ctx, t.ID, g); err != nil {
			return err
		}
		return a.Hypervisor.Suspend(ctx, t.ID)
	}
	return converge.Finalf("power state %q is not known here", t.Power)
}

// run gets the guest running, by way of a reboot when one is due. A reboot is
// stopping; starting is the same for all.
func (a *Agent) run(ctx context.Context, t *task, g Guest) error {
	if rebootDue(t.Server, g) && g.Active() {
		if t.HardReboots > g.Mark.HardReboots || g.Power == wish.Paused {
			if err := a.Hypervisor.PowerOff(ctx, t.ID); err != nil {
				return err
			}
		} else if err := a.stop(ctx, t, g); err != nil {
			return err
		}
		return a.start(ctx, t)
	}
	switch g.Power {
	case wish.Running:
		return nil
	case wish.Paused:
		return a.Hypervisor.Resume(ctx, t.ID)
	case wish.Suspended:
		if t.HardReboots == g.Mark.HardReboots {
			return a.Hypervisor.Start(ctx, t.ID)
		}
		if err := a.Hypervisor.PowerOff(ctx, t.ID); err != nil {
			return err
		}
	}
	return a.start(ctx, t)
}

// start defines the guest as it is wished now and starts it. Ports of an earlier
// wish go first, while nothing holds them.
func (a *Agent) start(ctx context.Context, t *task) error {
	if err := a.Vifs.Unplug(ctx, t.Server, t.Ports); err != nil {
		return err
	}
	if err := a.define(ctx, t); err != nil {
		return err
	}
	return a.Hypervisor.Start(ctx, t.ID)
}

// stop asks the guest to shut down, and pulls the plug when it takes too long.
func (a *Agent) stop(ctx context.Context, t *task, g Guest) error {
	switch g.Power {
	case wish.Running:
	case wish.Paused, wish.Suspended:
		return a.Hypervisor.PowerOff(ctx, t.ID)
	default:
		return nil
	}
	asked, push := a.ask(t.entry)
	if time.Since(asked) > a.ShutdownGrace {
		return a.Hypervisor.PowerOff(ctx, t.ID)
	}
	if push {
		if err := a.Hypervisor.Shutdown(ctx, t.ID); err != nil {
			return err
		}
	}
	return fmt.Errorf("waiting for the guest to shut down: %w", converge.Later(500*time.Millisecond))
}

// ask says since when the guest is asked, and whether to ask once more.
func (a *Agent) ask(e *entry) (since time.Time, push bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if e.asked.IsZero() {
		e.asked, e.pushed = now, time.Time{}
	}
	if push = now.Sub(e.pushed) > pushAgain; push {
		e.pushed = now
	}
	return e.asked, push
}

func rebootDue(s wish.Server, g Guest) bool {
	return s.Power == wish.Running && (s.SoftReboots > g.Mark.SoftReboots || s.HardReboots > g.Mark.HardReboots)
}
