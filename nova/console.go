package nova

import (
	"cmp"
	"context"
	"crypto/rand"
	"io"
	"time"

	"stackd/agent/wish"
	"stackd/internal/fault"
	"stackd/internal/listing"
)

var listAll = listing.List{}

// live is the host side of a running server.
func (c *Compute) live(ctx context.Context, id string) (*Server, wish.Live, error) {
	s, err := c.Visible(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if s.Host == "" || s.VMState == Building {
		return nil, nil, fault.New(fault.Conflict, "Instance %s is not ready", id)
	}
	l, err := c.Nodes.Live(s.Host)
	return s, l, err
}

// ConsoleLog is the tail of a server's serial console; lines < 0 is all of it.
func (c *Compute) ConsoleLog(ctx context.Context, id string, lines int) (string, error) {
	_, l, err := c.live(ctx, id)
	if err != nil {
		return "", err
	}
	return l.ConsoleLog(ctx, id, lines)
}

// Diagnose is a running server's counters.
func (c *Compute) Diagnose(ctx context.Context, id string) (*Server, wish.Diagnostics, error) {
	s, l, err := c.live(ctx, id)
	if err != nil {
		return nil, wish.Diagnostics{}, err
	}
	if s.SeenPower != wish.Running && s.SeenPower != wish.Paused {
		return nil, wish.Diagnostics{}, wrongState(s, "get_diagnostics", "power state", "shutdown")
	}
	d, err := l.Diagnostics(ctx, id)
	return s, d, err
}

// CrashDump interrupts a server's guest so that it dumps its memory, if it is set up to.
func (c *Compute) CrashDump(ctx context.Context, id string) error {
	var action string
	s, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := ready(ctx, s, "trigger_crash_dump", Active, Paused, Rescued, Errored); err != nil {
			return err
		}
		under := s.ActionID
		err := c.act(ctx, s, "trigger_crash_dump", "compute_trigger_crash_dump")
		action, s.ActionID = s.ActionID, under
		return err
	})
	if err != nil {
		return err
	}
	result, details := "Success", ""
	l, err := c.Nodes.Live(s.Host)
	if err == nil {
		err = l.Interrupt(ctx, id)
	}
	if err != nil {
		result, details = "Error", "The guest could not be interrupted."
	}
	return cmp.Or(c.Tx(context.WithoutCancel(ctx), func(ctx context.Context) error { return c.FinishAction(ctx, action, result, details) }), err)
}

// consoleFor is how long a display's address is good.
const consoleFor = 10 * time.Minute

// OpenConsole gives an address at which a browser may open the server's display.
func (c *Compute) OpenConsole(ctx context.Context, id, kind string) (string, error) {
	s, err := c.Visible(ctx, id)
	if err != nil {
		return "", err
	}
	if s.VMState != Active && s.VMState != Paused {
		return "", fault.New(fault.Conflict, "Instance %s is not ready", id)
	}
	t := ConsoleToken{Token: rand.Text(), ServerID: s.ID, Kind: kind, ExpiresAt: c.Now().Add(consoleFor)}
	err = c.Tx(ctx, func(ctx context.Context) error { return c.InsertConsole(ctx, &t) })
	return c.ConsoleURL + "?path=%3Ftoken%3D" + t.Token, err
}

// Display opens the display that a console token stands for.
func (c *Compute) Display(ctx context.Context, token string) (io.ReadWriteCloser, error) {
	t, err := c.Store.Console(ctx, token)
	if err != nil {
		return nil, err
	}
	s, err := c.Server(ctx, t.ServerID)
	if err != nil {
		return nil, err
	}
	l, err := c.Nodes.Live(s.Host)
	if err != nil {
		return nil, err
	}
	return l.VNC(ctx, s.ID)
}
