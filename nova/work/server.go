// Package work carries out what takes long: the ladder of a server.
//
// A pass over a server does nothing but SQL; guests are the node's work, and the
// server is due again when the node reports.
package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"stackd/agent/wish"
	"stackd/internal/converge"
	"stackd/internal/fault"
	"stackd/nova"
)

// Servers is the work on servers.
type Servers struct {
	c      *nova.Compute
	ladder converge.Ladder[*nova.Server]
	cold   converge.Ladder[*move]
	flight converge.Ladder[*move]
	// WireFor is how long a new server waits for its ports to be ACTIVE.
	WireFor time.Duration
}

// New is the work on c's servers, done by hand.
func New(c *nova.Compute) *Servers {
	w := &Servers{c: c, WireFor: 30 * time.Second}
	w.ladder = converge.Ladder[*nova.Server]{
		{Name: nova.Scheduling, Holds: w.placed, Make: w.claim, Remove: w.release},
		{Name: nova.Rebuilding, Holds: w.reimaged, Make: w.reimage},
		{Name: nova.Mapping, Holds: w.mapped, Make: w.mapVolumes, Remove: w.unmap},
		{Name: nova.Networking, Holds: w.plugged, Make: w.bind, Remove: w.unbind},
		{Name: nova.Spawning, Holds: w.running, Make: w.wished, Remove: w.destroy},
		{Name: "wired", Holds: w.wired, Make: w.wait},
		{Name: "unshelved", Holds: w.unshelved, Make: w.unshelve, Remove: w.dropShelved},
	}
	w.cold, w.flight = w.coldSteps(), w.liveSteps()
	return w
}

// Loop makes the loop that works on due servers, and has c wake it.
func Loop(c *nova.Compute) *converge.Loop {
	l := &converge.Loop{Name: "servers", Due: c.DueServers, Work: New(c).Reconcile}
	c.Woken(l.Wake)
	return l
}

// lease is how long a pass may take; another process takes over after it.
const lease = 10 * time.Second

// Reconcile is one pass over one server.
func (w *Servers) Reconcile(ctx context.Context, id string) error {
	s, err := w.c.ClaimServer(ctx, id, lease)
	if err != nil || s == nil {
		return err
	}
	switch s.Goal {
	case nova.GoalDeleted:
		err = w.delete(ctx, s)
	case nova.GoalErrored:
		err = w.clear(ctx, s)
	case nova.GoalShelved:
		err = w.shelve(ctx, s)
	default:
		err = w.live(ctx, s)
	}
	if ctx.Err() != nil {
		return nil // going down: the row is due again after the lease
	}
	return err
}

// live climbs the ladder and writes where it got to.
func (w *Servers) live(ctx context.Context, s *nova.Server) error {
	if err := w.swaps(ctx, s); err != nil {
		return err
	}
	if w.drifted(s) {
		return w.follow(ctx, s)
	}
	err := w.takeMove(ctx, s)
	if err == nil {
		err = w.ladder.Climb(ctx, s)
	}
	if err == nil {
		return w.settle(ctx, s)
	}
	if d, ok := converge.IsLater(err); ok {
		return w.again(ctx, s, err, d, false)
	}
	if converge.IsFinal(err) {
		if back, e := w.stranded(ctx, s, err); back || e != nil {
			return e
		}
		return w.failed(ctx, s, err)
	}
	slog.Warn("server's pass failed", "server", s.ID, "project", s.ProjectID, "tries", s.Tries, "cause", err)
	return w.again(ctx, s, err, converge.Backoff(s.Tries), true)
}

// update changes the row as it now is, unless the server was given a newer
// generation meanwhile: then this pass is of no interest, and another is due.
func (w *Servers) update(ctx context.Context, was *nova.Server, f func(context.Context, *nova.Server) error) error {
	return w.c.Tx(ctx, func(ctx context.Context) error {
		s, err := w.c.Server(ctx, was.ID)
		if err != nil {
			return err
		}
		if s.Generation != was.Generation || s.Goal != was.Goal {
			s.DueAt = w.c.Now()
			w.c.After(ctx, w.c.Wake)
			return w.c.UpdateServer(ctx, s, "due_at")
		}
		lease := was.DueAt
		reported := !s.DueAt.Equal(lease)
		if err := f(ctx, s); err != nil {
			return err
		}
		if reported { // a report came in during this pass: look again at once
			s.DueAt = w.c.Now()
		}
		*was = *s
		was.DueAt = lease
		return w.c.UpdateServer(ctx, s)
	})
}

// again makes the server due later; while it is built, the step is its task_state.
func (w *Servers) again(ctx context.Context, s *nova.Server, why error, d time.Duration, failed bool) error {
	var stuck *converge.Stuck
	return w.update(ctx, s, func(ctx context.Context, s *nova.Server) error {
		if failed {
			s.Tries++
		}
		if errors.As(why, &stuck) && s.LaunchedAt.IsZero() && s.VMState == nova.Building {
			if s.TaskState = stuck.Step; stuck.Step == "wired" {
				s.TaskState = nova.Spawning
			}
		}
		s.DueAt = w.c.Now().Add(d)
		return nil
	})
}

// settle writes that the server is where it should be.
func (w *Servers) settle(ctx context.Context, s *nova.Server) error {
	return w.update(ctx, s, func(ctx context.Context, s *nova.Server) error {
		if err := w.settleVolumes(ctx, s); err != nil {
			return err
		}
		now := w.c.Now()
		if s.LaunchedAt.IsZero() {
			s.LaunchedAt = now
		}
		if s.VMState != nova.Errored || s.TaskState != "" {
			s.VMState, s.Fault = s.Settled(), nil
		}
		ended, err := w.settleMove(ctx, s)
		if err != nil {
			return err
		}
		if s.TaskState != "" || s.ActionID != "" {
			s.UpdatedAt = now
		}
		if !nova.Capturing(s.TaskState) { // that one ends with its capture
			s.TaskState = ""
		}
		s.Tries, s.DueAt = 0, time.Time{}
		if ended != "" {
			return w.finish(ctx, s, "Error", ended)
		}
		return w.finish(ctx, s, "Success", "")
	})
}

func (w *Servers) finish(ctx context.Context, s *nova.Server, result, details string) error {
	if s.ActionID == "" {
		return nil
	}
	id := s.ActionID
	s.ActionID = ""
	return w.c.FinishAction(ctx, id, result, details)
}

// failed writes what cannot be mended. A server that never was active gives back
// all it took; one that was keeps everything.
func (w *Servers) failed(ctx context.Context, s *nova.Server, why error) error {
	text, details := words(why)
	return w.update(ctx, s, func(ctx context.Context, s *nova.Server) error {
		now := w.c.Now()
		if s.Host == "" && s.VMState == nova.ShelvedOffloaded { // it stays where it was
			s.Goal, s.Wanted, s.TaskState, s.UpdatedAt, s.Tries, s.DueAt = nova.GoalShelved, wish.Gone, "", now, 0, time.Time{}
			return w.finish(ctx, s, "Error", text)
		}
		s.Fault = &nova.Fault{Code: 500, Message: text, Details: details, Created: now}
		if s.VMState != nova.Resized {
			s.VMState = nova.Errored
		}
		s.TaskState, s.UpdatedAt, s.Tries, s.DueAt = "", now, 0, time.Time{}
		if s.LaunchedAt.IsZero() {
			s.Goal, s.Wanted, s.DueAt = nova.GoalErrored, wish.Gone, now
			s.Generation++
			w.c.Nudge(ctx, s)
		}
		return w.finish(ctx, s, "Error", text)
	})
}

// words is what the tenant is told, and what administrators see besides.
func words(why error) (text, details string) {
	details = why.Error()
	if f := fault.Of(why); f != nil {
		if f.Text == nova.NoHost {
			return "No valid host was found. ", details
		}
		return f.Text, details
	}
	var final converge.Final
	if errors.As(why, &final) {
		return final.Err.Error(), details
	}
	return "Build of instance aborted.", details
}

// delete descends, and forgets the server when nothing of it is left.
func (w *Servers) delete(ctx context.Context, s *nova.Server) error {
	err := w.over(ctx, s) // before the guest is no more to be seen
	if err == nil {
		err = w.endMove(ctx, s)
	}
	if err == nil {
		err = w.ladder.Descend(ctx, s)
	}
	if err != nil {
		return w.retry(ctx, s, err)
	}
	return w.update(ctx, s, func(ctx context.Context, s *nova.Server) error {
		now := w.c.Now()
		s.VMState, s.TaskState, s.DeletedAt, s.TerminatedAt, s.UpdatedAt, s.DueAt = nova.Deleted, "", now, now, now, time.Time{}
		if err := w.c.LeaveGroup(ctx, s.ID); err != nil {
			return err
		}
		return w.finish(ctx, s, "Success", "")
	})
}

// clear gives back what a failed build took; the row stays in ERROR.
func (w *Servers) clear(ctx context.Context, s *nova.Server) error {
	if err := w.ladder.Descend(ctx, s); err != nil {
		return w.retry(ctx, s, err)
	}
	return w.update(ctx, s, func(ctx context.Context, s *nova.Server) error {
		s.DueAt = time.Time{}
		return nil
	})
}

func (w *Servers) retry(ctx context.Context, s *nova.Server, err error) error {
	if d, ok := converge.IsLater(err); ok {
		return w.again(ctx, s, err, d, false)
	}
	slog.Warn("server's removal failed", "server", s.ID, "project", s.ProjectID, "tries", s.Tries, "cause", err)
	return w.again(ctx, s, err, converge.Backoff(s.Tries), true)
}

// drifted: the guest has shut itself down, or died, with nothing under way.
func (w *Servers) drifted(s *nova.Server) bool {
	off := s.SeenPower == wish.Stopped || s.SeenPower == wish.Crashed
	return off && s.Wanted != wish.Stopped && s.SeenGeneration >= s.Generation && s.TaskState == "" && !s.LaunchedAt.IsZero() && s.SeenFault == ""
}

// follow moves the goal to where the guest went by itself.
func (w *Servers) follow(ctx context.Context, s *nova.Server) error {
	return w.update(ctx, s, func(ctx context.Context, s *nova.Server) error {
		s.Wanted, s.UpdatedAt, s.DueAt = wish.Stopped, w.c.Now(), w.c.Now()
		if s.VMState != nova.Resized {
			s.VMState = nova.Stopped
		}
		s.Generation++
		w.c.Nudge(ctx, s)
		return nil
	})
}

// hostUp tells whether the server's node is there to do anything.
func (w *Servers) hostUp(ctx context.Context, s *nova.Server) (bool, error) {
	return w.up(ctx, s.Host)
}

func (w *Servers) up(ctx context.Context, host string) (bool, error) {
	h, err := w.c.Host(ctx, host)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the host: %w", err)
	}
	return h.Up(w.c.Now()), nil
}
