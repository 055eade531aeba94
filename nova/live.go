package nova

import (
	"context"
	"slices"

	"stackd/agent/wish"
	"stackd/internal/fault"
)

// A LiveSpec is what a live migration asks for.
type LiveSpec struct {
	Host string // "" is any that has room
	// Block says whether local disks are copied; nil is as it needs be.
	Block *bool
	// Later has a move that no host has room for begin, and end as one that failed; else
	// it is refused.
	Later bool
}

// LiveMigrate has a running server go to another host while it runs.
func (c *Compute) LiveMigrate(ctx context.Context, id string, spec LiveSpec) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := c.movable(ctx, s, "os-migrateLive", Active, Paused); err != nil {
			return err
		}
		if spec.Host == s.Host {
			return fault.New(fault.Invalid, "Unable to migrate instance (%s) to current host (%s).", s.ID, s.Host)
		}
		if err := c.elsewhere(ctx, s, spec.Host); err != nil {
			return err
		}
		if local := localDisks(s) > 0; spec.Block != nil && *spec.Block != local {
			return blockMismatch(s, local)
		}
		m := &Migration{Type: LiveMove, NewFlavor: s.Flavor, AskedHost: spec.Host}
		s.TaskState = Migrating
		if err := c.beginMove(ctx, s, m, "live-migration", "conductor_live_migrate_instance"); err != nil || spec.Later {
			return err
		}
		probe := *m
		err := c.ScheduleMove(ctx, s, &probe)
		if f := fault.Of(err); f != nil && f.Text == NoHost {
			return fault.New(fault.Invalid, "%s", NoHost)
		}
		if err != nil {
			return err
		}
		m.AskedHost = probe.Dest // the loop takes it from here; what it claims it claims anew
		if err := c.Share(ctx, s, &Migration{UUID: m.UUID, Goal: MoveOver, Source: m.Source, OldFlavor: m.OldFlavor}); err != nil {
			return err
		}
		return c.UpdateMigration(ctx, m)
	})
	return err
}

func blockMismatch(s *Server, local bool) error {
	if local {
		return fault.New(fault.Invalid, "%s is not on shared storage: Shared storage live-migration requires either shared storage or boot-from-volume with no local disks.", s.Host)
	}
	return fault.New(fault.Invalid, "%s is not on local storage: Block migration can not be used with shared storage.", s.Host)
}

// ForceComplete lets the guest of a live migration stand still until it is over.
func (c *Compute) ForceComplete(ctx context.Context, id string, migration int64) error {
	return c.interfere(ctx, id, migration, "force_complete", []string{"running"}, func(s *Server, m *Migration) { m.Forced = true })
}

// AbortMigration gives a live migration up: one that has begun to copy, or with early one
// that waits for that.
func (c *Compute) AbortMigration(ctx context.Context, id string, migration int64, early bool) error {
	from := []string{"running"}
	if early {
		from = append(from, "queued", "pre-migrating", "preparing")
	}
	return c.interfere(ctx, id, migration, "abort live migration", from, func(s *Server, m *Migration) { m.Aborted = true })
}

func (c *Compute) interfere(ctx context.Context, id string, migration int64, what string, from []string, f func(*Server, *Migration)) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := unlocked(ctx, s); err != nil {
			return err
		}
		m, err := c.MoveOf(ctx, s)
		if err != nil {
			return err
		}
		if m == nil || m.ID != migration || !m.Live() {
			return fault.New(fault.NotFound, "Migration %d not found for instance %s", migration, s.ID)
		}
		if s.TaskState != Migrating {
			return wrongState(s, what, "task_state", s.TaskState)
		}
		if !slices.Contains(from, m.Status) || m.Goal != MoveArrive {
			return fault.New(fault.Invalid, "Migration %s state of instance %s is %s. Cannot %s while the migration is in this state.", m.UUID, s.ID, m.Status, what)
		}
		f(s, m)
		m.UpdatedAt, s.DueAt = c.Now(), c.Now()
		if err := c.did(ctx, s, map[bool]string{true: "live_migration_force_complete", false: "live_migration_cancel"}[m.Forced && what == "force_complete"], "compute_live_migration"); err != nil {
			return err
		}
		return c.UpdateMigration(ctx, m)
	})
	return err
}

// Landed tells whether the guest of a live migration is seen to run where it goes.
func (m *Migration) Landed() bool {
	return !m.Handed && (m.SeenPower == wish.Running || m.SeenPower == wish.Paused)
}

// Awaited tells whether the destination is ready for the guest.
func (m *Migration) Awaited() bool {
	return m.SeenPower == wish.Landing && m.SeenGeneration >= m.Round
}
