package nova

import (
	"context"
	"slices"

	"stackd/agent/wish"
	"stackd/internal/fault"

	"github.com/google/uuid"
)

// Reserved of every host for the host itself, in MiB.
const reservedMB = 512

func (c *Compute) saveHost(ctx context.Context, r wish.Report) error {
	h, err := c.Host(ctx, r.Host)
	if fault.Is(err, fault.NotFound) {
		h = &Host{Name: r.Host, ID: uuid.NewString(), ServiceID: uuid.NewString(), Zone: DefaultZone, CreatedAt: c.Now()}
	} else if err != nil {
		return err
	}
	n := r.Node
	grown := h.Num == 0 || h.VCPUs != n.VCPUs || h.MemoryMB != n.MemoryMB || h.DiskGB != n.DiskGB
	h.IP, h.LiveAt, h.Hypervisor, h.Version, h.CPUInfo, h.VCPUs, h.MemoryMB, h.DiskGB = n.IP, n.LiveAt, n.Hypervisor, n.Version, n.CPUInfo, n.VCPUs, n.MemoryMB, n.DiskGB
	h.FreeDiskGB, h.FreeMemMB, h.Uptime, h.ReportedAt = n.FreeDiskGB, n.FreeMemMB, n.Uptime, c.Now()
	if grown {
		if err := c.Placing.Provide(ctx, h.ID, h.Name, inventory(n)); err != nil {
			return err
		}
	}
	return c.SaveHost(ctx, h)
}

func inventory(n wish.Node) map[string]Inventory {
	return map[string]Inventory{
		"VCPU":      {Total: int64(n.VCPUs), Ratio: 16},
		"MEMORY_MB": {Total: int64(n.MemoryMB), Reserved: min(reservedMB, int64(n.MemoryMB)/4), Ratio: 1.5},
		"DISK_GB":   {Total: int64(n.DiskGB), Ratio: 1},
	}
}

// SetService enables or disables a host for new servers, or forces it down.
func (c *Compute) SetService(ctx context.Context, find func(*Host) bool, f func(*Host)) (*Host, error) {
	var out *Host
	err := c.Tx(ctx, func(ctx context.Context) error {
		hosts, err := c.Hosts(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(hosts, find)
		if i < 0 {
			return fault.New(fault.NotFound, "Service could not be found.")
		}
		out = hosts[i]
		f(out)
		return c.SaveHost(ctx, out)
	})
	return out, err
}

// RemoveService forgets a host that has no servers, and gives what it offered back. It is
// there again with its next report.
func (c *Compute) RemoveService(ctx context.Context, find func(*Host) bool) error {
	return c.Tx(ctx, func(ctx context.Context) error {
		hosts, err := c.Hosts(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(hosts, find)
		if i < 0 {
			return fault.New(fault.NotFound, "Service could not be found.")
		}
		if err := c.unused(ctx, hosts[i].Name); err != nil {
			return err
		}
		if err := c.Placing.Withdraw(ctx, hosts[i].ID); err != nil {
			return err
		}
		c.After(ctx, func() { c.sights.doubt(hosts[i].Name) })
		return c.DeleteHost(ctx, hosts[i].Name)
	})
}

// unused refuses a host that has servers, or is one side of a move.
func (c *Compute) unused(ctx context.Context, host string) error {
	rows, err := c.ServersOn(ctx, host)
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		return fault.New(fault.Conflict, "Unable to delete compute service that is hosting instances. Migrate or delete the instances first.")
	}
	moves, err := c.MigrationsAside(ctx, host)
	if err == nil && len(moves) > 0 {
		err = fault.New(fault.Conflict, "Unable to delete compute service that has in-progress migrations. Complete the migrations or delete the instances first.")
	}
	return err
}

// EditAggregate changes an aggregate in one transaction.
func (c *Compute) EditAggregate(ctx context.Context, id int64, f func(*Aggregate) error) (*Aggregate, error) {
	var out *Aggregate
	err := c.Tx(ctx, func(ctx context.Context) (err error) {
		if out, err = c.Aggregate(ctx, id); err != nil {
			return err
		}
		if err := f(out); err != nil {
			return err
		}
		out.UpdatedAt = c.Now()
		return c.UpdateAggregate(ctx, out)
	})
	return out, err
}
