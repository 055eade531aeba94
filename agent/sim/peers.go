package sim

import (
	"context"
	"io"

	"stackd/agent/wish"
)

// peers are the other hosts of the same Nodes, as one of them reaches them.
type peers struct {
	nodes *Nodes
	host  string
}

func (p peers) Disk(ctx context.Context, from wish.Where, server, role string) (io.ReadCloser, error) {
	a, err := p.at(from.Host)
	if err != nil {
		return nil, err
	}
	return a.SendDisk(ctx, p.host, server, role)
}
