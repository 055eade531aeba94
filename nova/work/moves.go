package work

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"stackd/agent/wish"
	"stackd/internal/converge"
	"stackd/internal/fault"
	"stackd/nova"
)

// A move is a pass over a server's migration. Climbing takes the server to its
// destination, descending back to where it was: it is never without a host, and holds its
// share of both until the migration is over.
type move struct {
	s *nova.Server
	m *nova.Migration
}

func (w *Servers) coldSteps() converge.Ladder[*move] {
	return converge.Ladder[*move]{
		{Name: nova.ResizePrep, Holds: w.chosen, Make: w.chooseHost, Remove: w.leaveShare},
		{Name: nova.ResizeMigrating, Holds: w.offAtSource, Make: w.stopAtSource},
		{Name: nova.ResizeMigrated, Holds: w.handed, Make: w.handOver, Remove: w.handBack},
	}
}

// takeMove takes a server's migration on, as far as to where the server's own ladder is to
// be climbed: at the destination, or back at the source.
func (w *Servers) takeMove(ctx context.Context, s *nova.Server) error {
	m, err := w.c.MoveOf(ctx, s)
	if err != nil || m == nil {
		return err
	}
	v := &move{s, m}
	if m.Live() {
		return w.takeLive(ctx, v)
	}
	switch m.Goal {
	case nova.MoveReturn:
		return w.cold.Descend(ctx, v)
	case nova.MoveConfirm:
		return w.cleared(ctx, v)
	}
	if m.Status == "finished" {
		return nil
	}
	err = w.cold.Climb(ctx, v)
	if err == nil {
		err = w.hopeful(ctx, v)
	}
	if converge.IsFinal(err) {
		if err := w.turnBack(ctx, v, err); err != nil {
			return err
		}
		return converge.Later(0)
	}
	return err
}

// hopeful: nobody has said that the destination will not come back.
func (w *Servers) hopeful(ctx context.Context, v *move) error {
	h, err := w.c.Host(ctx, v.m.Dest)
	if fault.Is(err, fault.NotFound) || err == nil && h.ForcedDown {
		return converge.Finalf("The destination of the instance went down while it moved.")
	}
	return err
}

// stranded has a server whose move cannot be made return. One that has arrived stays, and
// waits for its owner's word.
func (w *Servers) stranded(ctx context.Context, s *nova.Server, why error) (bool, error) {
	m, err := w.c.MoveOf(ctx, s)
	if err != nil || m == nil || m.Goal != nova.MoveArrive || m.Status == "finished" || m.Live() {
		return false, err
	}
	if m.Rescues() && m.Handed {
		return false, w.changeMove(ctx, &move{s, m}, func(ctx context.Context, s *nova.Server, m *nova.Migration) error {
			m.Goal, m.Status, s.MigrationID = nova.MoveOver, "error", 0
			return w.c.Share(ctx, s, m)
		})
	}
	return true, w.turnBack(ctx, &move{s, m}, why)
}

// change changes a server and its migration as they now are; when they have become
// something else meanwhile, that is for the next pass.
func (w *Servers) changeMove(ctx context.Context, v *move, f func(context.Context, *nova.Server, *nova.Migration) error) error {
	done := false
	err := w.update(ctx, v.s, func(ctx context.Context, s *nova.Server) error {
		m, err := w.c.Migration(ctx, v.m.ID)
		if err != nil || m.Goal != v.m.Goal {
			return err
		}
		if err := f(ctx, s, m); err != nil {
			return err
		}
		m.UpdatedAt, done = w.c.Now(), true
		v.m = m
		return w.c.UpdateMigration(ctx, m)
	})
	if err == nil && !done {
		return converge.Later(0)
	}
	return err
}

// again has the guest's next wish carried out, and its former faults forgotten.
func (w *Servers) renew(ctx context.Context, s *nova.Server) {
	s.Generation++
	s.SeenFault, s.SeenFinal, s.Tries = "", false, 0
	w.c.Nudge(ctx, s)
}

func (w *Servers) chosen(_ context.Context, v *move) (bool, error) { return v.m.Dest != "", nil }

// chooseHost claims room, and has the guest go off where it is.
func (w *Servers) chooseHost(ctx context.Context, v *move) error {
	if err := v.m.Smaller(v.s); err != nil {
		return converge.Final{Err: err}
	}
	return w.changeMove(ctx, v, func(ctx context.Context, s *nova.Server, m *nova.Migration) error {
		if err := w.c.ScheduleMove(ctx, s, m); err != nil {
			return err
		}
		if m.Rescues() { // nobody is there to be told
			m.Status = "pre-migrating"
			return nil
		}
		m.Status, s.TaskState, s.Wanted = "migrating", nova.ResizeMigrating, wish.Stopped
		w.renew(ctx, s)
		return nil
	})
}

// leaveShare gives the destination's share back.
func (w *Servers) leaveShare(ctx context.Context, v *move) error {
	if v.m.Dest == "" {
		return nil
	}
	return w.c.Tx(ctx, func(ctx context.Context) error { return w.c.Share(ctx, v.s, v.m) })
}

func (w *Servers) offAtSource(_ context.Context, v *move) (bool, error) {
	off := v.s.SeenPower == wish.Stopped || v.s.SeenPower == wish.Crashed
	return v.m.Handed || v.m.Rescues() || off && v.s.SeenGeneration >= v.s.Generation, nil
}

func (w *Servers) stopAtSource(_ context.Context, v *move) error {
	if v.s.SeenFinal && v.s.SeenFault != "" {
		return converge.Final{Err: errors.New(v.s.SeenFault)}
	}
	return converge.Later(5 * time.Second)
}

func (w *Servers) handed(_ context.Context, v *move) (bool, error) { return v.m.Handed, nil }

// handOver puts the server's row at the destination: what is reached and plugged there,
// and gets the disks, is told by that row from then on.
func (w *Servers) handOver(ctx context.Context, v *move) error {
	return w.changeMove(ctx, v, func(ctx context.Context, s *nova.Server, m *nova.Migration) error {
		m.Handed, m.Status = true, "post-migrating"
		s.Flavor, s.DisksOf, s.Wanted, s.TaskState = m.NewFlavor, m.ID, m.Wanted, nova.ResizeMigrated
		if m.Stays() {
			s.TaskState = nova.ResizeFinish
		}
		if m.Rescues() {
			s.TaskState, s.DisksOf = nova.Rebuilding, 0
			s.Rebuilds++
			s.LocalOf = s.Rebuilds
		}
		return w.putAt(ctx, s, m, m.Dest)
	})
}

// handBack puts the server's row at the source again, once the destination has nothing of
// it. A destination that is forced down counts for nothing.
func (w *Servers) handBack(ctx context.Context, v *move) error {
	if !v.m.Handed {
		return nil
	}
	if !v.m.Stays() {
		if err := w.leave(ctx, v); err != nil {
			return err
		}
	}
	return w.changeMove(ctx, v, func(ctx context.Context, s *nova.Server, m *nova.Migration) error {
		m.Handed = false
		s.Flavor, s.DisksOf, s.Wanted = m.OldFlavor, m.OldDisks, m.Wanted
		return w.putAt(ctx, s, m, m.Source)
	})
}

// leave waits until the host that the row names has nothing of the server.
func (w *Servers) leave(ctx context.Context, v *move) error {
	if v.s.Wanted != wish.Gone {
		err := w.changeMove(ctx, v, func(ctx context.Context, s *nova.Server, m *nova.Migration) error {
			s.Wanted = wish.Gone
			w.renew(ctx, s)
			return nil
		})
		if err != nil {
			return err
		}
	}
	if !v.s.Plugged || v.s.SeenPower == wish.Gone && v.s.SeenGeneration >= v.s.Generation {
		return nil
	}
	h, err := w.c.Host(ctx, v.s.Host)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || h.ForcedDown {
		return err
	}
	return converge.Later(5 * time.Second)
}

// putAt has the server's row name another of its hosts: its volumes are promised, to be
// reached from there, and its ports are bound there when they are. One that stays where it
// is has them already.
func (w *Servers) putAt(ctx context.Context, s *nova.Server, m *nova.Migration, host string) error {
	w.renew(ctx, s)
	if err := w.settleVolumes(ctx, s); err != nil || m.Stays() {
		return err
	}
	err := w.handHolds(ctx, s, func(h nova.Hold) error { return w.c.Volumes.Promise(ctx, h.ID) })
	if err != nil {
		return err
	}
	m.SeenPower, m.SeenGeneration = s.SeenPower, 0
	s.Host, s.Plugged = host, false
	s.SeenPower, s.SeenGeneration, s.SeenPorts, s.SeenStep, s.SeenCopied = "", 0, nil, "", nil
	w.c.Nudge(ctx, s)
	return nil
}

// turnBack has a move that cannot be made return, with all that it took given back.
func (w *Servers) turnBack(ctx context.Context, v *move, why error) error {
	text, _ := words(why)
	slog.Warn("a server does not get to its destination", "server", v.s.ID, "project", v.s.ProjectID, "migration", v.m.UUID, "to", v.m.Dest, "cause", why)
	return w.changeMove(ctx, v, func(ctx context.Context, s *nova.Server, m *nova.Migration) error {
		m.Goal, m.Failure = nova.MoveReturn, text
		if m.Live() {
			w.turnBackLive(ctx, s, m)
			return nil
		}
		if s.Wanted = m.Wanted; m.Aside() != "" {
			s.Wanted = wish.Gone
		}
		w.renew(ctx, s)
		s.DueAt = w.c.Now()
		return nil
	})
}

// cleared: nothing of the server is left where it was. A source that is down gets to know
// later: what it has is then a stranger's.
func (w *Servers) cleared(ctx context.Context, v *move) error {
	aside := v.m.Aside()
	if aside == "" || v.m.Cleared(v.s) {
		return nil
	}
	up, err := w.up(ctx, aside)
	if err != nil || !up {
		return err
	}
	w.c.NudgeHost(ctx, aside)
	return converge.Later(5 * time.Second)
}

// settleMove ends, in settle's transaction, what of a migration its server's being settled
// ends. It gives why a move has failed.
func (w *Servers) settleMove(ctx context.Context, s *nova.Server) (failed string, err error) {
	m, err := w.c.MoveOf(ctx, s)
	if err != nil || m == nil {
		return "", err
	}
	m.UpdatedAt = w.c.Now()
	switch {
	case m.Goal == nova.MoveArrive && m.Rescues():
		m.Status = "done"
	case m.Goal == nova.MoveArrive && !m.Live():
		m.Status, s.VMState = "finished", nova.Resized
		return "", w.c.UpdateMigration(ctx, m)
	case m.Aborted && m.Goal == nova.MoveReturn:
		m.Status = "cancelled"
	case m.Failure != "":
		m.Status = "error"
	case m.Live():
		m.Status = "completed"
	case m.Goal == nova.MoveReturn:
		m.Status = "reverted"
	default:
		m.Status = "confirmed"
	}
	m.Goal, s.MigrationID = nova.MoveOver, 0
	if err := w.c.Share(ctx, s, m); err != nil {
		return "", err
	}
	return m.Failure, w.c.UpdateMigration(ctx, m)
}

// endMove ends the migration of a server that is deleted, when its other host has nothing
// of it.
func (w *Servers) endMove(ctx context.Context, s *nova.Server) error {
	m, err := w.c.MoveOf(ctx, s)
	if err != nil || m == nil {
		return err
	}
	v := &move{s, m}
	if err := w.cleared(ctx, v); err != nil {
		return err
	}
	return w.changeMove(ctx, v, func(ctx context.Context, s *nova.Server, m *nova.Migration) error {
		if m.Status == "finished" || m.Goal == nova.MoveConfirm {
			m.Status = "confirmed"
		} else {
			m.Status = "error"
		}
		m.Goal, s.MigrationID = nova.MoveOver, 0
		return w.c.Placing.Release(ctx, m.UUID)
	})
}
