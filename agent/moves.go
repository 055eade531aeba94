package agent

import (
	"context"
	"fmt"
	"io"

	"stackd/agent/wish"
	"stackd/internal/fault"
)

// leaves tells whether a server is not wished to run here.
func leaves(s wish.Server) bool {
	switch s.Power {
	case wish.Gone, wish.Kept, wish.Landing, wish.Revoked:
		return true
	}
	return false
}

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
	small := role == "config" || role == "kernel" || role == "ramdisk"
	flies := e != nil && small && s.Leave != nil && s.Leave.Host == to // and nobody writes to it
	if !flies && (e == nil || s.Power != wish.Kept || s.To != to || !e.gone) {
		return nil, fault.New(fault.NotFound, "Server %s does not move from here to %s.", server, to)
	}
	return a.Disks.Send(ctx, s, role)
}
