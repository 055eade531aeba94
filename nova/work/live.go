package work

import (
	"context"
	"fmt"
	"time"

	"stackd/agent/wish"
	"stackd/internal/converge"
	"stackd/internal/fault"
	"stackd/nova"
)

// liveSteps take a running guest to its destination. Until it is seen to run there its
// server is where it was; from then on there is no way back.
func (w *Servers) liveSteps() converge.Ladder[*move] {
	return converge.Ladder[*move]{
		{Name: "preparing", Holds: w.chosen, Make: w.chooseLive, Remove: w.unawait},
		{Name: "awaited", Holds: w.awaited, Make: w.await, Remove: w.revoked},
		{Name: "running", Holds: w.landed, Make: w.flying},
		{Name: "post-migrating", Holds: w.handed, Make: w.handLive},
	}
}

// takeLive is takeMove for a guest that runs.
func (w *Servers) takeLive(ctx context.Context, v *move) error {
	if v.m.Goal == nova.MoveConfirm {
		return w.cleared(ctx, v)
	}
	if v.m.Landed() && v.m.Goal == nova.MoveReturn { // it came all the same
		err := w.changeMove(ctx, v, func(_ context.Context, _ *nova.Server, m *nova.Migration) error {
			m.Goal, m.Failure = nova.MoveArrive, ""
			return nil
		})
		return afterwards(err)
	}
	if v.m.Goal == nova.MoveReturn {
		return w.flight.Descend(ctx, v)
	}
	err := w.flight.Climb(ctx, v)
	if err == nil {
		return w.cleared(ctx, v)
	}
	if converge.IsFinal(err) && !v.m.Handed {
		return afterwards(w.turnBack(ctx, v, err))
	}
	return err
}

// afterwards has the next pass go on from what this one has changed.
func afterwards(err error) error {
	if err == nil {
		return converge.Later(0)
	}
	return err
}

// chooseLive claims room, and has the ports and the destination await the guest.
func (w *Servers) chooseLive(ctx context.Context, v *move) error {
	return w.changeMove(ctx, v, func(ctx context.Context, s *nova.Server, m *nova.Migration) error {
		if err := w.c.ScheduleMove(ctx, s, m); err != nil {
			return err
		}
		m.Status, m.Round, m.SeenPower, m.SeenGeneration = "preparing", 1, "", 0
		w.c.NudgeHost(ctx, m.Dest)
		return w.c.Networks.Await(ctx, s.ID, m.Dest)
	})
}

// unawait gives back what the destination's awaiting took.
func (w *Servers) unawait(ctx context.Context, v *move) error {
	if v.m.Dest == "" {
		return nil
	}
	err := w.c.Tx(ctx, func(ctx context.Context) error { return w.c.Networks.Await(ctx, v.s.ID, "") })
	if err != nil {
		return err
	}
	return w.leaveShare(ctx, v)
}

func (w *Servers) awaited(_ context.Context, v *move) (bool, error) {
	return v.m.Status != "preparing" && v.m.Status != "pre-migrating", nil
}

// await has the source send the guest once the destination is ready for it.
func (w *Servers) await(ctx context.Context, v *move) error {
	switch {
	case v.m.Aborted:
		return converge.Final{Err: fault.New(fault.Conflict, "The live migration was cancelled.")}
	case v.m.Awaited():
		return w.changeMove(ctx, v, func(ctx context.Context, s *nova.Server, m *nova.Migration) error {
			m.Status = "running"
			w.c.Nudge(ctx, s)
			return nil
		})
	}
	if err := w.hopeful(ctx, v); err != nil {
		return err
	}
	up, err := w.up(ctx, v.m.Dest)
	if err == nil && !up {
		err = converge.Finalf("The destination of the instance went down before it moved.")
	}
	if err != nil {
		return err
	}
	return converge.Later(5 * time.Second)
}

func (w *Servers) landed(_ context.Context, v *move) (bool, error) {
	return v.m.Handed || v.m.Landed(), nil
}

// flying waits for the guest, for as long as its host goes on sending it.
func (w *Servers) flying(ctx context.Context, v *move) error {
	switch {
	case v.m.Aborted:
		return converge.Final{Err: fault.New(fault.Conflict, "The live migration was cancelled.")}
	case v.m.Leaving.ID == v.m.ID && v.m.Leaving.State == wish.Failed:
		return converge.Final{Err: fmt.Errorf("the guest does not get away: %s", v.m.Leaving.Fault)}
	}
	if err := w.hopeful(ctx, v); err != nil {
		return err
	}
	return converge.Later(5 * time.Second)
}

// revoked: the guest will not come to run at the destination. That is so when the host there
// says it, when the guest goes on at the source, or when somebody says that the host there
// is dead.
func (w *Servers) revoked(ctx context.Context, v *move) error {
	if v.m.Closed() {
		return nil
	}
	goesOn := v.m.Leaving.ID == v.m.ID && v.m.Leaving.State == wish.Ended
	if v.m.Dest != "" && !goesOn && !v.m.Cleared(v.s) {
		w.c.NudgeHost(ctx, v.m.Dest)
		err := w.hopeful(ctx, v)
		if err == nil {
			err = converge.Later(5 * time.Second)
		}
		if !converge.IsFinal(err) {
			return err
		}
	}
	return w.changeMove(ctx, v, func(ctx context.Context, s *nova.Server, m *nova.Migration) error {
		m.Close()
		w.c.Nudge(ctx, s)
		return nil
	})
}

// handLive puts the row of a server whose guest has come at its destination.
func (w *Servers) handLive(ctx context.Context, v *move) error {
	return w.changeMove(ctx, v, func(ctx context.Context, s *nova.Server, m *nova.Migration) error {
		m.Handed, m.Status, m.Goal = true, "post-migrating", nova.MoveConfirm
		m.SeenPower, m.SeenGeneration, s.SeenPower, s.SeenGeneration = s.SeenPower, 0, m.SeenPower, 0
		w.renew(ctx, s)
		s.Host, s.DisksOf = m.Dest, m.ID
		w.c.Nudge(ctx, s)
		holds, err := w.c.HoldsOf(ctx, s.ID)
		for _, h := range holds[s.ID] {
			if err == nil {
				err = w.c.Volumes.Rehost(ctx, h.ID, m.Dest)
			}
		}
		if err != nil {
			return err
		}
		return w.c.Networks.Bind(ctx, s.ID, m.Dest)
	})
}

// turnBackLive is turnBack's part for a guest that runs, or may, where it was.
func (w *Servers) turnBackLive(ctx context.Context, s *nova.Server, m *nova.Migration) {
	m.Round++
	s.DueAt = w.c.Now()
	w.c.Nudge(ctx, s)
	if m.Dest != "" {
		w.c.NudgeHost(ctx, m.Dest)
	}
}
