package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"stackd/internal/client"
)

// movesAtOnce is how many servers are on their way from a node at the same time.
const movesAtOnce = 4

// A mover takes the servers of a node away, each in the way that its state allows: while it
// runs, or off and then confirmed.
type mover struct {
	c     *client.Client
	node  string
	dead  bool // its servers are built anew elsewhere
	out   io.Writer
	begun map[string]*departure
	// refused counts how often a server was not to be moved at that instant.
	refused map[string]int
}

// refusals are so many, one a second, before a server is let be.
const refusals = 20

// A departure is a server that the mover has begun to move.
type departure struct {
	tenancy
	how   string
	since time.Time
	over  bool
	why   string // it did not get away
}

// run moves until the node has no server left that can be moved, or time is over. It gives
// those that remain, with why.
func (m *mover) run(ctx context.Context, every time.Duration) ([]tenancy, error) {
	for {
		here, err := tenants(ctx, m.c, m.node)
		if err != nil {
			return nil, err
		}
		waits, err := m.pass(ctx, here)
		if err != nil {
			return nil, err
		}
		if !waits {
			return m.remaining(ctx)
		}
		select {
		case <-ctx.Done():
			return m.remaining(context.WithoutCancel(ctx))
		case <-time.After(every):
		}
	}
}

// pass begins what can be begun, and tells whether there is anything to wait for.
func (m *mover) pass(ctx context.Context, here []tenancy) (waits bool, err error) {
	if err := m.follow(ctx); err != nil {
		return false, err
	}
	going := 0
	for _, d := range m.begun {
		if !d.over {
			going++
		}
	}
	for _, t := range here {
		how := m.way(t.Status)
		switch {
		case m.begun[t.ID] != nil:
		case passes[t.Status] || t.Task != "": // something else is under way
			waits = true
		case how == "":
			m.begun[t.ID] = &departure{tenancy: t, over: true, why: stays(t.Status)}
		case going < movesAtOnce:
			going++
			m.begin(ctx, t, how)
			waits = true
		default:
			waits = true
		}
	}
	return waits || going > 0, nil
}

// ways are how a server is moved, by its status.
var ways = map[string]string{"ACTIVE": "os-migrateLive", "PAUSED": "os-migrateLive", "SHUTOFF": "migrate"}

// passes are statuses that end by themselves.
var passes = map[string]bool{"BUILD": true, "MIGRATING": true, "RESIZE": true, "REVERT_RESIZE": true, "REBOOT": true, "HARD_REBOOT": true, "REBUILD": true}

func stays(status string) string {
	switch status {
	case "VERIFY_RESIZE":
		return "its resize waits to be confirmed or reverted"
	case "SUSPENDED":
		return "it is suspended; its memory is on this node's disk"
	}
	return "a server that is " + status + " is not moved"
}

func (m *mover) begin(ctx context.Context, t tenancy, how string) {
	d := &departure{tenancy: t, how: how, since: time.Now()}
	m.begun[t.ID] = d
	body := map[string]any{how: nil}
	switch how {
	case "os-migrateLive":
		body[how] = map[string]any{"host": nil, "block_migration": "auto"}
	case "evacuate":
		body[how] = map[string]any{}
	}
	err := m.c.Do(ctx, "POST", "compute", "/servers/"+t.ID+"/action", body, nil)
	if answered(err, 409) && m.refused[t.ID] < refusals { // somebody else was first; see what becomes of it
		m.refused[t.ID]++
		delete(m.begun, t.ID)
	} else if err != nil {
		d.over, d.why = true, err.Error()
	}
}

// follow sees how far those are that are on their way, and confirms those that have moved
// while they were off.
func (m *mover) follow(ctx context.Context) error {
	for _, d := range m.begun {
		if d.over {
			continue
		}
		var out struct {
			Server struct {
				Status string
				Host   string  `json:"OS-EXT-SRV-ATTR:host"`
				Task   *string `json:"OS-EXT-STS:task_state"`
			}
		}
		err := m.c.Do(ctx, "GET", "compute", "/servers/"+d.ID, nil, &out)
		if answered(err, 404) {
			d.over = true
			continue
		}
		if err != nil {
			return err
		}
		s := out.Server
		switch {
		case s.Status == "VERIFY_RESIZE":
			if err := m.c.Do(ctx, "POST", "compute", "/servers/"+d.ID+"/action", map[string]any{"confirmResize": nil}, nil); err != nil && !answered(err, 400) { // it is under way
				d.over, d.why = true, err.Error()
			}
		case passes[s.Status] || s.Task != nil:
		case s.Host == m.node:
			d.over, d.why = true, m.reason(ctx, d.ID)
			fmt.Fprintf(m.out, "%s (%s) stays: %s\n", d.Name, d.ID, d.why)
		default:
			d.over = true
			fmt.Fprintf(m.out, "%s (%s) is on %s after %s\n", d.Name, d.ID, s.Host, time.Since(d.since).Round(100*time.Millisecond))
		}
	}
	return nil
}

// reason is why a server's latest move has failed, as its actions say it.
func (m *mover) reason(ctx context.Context, id string) string {
	var list struct {
		Actions []struct {
			Action string
			ID     string `json:"request_id"`
		} `json:"instanceActions"`
	}
	if err := m.c.Do(ctx, "GET", "compute", "/servers/"+id+"/os-instance-actions", nil, &list); err != nil || len(list.Actions) == 0 {
		return "its move has failed"
	}
	var one struct {
		Action struct {
			Events []struct{ Details string }
		} `json:"instanceAction"`
	}
	if err := m.c.Do(ctx, "GET", "compute", "/servers/"+id+"/os-instance-actions/"+list.Actions[0].ID, nil, &one); err == nil {
		for _, e := range one.Action.Events {
			if e.Details != "" {
				return e.Details
			}
		}
	}
	return "its " + list.Actions[0].Action + " has failed"
}

// remaining are the servers on the node, and those that have left it and may come back.
func (m *mover) remaining(ctx context.Context) ([]tenancy, error) {
	here, err := tenants(ctx, m.c, m.node)
	if err != nil {
		return nil, err
	}
	for i := range here {
		here[i].Why = "it is on its way"
		if d := m.begun[here[i].ID]; d != nil && d.why != "" {
			here[i].Why = d.why
		}
	}
	var out struct {
		Migrations []struct {
			Server  string `json:"instance_uuid"`
			Dest    string `json:"dest_compute"`
			Project string `json:"project_id"`
		}
	}
	err = m.c.Do(ctx, "GET", "compute", "/os-migrations?status=finished&source_compute="+url.QueryEscape(m.node), nil, &out)
	for _, g := range out.Migrations {
		if g.Dest != m.node {
			here = append(here, tenancy{ID: g.Server, Status: "VERIFY_RESIZE", Project: g.Project, Why: "it is on " + g.Dest + "; its old disks are here until its resize is confirmed or reverted"})
		}
	}
	return here, err
}

func answered(err error, status int) bool {
	var e *client.StatusError
	return errors.As(err, &e) && e.Status == status
}
