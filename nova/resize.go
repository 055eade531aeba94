package nova

import (
	"context"
	"slices"

	"stackd/internal/converge"
	"stackd/internal/fault"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// A ResizeSpec is what a resize asks for; nil leaves alone.
type ResizeSpec struct {
	Flavor     string
	DiskConfig *string
}

// Resize gives a server another flavor, on its host or on another. It keeps both until
// that is confirmed or reverted.
func (c *Compute) Resize(ctx context.Context, id string, spec ResizeSpec) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := c.movable(ctx, s, "resize", Active, Stopped); err != nil {
			return err
		}
		f, err := c.SeenFlavor(ctx, spec.Flavor)
		if fault.Is(err, fault.NotFound) || err == nil && f.Disabled {
			return fault.New(fault.Invalid, "Flavor %s could not be found.", spec.Flavor)
		}
		if err != nil {
			return err
		}
		if err := c.resizable(ctx, s, f); err != nil {
			return err
		}
		m := &Migration{Type: Resizing, NewFlavor: f.Snapshot()}
		s.TaskState = ResizePrep
		set(&s.DiskConfig, spec.DiskConfig)
		return c.beginMove(ctx, s, m, "resize", "cold_migrate")
	})
	return err
}

func (c *Compute) resizable(ctx context.Context, s *Server, f *Flavor) error {
	switch {
	case f.ID == s.Flavor.ID:
		return fault.New(fault.Invalid, "When resizing, instances must change flavor!")
	case s.ImageID != "" && f.Disk == 0 && s.Flavor.Disk != 0:
		return fault.New(fault.Invalid, "Server disk was unable to be resized because: Resize to zero disk flavor is not allowed.")
	}
	u, err := c.Usage(ctx, s.ProjectID)
	if err != nil {
		return err
	}
	limits, err := c.Limits(ctx, s.ProjectID)
	if err != nil {
		return err
	}
	for _, q := range []struct {
		name       string
		more, used int
	}{{"cores", f.VCPUs - s.Flavor.VCPUs, u.Cores}, {"ram", f.RAM - s.Flavor.RAM, u.RAM}} {
		if limit := limits[q.name]; q.more > 0 && limit >= 0 && q.used+q.more > limit {
			return fault.New(fault.OverQuota, "Quota exceeded for %s: Requested %d, but already used %d of %d %s", q.name, q.more, q.used, limit, q.name)
		}
	}
	return nil
}

// Migrate moves a server to another host: to any that has room, or to the one named.
func (c *Compute) Migrate(ctx context.Context, id, host string) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := c.movable(ctx, s, "migrate", Active, Stopped); err != nil {
			return err
		}
		if err := c.elsewhere(ctx, s, host); err != nil {
			return err
		}
		m := &Migration{Type: ColdMove, NewFlavor: s.Flavor, AskedHost: host}
		s.TaskState = ResizePrep
		return c.beginMove(ctx, s, m, "migrate", "cold_migrate")
	})
	return err
}

// elsewhere refuses a host that is none, or that the server is on.
func (c *Compute) elsewhere(ctx context.Context, s *Server, host string) error {
	if host == "" {
		return nil
	}
	if host == s.Host {
		return fault.New(fault.Invalid, "Cannot migrate to the host where the server exists.")
	}
	_, err := c.Host(ctx, host)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Invalid, "Compute host %s could not be found.", host)
	}
	return err
}

// movable refuses to move a server that is not ready for it, or whose host cannot help.
func (c *Compute) movable(ctx context.Context, s *Server, action string, from ...string) error {
	if err := ready(ctx, s, action, from...); err != nil {
		return err
	}
	if s.Goal != GoalLive || s.Host == "" || s.MigrationID != 0 {
		return wrongState(s, action, "vm_state", s.VMState)
	}
	h, err := c.Host(ctx, s.Host)
	if err == nil && !h.Up(c.Now()) || fault.Is(err, fault.NotFound) {
		return fault.New(fault.Conflict, "Service is unavailable at this time.")
	}
	return err
}

// beginMove makes the row of a move, in the transaction that s is written in.
func (c *Compute) beginMove(ctx context.Context, s *Server, m *Migration, action, event string) error {
	now := c.Now()
	m.UUID, m.ServerID, m.ProjectID, m.UserID = uuid.NewString(), s.ID, s.ProjectID, s.UserID
	if who := token.From(ctx); who != nil {
		m.UserID = who.User.ID
	}
	m.Goal, m.Status, m.Source, m.OldFlavor, m.OldDisks = MoveArrive, "pre-migrating", s.Host, s.Flavor, s.DisksOf
	m.Wanted, m.CreatedAt, m.UpdatedAt = s.Wanted, now, now
	if err := c.InsertMigration(ctx, m); err != nil {
		return err
	}
	s.MigrationID = m.ID
	return c.begin(ctx, s, action, event)
}

// ConfirmResize lets a moved server's old disks and share of its old host go.
func (c *Compute) ConfirmResize(ctx context.Context, id string) error {
	return c.decide(ctx, id, "confirmResize", "compute_confirm_resize", MoveConfirm, func(s *Server, m *Migration) {
		m.Status = "confirming"
	})
}

// RevertResize takes a moved server back to where and what it was.
func (c *Compute) RevertResize(ctx context.Context, id string) error {
	return c.decide(ctx, id, "revertResize", "compute_revert_resize", MoveReturn, func(s *Server, m *Migration) {
		m.Status, s.TaskState = "reverting", ResizeReverting
	})
}

func (c *Compute) decide(ctx context.Context, id, action, event string, g MoveGoal, f func(*Server, *Migration)) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := ready(ctx, s, action, Resized); err != nil {
			return err
		}
		m, err := c.MoveOf(ctx, s)
		if err != nil {
			return err
		}
		if m == nil || m.Status != "finished" {
			return fault.New(fault.Invalid, "Instance has not been resized.")
		}
		f(s, m)
		m.Goal, m.UpdatedAt = g, c.Now()
		if err := c.UpdateMigration(ctx, m); err != nil {
			return err
		}
		c.NudgeHost(ctx, m.Source)
		return c.begin(ctx, s, action, event)
	})
	return err
}

// MoveOf is a server's move under way; nil for none.
func (c *Compute) MoveOf(ctx context.Context, s *Server) (*Migration, error) {
	if s.MigrationID == 0 {
		return nil, nil
	}
	return c.Migration(ctx, s.MigrationID)
}

// Share has placement know what a server takes of its hosts, in the transaction of ctx:
// while it may come to the one or stay at the other, of both. What it may go back to is its
// migration's.
func (c *Compute) Share(ctx context.Context, s *Server, m *Migration) error {
	here, flavor, back := m.Source, m.OldFlavor, ""
	if m.Dest != "" && (m.Handed || m.Goal == MoveArrive) {
		here, flavor, back = m.Dest, m.NewFlavor, m.Source
	}
	if m.Over() {
		back = ""
	}
	is, was := *s, *s
	is.Flavor, was.Flavor = flavor, m.OldFlavor
	shares := []Share{{Demand: DemandOf(&was)}, {Demand: DemandOf(&is)}}
	shares[0].Consumer, shares[0].Migration = m.UUID, true
	for n, host := range []string{back, here} {
		if host == "" {
			continue
		}
		h, err := c.Host(ctx, host)
		if err != nil {
			return err
		}
		shares[n].Provider = h.ID
	}
	return c.Placing.Spread(ctx, shares...)
}

// ScheduleMove finds a host for a server that moves, and claims there what it will take
// beside what it has, in the transaction of ctx. It sets m.Dest.
func (c *Compute) ScheduleMove(ctx context.Context, s *Server, m *Migration) error {
	to := *s
	to.Flavor, to.Asked.Host = m.NewFlavor, m.AskedHost
	able, err := c.Placing.Hosts(ctx, DemandOf(&to))
	if err != nil {
		return err
	}
	hosts, err := c.choose(ctx, &to, able)
	if err != nil {
		return err
	}
	if m.Type == Resizing { // where its disks are it need not wait for them
		slices.SortStableFunc(hosts, func(a, b *Host) int { return boolFirst(a.Name == s.Host, b.Name == s.Host) })
	} else {
		hosts = slices.DeleteFunc(hosts, func(h *Host) bool { return h.Name == s.Host })
	}
	for _, h := range hosts {
		m.Dest = h.Name
		err := c.Share(ctx, s, m)
		if !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	m.Dest = ""
	return converge.Final{Err: fault.New(fault.Internal, NoHost)}
}

func boolFirst(a, b bool) int {
	switch {
	case a && !b:
		return -1
	case b && !a:
		return 1
	}
	return 0
}

// Smaller is the fault of a resize that would make a local disk smaller; nil when it would not.
func (m *Migration) Smaller(s *Server) error {
	root := s.ImageID != "" && m.NewFlavor.Disk < m.OldFlavor.Disk
	if root || m.NewFlavor.Ephemeral < m.OldFlavor.Ephemeral {
		return fault.New(fault.Invalid, "Resize error: Unable to resize disk down.")
	}
	return nil
}
