package nova

import (
	"context"

	"stackd/agent/wish"
	"stackd/internal/fault"
)

// moves are what a host's servers have to do with migrations.
type moves struct {
	at    string
	of    map[string]*Migration // under way, by server
	hosts map[string]*Host
	aside []wish.Server // of servers whose rows name another host, and that do not come
}

// movesAt are the moves of a host and of the servers that are on it, and those servers with
// those that come to it.
func (c *Compute) movesAt(ctx context.Context, host string, rows []*Server) ([]*Server, *moves, error) {
	out := &moves{at: host, of: map[string]*Migration{}, hosts: map[string]*Host{}}
	for _, s := range rows {
		m, err := c.MoveOf(ctx, s)
		if err != nil {
			return nil, nil, err
		}
		if m != nil {
			out.of[s.ID] = m
		}
	}
	err := c.eachAside(ctx, host, func(s *Server, m *Migration) error {
		if m.Live() && !m.Handed {
			out.of[s.ID], rows = m, append(rows, s)
		} else {
			out.aside = append(out.aside, m.aside(s))
		}
		return nil
	})
	if err != nil || len(out.of) == 0 {
		return rows, out, err
	}
	all, err := c.Hosts(ctx)
	for _, h := range all {
		out.hosts[h.Name] = h
	}
	return rows, out, err
}

// wishOf is what the host is told of a server that is on it, or comes.
func (a *moves) wishOf(s *Server, nics []NIC) wish.Server {
	v := wishOf(s, nics)
	m := a.of[s.ID]
	switch {
	case m == nil:
	case s.Host != a.at:
		m.lands(s, &v, a.hosts)
	default:
		v.From, v.Leave = m.from(a.hosts), m.leave(s, a.hosts)
	}
	return v
}

func (c *Compute) eachAside(ctx context.Context, host string, f func(*Server, *Migration) error) error {
	rows, err := c.MigrationsAside(ctx, host)
	if err != nil {
		return err
	}
	for _, m := range rows {
		if m.Aside() != host {
			continue
		}
		s, err := c.Server(ctx, m.ServerID)
		if err == nil {
			err = f(s, m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// seesAside writes down what a host has of servers that moved from it or come to it, and
// takes them out of seen.
func (c *Compute) seesAside(ctx context.Context, host string, seen map[string]wish.Seen) error {
	return c.eachAside(ctx, host, func(s *Server, m *Migration) error {
		v, there := seen[s.ID]
		delete(seen, s.ID)
		if !there {
			v = wish.Seen{ID: s.ID, Power: wish.Gone}
		}
		if m.saw(v) {
			return nil
		}
		return c.Tx(ctx, func(ctx context.Context) error { return c.writeAside(ctx, m.ID, host, v) })
	})
}

// UpdateMigration has both hosts look at their wishes anew, too.
func (c *Compute) UpdateMigration(ctx context.Context, m *Migration) error {
	hosts := []string{m.Source, m.Dest}
	c.After(ctx, func() {
		for _, h := range hosts {
			c.woken(h)
		}
	})
	return c.Store.UpdateMigration(ctx, m)
}

func (m *Migration) saw(v wish.Seen) bool {
	return m.SeenPower == v.Power && m.SeenGeneration == v.Generation
}

func (c *Compute) writeAside(ctx context.Context, id int64, host string, v wish.Seen) error {
	m, err := c.Migration(ctx, id)
	if err != nil || m.Over() || m.Aside() != host || m.saw(v) {
		return err
	}
	s, err := c.Server(ctx, m.ServerID)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	m.SeenPower, m.SeenGeneration = v.Power, v.Generation
	s.DueAt = c.Now()
	c.After(ctx, c.wake)
	if err := c.UpdateMigration(ctx, m); err != nil {
		return err
	}
	return c.UpdateServer(ctx, s, "due_at")
}

// seesLeaving writes down how far a guest's leaving is, in the transaction that s is
// written in, and tells whether that is news.
func (c *Compute) seesLeaving(ctx context.Context, s *Server, v *wish.Leaving) (bool, error) {
	m, err := c.MoveOf(ctx, s)
	if err != nil || m == nil || v == nil || m.ID != v.ID || m.Leaving == *v {
		return false, err
	}
	m.Leaving = *v
	return true, c.UpdateMigration(ctx, m)
}
