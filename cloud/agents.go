package cloud

import (
	"context"
	"sync"
	"time"

	"stackd/agent/wish"
	"stackd/neutron"
)

// agentsEvery is how often a node's network agents are written down.
const agentsEvery = 20 * time.Second

// told is when each host's agents were last written down.
type told struct {
	mu sync.Mutex
	at map[string]time.Time
}

// heard keeps the network agents' list in step with what nodes report.
func (c *Cloud) heard(ctx context.Context, r wish.Report) error {
	if !c.told.due(r.Host) {
		return nil
	}
	for _, kind := range []struct{ kind, binary string }{{"OVN Controller agent", "ovn-controller"}, {"OVN Metadata agent", "stackd"}} {
		err := c.Networking.RecordAgent(ctx, neutron.Agent{Type: kind.kind, Binary: kind.binary, Host: r.Host})
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *told) due(host string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.at[host]) < agentsEvery {
		return false
	}
	if t.at == nil {
		t.at = map[string]time.Time{}
	}
	t.at[host] = time.Now()
	return true
}
