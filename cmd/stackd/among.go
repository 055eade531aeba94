package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"stackd/agent"
	"stackd/agent/wire"
)

// amongNodes makes this machine, which is a node of its own control plane, one among the
// others, where others may join: servers move between it and them. Open has them reach it.
func (p *process) amongNodes(ctx context.Context, o *options) (tune func(*agent.Config), open func(*agent.Agent) error, err error) {
	if o.Nodes == "" {
		return nil, func(*agent.Agent) error { return nil }, nil
	}
	id := wire.Identity{Dir: o.path("tls", "node"), Host: o.Host}
	if err := p.identify(id); err != nil {
		return nil, nil, err
	}
	p.run(ctx, func(ctx context.Context) {
		monthly(ctx, "this node's certificate", func() error { return p.identify(id) })
	})
	at := net.JoinHostPort(o.nodesHost(), strconv.Itoa(livePort))
	tune = func(c *agent.Config) { c.LiveAt, c.Peers = at, wire.NewPeers(id) }
	return tune, func(a *agent.Agent) error {
		c, err := id.LiveTLS()
		if err != nil {
			return err
		}
		return p.serveTLS(at, wire.ServeNode(a, a), c)
	}, nil
}

func (p *process) identify(id wire.Identity) error {
	cert, key, err := p.cloud.Gate.Node(id.Host, time.Now())
	if err != nil {
		return err
	}
	err = os.MkdirAll(id.Dir, 0o700)
	for name, b := range map[string][]byte{id.Key(): key, id.Certificate(): cert, id.Authority(): p.cloud.Gate.PEM()} {
		if err == nil {
			err = errors.Join(os.WriteFile(filepath.Clean(name)+".new", b, 0o600), os.Rename(name+".new", name))
		}
	}
	return err
}
