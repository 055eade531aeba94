package agent

import (
	"context"
	"fmt"
	"io"

	"stackd/agent/wish"
	"stackd/internal/fault"
)

// leaves tells whether a server is wished to run here no more.
func leaves(s wish.Server) bool { return s.Power == wish.Gone || s.Power == wish.Kept }

func (t *task) leaves() bool { return leaves(t.Server) }

// bringDisks gets the disks of a server that moves, from where they are: here, or on
// another host.
func (a *Agent) bringDisks(ctx context.Context, t *task) error {
	if t.From.Host == a.Host {
		return a.Disks.Bring(ctx, t.Server, nil)
	}
	return a.Disks.Bring(ctx, t.Server, func(ctx context.Context, role string) (io.ReadCloser, error) {
		if a.Peers == nil {
			return nil, fmt.Errorf("host %s cannot be reached from here", t.From.Host)
		}
		return a.Peers.Disk(ctx, *t.From, t.ID, role)
	})
}

// SendDisk gives another host a disk of a server that has moved there: as the wishes say,
// and to none besides.
func (a *Agent) SendDisk(ctx context.Context, to, server, role string) (io.ReadCloser, error) {
	a.mu.Lock()
	e := a.servers[server]
	var s wish.Server
	if e != nil {
		s = e.wish
	}
	a.mu.Unlock()
	if e == nil || s.Power != wish.Kept || s.To != to || !e.gone {
		return nil, fault.New(fault.NotFound, "Server %s does not move from here to %s.", server, to)
	}
	return a.Disks.Send(ctx, s, role)
}
