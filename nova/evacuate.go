package nova

import (
	"context"

	"stackd/agent/wish"
	"stackd/internal/fault"
)

// An EvacuateSpec is what an evacuation asks for.
type EvacuateSpec struct {
	Host string // "" is any that has room
	// Off leaves the server off where it comes to (2.95).
	Off bool
}

// Evacuate builds a server anew on another host when its own is dead: with its volumes,
// ports and addresses, and with new local disks of its image, as those that it had are on the
// dead host. What that host has of it when it comes back is a stranger's, and goes.
func (c *Compute) Evacuate(ctx context.Context, id string, spec EvacuateSpec) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := c.evacuable(ctx, s, spec.Host); err != nil {
			return err
		}
		m := &Migration{Type: Evacuation, NewFlavor: s.Flavor, AskedHost: spec.Host}
		if s.VMState == Errored {
			s.Wanted = wish.Running
		}
		if spec.Off {
			s.Wanted = wish.Stopped
		}
		s.TaskState = Rebuilding
		return c.beginMove(ctx, s, m, "evacuate", "rebuild_instance")
	})
	return err
}

func (c *Compute) evacuable(ctx context.Context, s *Server, host string) error {
	if err := ready(ctx, s, "evacuate", Active, Stopped, Errored); err != nil {
		return err
	}
	if s.Goal != GoalLive || s.Host == "" || s.MigrationID != 0 {
		return wrongState(s, "evacuate", "vm_state", s.VMState)
	}
	h, err := c.Host(ctx, s.Host)
	switch {
	case fault.Is(err, fault.NotFound):
	case err != nil:
		return err
	case h.Up(c.Now()):
		return fault.New(fault.Invalid, "Compute service of %s is still in use.", s.Host)
	}
	if host == s.Host {
		return fault.New(fault.Invalid, "The target host can't be the same one.")
	}
	return c.elsewhere(ctx, s, host)
}

// Rescues tells whether a move leaves behind what was at its source: there is no way back.
func (m *Migration) Rescues() bool { return m.Type == Evacuation }
