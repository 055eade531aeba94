package work

import (
	"context"
	"errors"
	"time"

	"stackd/agent/wish"
	"stackd/internal/converge"
	"stackd/internal/fault"
	"stackd/internal/turn"
	"stackd/nova"
)

// placed: the server has a host, and what it takes there is claimed.
func (w *Servers) placed(_ context.Context, s *nova.Server) (bool, error) { return s.Host != "", nil }

func (w *Servers) claim(ctx context.Context, s *nova.Server) error {
	if err := w.c.Look(ctx); err != nil {
		return err
	}
	return w.update(turn.Of(ctx, "placement"), s, func(ctx context.Context, s *nova.Server) error {
		s.TaskState = nova.Scheduling
		return w.c.Schedule(ctx, s)
	})
}

func (w *Servers) release(ctx context.Context, s *nova.Server) error {
	return w.update(turn.Of(ctx, "placement"), s, func(ctx context.Context, s *nova.Server) error {
		if s.Goal == nova.GoalErrored {
			s.Host = ""
		}
		return w.c.Placing.Release(ctx, s.ID)
	})
}

// plugged: the server's ports are there, and bound to its host.
func (w *Servers) plugged(_ context.Context, s *nova.Server) (bool, error) { return s.Plugged, nil }

func (w *Servers) bind(ctx context.Context, s *nova.Server) error {
	err := w.update(turn.Of(ctx, "ports"), s, func(ctx context.Context, s *nova.Server) error {
		s.Plugged = true
		switch {
		case s.MigrationID == 0:
			s.TaskState = nova.Spawning
		case s.TaskState == nova.ResizeMigrated:
			s.TaskState = nova.ResizeFinish
		}
		w.c.Nudge(ctx, s)
		if !s.LaunchedAt.IsZero() { // a server that was shelved has its ports
			return w.c.Networks.Bind(ctx, s.ID, s.Host)
		}
		return w.c.Networks.Allocate(ctx, w.c.NICsOf(s))
	})
	if f := fault.Of(err); f != nil && f.Kind != fault.Unavailable { // the tenant's own doing: a port taken, no address left
		return converge.Final{Err: f}
	}
	return err
}

func (w *Servers) unbind(ctx context.Context, s *nova.Server) error {
	return w.update(turn.Of(ctx, "ports"), s, func(ctx context.Context, s *nova.Server) error {
		s.Plugged = false
		return w.c.Networks.Release(ctx, s.ID)
	})
}

// running: the node has carried out the latest wish.
func (w *Servers) running(_ context.Context, s *nova.Server) (bool, error) {
	return s.SeenGeneration >= s.Generation && s.SeenPower == s.Wanted, nil
}

// wished waits for the node, which is told by the row itself.
func (w *Servers) wished(ctx context.Context, s *nova.Server) error {
	if s.SeenFinal && s.SeenFault != "" {
		return converge.Final{Err: errors.New(s.SeenFault)}
	}
	up, err := w.hostUp(ctx, s)
	if err != nil {
		return err
	}
	if !up && s.LaunchedAt.IsZero() {
		return converge.Finalf("The host of the instance went down while it was built.")
	}
	if err := w.refused(ctx, s); err != nil {
		return err
	}
	return converge.Later(5 * time.Second)
}

// destroy waits until the node has no trace of the guest. A node that is down
// gets to know later: its guest is then a stranger there.
func (w *Servers) destroy(ctx context.Context, s *nova.Server) error {
	if !s.Plugged || s.Host == "" || s.SeenPower == wish.Gone && s.SeenGeneration >= s.Generation {
		return nil
	}
	up, err := w.hostUp(ctx, s)
	if err != nil || !up {
		return err
	}
	return converge.Later(5 * time.Second)
}

// wired: every port is ACTIVE, so that a server that is ACTIVE can be reached.
// After WireFor the server counts as up all the same; the port says DOWN.
func (w *Servers) wired(ctx context.Context, s *nova.Server) (bool, error) {
	if !s.LaunchedAt.IsZero() || s.Wanted != wish.Running || w.c.Now().Sub(s.CreatedAt) > w.WireFor && s.Tries > 0 {
		return true, nil
	}
	nics, err := w.c.Networks.Of(ctx, s.ID)
	if err != nil {
		return false, err
	}
	for _, n := range nics[s.ID] {
		if n.Status != "ACTIVE" {
			return false, nil
		}
	}
	return true, nil
}

// wait lets the network service come; each try is counted until WireFor is over.
func (w *Servers) wait(ctx context.Context, s *nova.Server) error {
	if w.c.Now().Sub(s.CreatedAt) > w.WireFor {
		return errors.New("ports are not ACTIVE yet")
	}
	return converge.Later(500 * time.Millisecond)
}
