package nova

import (
	"context"
	"slices"

	"stackd/agent/wish"
)

// A change of power: from which states, what it is called meanwhile, what comes.
type powerChange struct {
	action, event, task string
	from                []string
	to                  wish.Power
}

var (
	stopChange    = powerChange{"stop", "compute_stop_instance", PoweringOff, []string{Active, Errored}, wish.Stopped}
	startChange   = powerChange{"start", "compute_start_instance", PoweringOn, []string{Stopped}, wish.Running}
	pauseChange   = powerChange{"pause", "compute_pause_instance", Pausing, []string{Active}, wish.Paused}
	unpauseChange = powerChange{"unpause", "compute_unpause_instance", Unpausing, []string{Paused}, wish.Running}
	suspendChange = powerChange{"suspend", "compute_suspend_instance", Suspending, []string{Active}, wish.Suspended}
	resumeChange  = powerChange{"resume", "compute_resume_instance", Resuming, []string{Suspended}, wish.Running}
)

// Stop powers a server off; Start powers it on again.
func (c *Compute) Stop(ctx context.Context, id string) error  { return c.power(ctx, id, stopChange) }
func (c *Compute) Start(ctx context.Context, id string) error { return c.power(ctx, id, startChange) }

// Pause halts a server's CPUs; Unpause lets them go on.
func (c *Compute) Pause(ctx context.Context, id string) error { return c.power(ctx, id, pauseChange) }
func (c *Compute) Unpause(ctx context.Context, id string) error {
	return c.power(ctx, id, unpauseChange)
}

// Suspend saves a server's memory to disk; Resume reads it back.
func (c *Compute) Suspend(ctx context.Context, id string) error {
	return c.power(ctx, id, suspendChange)
}
func (c *Compute) Resume(ctx context.Context, id string) error { return c.power(ctx, id, resumeChange) }

func (c *Compute) power(ctx context.Context, id string, p powerChange) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := ready(ctx, s, p.action, p.from...); err != nil {
			return err
		}
		s.Wanted, s.TaskState = p.to, p.task
		return c.begin(ctx, s, p.action, p.event)
	})
	return err
}

// ready refuses an action on a server that is locked, busy or in another state.
func ready(ctx context.Context, s *Server, action string, from ...string) error {
	if err := unlocked(ctx, s); err != nil {
		return err
	}
	if !slices.Contains(from, s.VMState) {
		return wrongState(s, action, "vm_state", s.VMState)
	}
	if s.TaskState != "" {
		return wrongState(s, action, "task_state", s.TaskState)
	}
	return nil
}

// begin makes the node and the loop carry out what has been written into s.
func (c *Compute) begin(ctx context.Context, s *Server, action, event string) error {
	s.Generation++
	s.SeenFault, s.SeenFinal, s.Tries, s.DueAt = "", false, 0, c.Now()
	return c.act(ctx, s, action, event)
}

// Reboot restarts a server: soft asks the guest first.
func (c *Compute) Reboot(ctx context.Context, id string, hard bool) error {
	from := []string{Active}
	if hard {
		from = []string{Active, Stopped, Paused, Suspended, Errored}
	}
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if hard && (s.TaskState == Rebooting || s.TaskState == RebootingHard) {
			s.TaskState = "" // a hard reboot may overtake one that hangs
		}
		if err := ready(ctx, s, "reboot", from...); err != nil {
			return err
		}
		s.Wanted, s.TaskState = wish.Running, Rebooting
		if hard {
			s.HardReboots, s.TaskState = s.HardReboots+1, RebootingHard
		} else {
			s.SoftReboots++
		}
		return c.begin(ctx, s, "reboot", "compute_reboot_instance")
	})
	return err
}

// Delete has a server and all it holds taken away. Force ignores what is under way.
func (c *Compute) Delete(ctx context.Context, id string, force bool) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := unlocked(ctx, s); err != nil && !force {
			return err
		}
		if s.Goal == GoalDeleted {
			return nil
		}
		if err := c.EndOver(ctx, s); err != nil { // while the guest can still be seen
			return err
		}
		s.Goal, s.Wanted, s.TaskState = GoalDeleted, wish.Gone, Deleting
		return c.begin(ctx, s, "delete", "compute_terminate_instance")
	})
	return err
}

// ResetState lets an administrator say that a server is active, or in error.
func (c *Compute) ResetState(ctx context.Context, id, state string) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		s.VMState, s.TaskState = state, ""
		if state == Active {
			s.Fault = nil
		}
		return c.did(ctx, s, "os-resetState", "compute_reset_state")
	})
	return err
}

// Lock keeps a server's owner from changing it; Unlock lets go.
func (c *Compute) Lock(ctx context.Context, id string, by string, reason *string) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		s.Locked, s.LockedBy, s.LockedReason = true, by, reason
		return c.did(ctx, s, "lock", "api_lock")
	})
	return err
}

func (c *Compute) Unlock(ctx context.Context, id string) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		s.Locked, s.LockedBy, s.LockedReason = false, "", nil
		return c.did(ctx, s, "unlock", "api_unlock")
	})
	return err
}
