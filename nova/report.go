package nova

import (
	"context"
	"slices"

	"stackd/agent/wish"
	"stackd/internal/fault"
)

// Report takes in what a node sees. A report that says what the last one said costs no
// statement; that its host lives is written down by Beat.
func (c *Compute) Report(ctx context.Context, r wish.Report) error {
	sum, err := sumOf(r)
	if err != nil {
		return err
	}
	now := c.Now()
	news, first := c.sights.look(r.Host, sum, now)
	if !news {
		return nil
	}
	strange, err := c.compare(ctx, r, first)
	if err != nil {
		c.sights.doubt(r.Host)
		return err
	}
	if c.sights.saw(r.Host, sum, now, strange) {
		c.hosts.Wake(r.Host)
	}
	return nil
}

// compare writes down what a report changes, in one transaction if it changes anything,
// and names the guests that no row knows.
func (c *Compute) compare(ctx context.Context, r wish.Report, first bool) (strange []string, err error) {
	rows, err := c.SightsOn(ctx, r.Host)
	if err != nil {
		return nil, err
	}
	seen := map[string]wish.Seen{}
	for _, v := range r.Servers {
		seen[v.ID] = v
	}
	changed := map[string]wish.Seen{}
	for _, s := range rows {
		v, there := seen[s.ID]
		delete(seen, s.ID)
		if !there {
			v = wish.Seen{ID: s.ID, Power: wish.Gone}
		}
		if s.Plugged && (!same(s, v) || v.Leaving != nil && s.MigrationID != 0) {
			changed[s.ID] = v
		}
	}
	if err := c.seesAside(ctx, r.Host, seen); err != nil {
		return nil, err
	}
	for _, id := range sortedKeys(seen) {
		if v := seen[id]; v.Power != wish.Gone || v.Generation == 0 { // else a stranger that has gone
			strange = append(strange, id)
		}
	}
	fresh, err := c.fresh(ctx, r, first)
	if err != nil || fresh && len(changed) == 0 {
		return strange, err
	}
	return strange, c.Tx(ctx, func(ctx context.Context) error {
		if !fresh {
			if err := c.saveHost(ctx, r); err != nil {
				return err
			}
		}
		return c.sees(ctx, r.Host, changed)
	})
}

// sees writes down what has changed about servers of a host, and makes them due for work.
func (c *Compute) sees(ctx context.Context, host string, changed map[string]wish.Seen) error {
	if len(changed) == 0 {
		return nil
	}
	rows, err := c.SightsOn(ctx, host, sortedKeys(changed)...)
	if err != nil {
		return err
	}
	for _, s := range rows {
		v := changed[s.ID]
		if !s.Plugged {
			continue
		}
		moved, err := c.seesLeaving(ctx, s, v.Leaving)
		if err != nil {
			return err
		}
		if !moved && same(s, v) {
			continue
		}
		s.SeenGeneration, s.SeenPower, s.SeenPorts, s.SeenStep, s.SeenFault, s.SeenFinal, s.SeenCopied = v.Generation, v.Power, v.Ports, v.Step, v.Fault, v.Final, v.Copied
		s.DueAt = c.Now()
		if err := c.UpdateServer(ctx, s, "seen_generation", "seen_power", "seen_ports", "seen_step", "seen_fault", "seen_final", "seen_copied", "due_at"); err != nil {
			return err
		}
	}
	c.After(ctx, c.wake)
	return nil
}

func same(s *Server, v wish.Seen) bool {
	return s.SeenGeneration == v.Generation && s.SeenPower == v.Power && slices.Equal(s.SeenPorts, v.Ports) && s.SeenStep == v.Step && s.SeenFault == v.Fault && s.SeenFinal == v.Final && slices.Equal(s.SeenCopied, v.Copied)
}

// fresh tells whether the host's row says by and large what the report does. The first
// report that a process has is written in any case.
func (c *Compute) fresh(ctx context.Context, r wish.Report, first bool) (bool, error) {
	h, err := c.Host(ctx, r.Host)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return !first && err == nil && sameNode(h, r.Node) && c.Now().Sub(h.ReportedAt) < lookEvery, err
}

// Beat writes down that hosts were heard just now, with what changes by itself on them. It
// tells whether all of them have rows.
func (c *Compute) Beat(ctx context.Context, heard map[string]wish.Node) (all bool, err error) {
	err = c.Tx(ctx, func(ctx context.Context) error {
		n, err := c.BeatHosts(ctx, heard)
		all = n == len(heard)
		return err
	})
	if !all {
		for host := range heard {
			c.sights.doubt(host)
		}
	}
	return all, err
}

func sameNode(h *Host, n wish.Node) bool {
	return h.VCPUs == n.VCPUs && h.MemoryMB == n.MemoryMB && h.DiskGB == n.DiskGB && h.Version == n.Version && h.IP == n.IP && h.LiveAt == n.LiveAt
}
