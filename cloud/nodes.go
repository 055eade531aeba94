package cloud

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"stackd/agent/join"
	joinstore "stackd/agent/join/store"
	"stackd/agent/wire"
	"stackd/agent/wish"
	"stackd/internal/fault"
)

// nodes opens the gate for hosts that join. Without a master key there is none: anybody
// could read the authority's.
func (c *Cloud) nodes(ctx context.Context, cfg Config) error {
	if len(cfg.Identity.MasterKey) == 0 {
		return nil
	}
	s, err := joinstore.Open(ctx, c.DB)
	if err != nil {
		return err
	}
	if c.Gate, err = join.New(ctx, s, cfg.Identity.MasterKey); err != nil {
		return err
	}
	lives, err := wire.NewLives(c.Gate, time.Now)
	if err != nil {
		return err
	}
	c.Nodes.find = func(host string) (string, error) {
		h, err := c.Compute.Host(context.Background(), host)
		if err != nil {
			return "", err
		}
		return h.LiveAt, nil
	}
	c.Nodes.dial = lives.At
	return nil
}

// ForNodes is what nodes on other hosts call, with TLS as wire.PlaneTLS sets it up.
func (c *Cloud) ForNodes(site wire.Site) http.Handler { return wire.Serve(c.Plane(), c.Gate, site) }

// Nodes are the live sides of hosts: those in this process, and those that have said
// where they listen.
type Nodes struct {
	find func(host string) (address string, err error)
	dial func(host, address string) wish.Live

	mu   sync.Mutex
	live map[string]wish.Live
	far  map[string]far
}

// far is a live side on another host.
type far struct {
	address string
	live    wish.Live
}

// Set says that a host's node is in this process.
func (n *Nodes) Set(host string, l wish.Live) {
	n.mu.Lock()
	n.live[host] = l
	n.mu.Unlock()
}

// Live is nova.Nodes'.
func (n *Nodes) Live(host string) (wish.Live, error) {
	if l := n.near(host); l != nil {
		return l, nil
	}
	address, err := "", error(nil)
	if n.find != nil {
		address, err = n.find(host)
	}
	if err == nil && address == "" {
		err = fmt.Errorf("host %s has not said where it listens", host)
	}
	if err != nil {
		return nil, fault.New(fault.Conflict, "The host of the instance cannot be reached.").Because(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if f := n.far[host]; f.address == address {
		return f.live, nil
	}
	if n.far == nil {
		n.far = map[string]far{}
	}
	n.far[host] = far{address, n.dial(host, address)}
	return n.far[host].live, nil
}

func (n *Nodes) near(host string) wish.Live {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.live[host]
}
