package sim

import (
	"context"
	"fmt"
	"io"

	"stackd/agent/wish"
)

// peers are the other hosts of the same Nodes, as one of them reaches them.
type peers struct {
	nodes *Nodes
	host  string
}

func (p peers) Disk(ctx context.Context, from wish.Where, server, role string) (io.ReadCloser, error) {
	for i, w := range p.nodes.worlds {
		if w.name == from.Host {
			return p.nodes.agents[i].SendDisk(ctx, p.host, server, role)
		}
	}
	return nil, fmt.Errorf("host %s is not simulated here", from.Host)
}
