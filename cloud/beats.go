package cloud

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"stackd/agent/wish"
	"stackd/internal/sqldb"
	"stackd/neutron"
)

// Beats of nodes are gathered, and written down for all of them in one transaction a
// second. A row is then no older than beatAfter and the time between two reports.
const (
	beatsEvery = time.Second
	beatAfter  = 8 * time.Second
)

// beats are the hosts that this process has heard.
type beats struct {
	mu    sync.Mutex
	heard map[string]wish.Node // and whose rows do not say so yet
	wrote map[string]time.Time // when the rows last said so; a host that is not in it has no agents' rows yet, maybe
}

// heard takes note that a node has reported.
func (c *Cloud) heard(ctx context.Context, r wish.Report) error {
	if c.beats.add(r.Host, r.Node) {
		return nil
	}
	for _, a := range agentsOf(r.Host) {
		if err := c.Networking.RecordAgent(ctx, a); err != nil {
			return err
		}
	}
	c.beats.written(map[string]wish.Node{r.Host: r.Node}, true)
	return nil
}

// agentsOf are the parts of a node in the networks, as the network agents' list has them.
func agentsOf(host string) []neutron.Agent {
	return []neutron.Agent{{Type: "OVN Controller agent", Binary: "ovn-controller", Host: host}, {Type: "OVN Metadata agent", Binary: "stackd", Host: host}}
}

// beat writes down who was heard.
func (c *Cloud) beat(ctx context.Context) error {
	heard := c.beats.due(time.Now())
	if len(heard) == 0 {
		return nil
	}
	var all bool
	err := c.DB.Tx(sqldb.Quiet(ctx), func(ctx context.Context) (err error) {
		if all, err = c.Compute.Beat(ctx, heard); err != nil {
			return err
		}
		n, err := c.Networking.BeatAgents(ctx, slices.Sorted(maps.Keys(heard)))
		all = all && n == len(heard)*len(agentsOf(""))
		return err
	})
	if err != nil {
		if ctx.Err() == nil {
			slog.Warn("it was not written down which nodes live", "nodes", len(heard), "cause", err)
		}
		return err
	}
	c.beats.written(heard, all)
	return nil
}

// add notes that a host was heard; it tells whether its rows are known to be there.
func (b *beats) add(host string, n wish.Node) (known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.heard == nil {
		b.heard, b.wrote = map[string]wish.Node{}, map[string]time.Time{}
	}
	b.heard[host] = n
	_, known = b.wrote[host]
	return known
}

// due are the hosts whose rows are to be written.
func (b *beats) due(now time.Time) map[string]wish.Node {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]wish.Node{}
	for host, n := range b.heard {
		if at, known := b.wrote[host]; known && now.Sub(at) >= beatAfter {
			out[host] = n
		}
	}
	return out
}

// written: the rows of hosts say that they live. If some have no row, all are looked at
// with their next report.
func (b *beats) written(hosts map[string]wish.Node, all bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for host := range hosts {
		if all {
			b.wrote[host] = time.Now()
		} else {
			delete(b.wrote, host)
		}
		delete(b.heard, host)
	}
}
