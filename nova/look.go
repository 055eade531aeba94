package nova

import (
	"context"
	"sync"
	"time"
)

// looked is what all hosts were like a moment ago. A cloud of a thousand hosts takes tens
// of milliseconds to be looked at; servers that come in flocks are placed by one look.
type looked struct {
	mu   sync.Mutex
	last *look
}

type look struct {
	hosts   []*Host
	zones   map[string]string
	placing PlacingView
	until   time.Time
}

// lookCost bounds what looking takes of the time: a look is used for so many times as
// long as it took, and longestLook at most. One at a few hosts is as good as none.
const (
	lookCost    = 10
	longestLook = time.Second
)

// Look has Schedule know what hosts are like, if what it knows is old. It is called
// outside of any transaction, so that nobody waits for it.
func (c *Compute) Look(ctx context.Context) error {
	c.looked.mu.Lock()
	defer c.looked.mu.Unlock()
	began := c.Now()
	if c.looked.last != nil && began.Before(c.looked.last.until) {
		return nil
	}
	l := &look{}
	var err error
	if l.placing, err = c.Placing.View(ctx); err != nil {
		return err
	}
	if l.hosts, err = c.Hosts(ctx); err != nil {
		return err
	}
	if l.zones, err = c.ZoneOf(ctx); err != nil {
		return err
	}
	now := c.Now()
	l.until = now.Add(min(lookCost*now.Sub(began), longestLook))
	c.looked.last = l
	return nil
}

// recent is the last look, nil when it is too old even for those who waited for their
// transaction since.
func (l *looked) recent(now time.Time) *look {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil || now.After(l.last.until.Add(longestLook)) {
		return nil
	}
	return l.last
}

// took has the look know what was claimed since.
func (l *looked) took(provider string, d Demand) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last != nil {
		l.last.placing.Took(provider, d.Resources)
	}
}

// mostTries is how many hosts of a look are tried, before all rows are read.
const mostTries = 5

// scheduleBy places the server on one of the emptiest hosts of a look, if that still is as
// it was. Servers that mind where others are need more than a look.
func (c *Compute) scheduleBy(ctx context.Context, s *Server, d Demand, l *look) (done bool, err error) {
	if s.Asked.GroupID != "" || len(s.Asked.Hints) > 0 {
		return false, nil
	}
	hosts := suiting(s, l.hosts, l.placing.Hosts(d), l.zones, c.Now())
	hosts = emptiest(hosts, func(h *Host) int64 { return l.placing.Used(h.ID, "MEMORY_MB") })
	for _, h := range hosts[:min(len(hosts), mostTries)] {
		still, err := c.still(ctx, s, d, h)
		if err != nil {
			return false, err
		}
		if !still {
			continue
		}
		if done, err := c.claimOn(ctx, s, d, h); done || err != nil {
			return done, err
		}
	}
	return false, nil
}

// still tells whether a host suits the server by the rows as they are now.
func (c *Compute) still(ctx context.Context, s *Server, d Demand, h *Host) (bool, error) {
	now, err := c.HostsNamed(ctx, h.Name)
	if err != nil {
		return false, err
	}
	able, err := c.Placing.Hosts(ctx, d, h.ID)
	if err != nil {
		return false, err
	}
	zones, err := c.ZoneOf(ctx)
	return err == nil && len(suiting(s, now, able, zones, c.Now())) == 1, err
}
