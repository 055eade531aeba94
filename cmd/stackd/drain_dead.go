package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"stackd/internal/client"
)

// way is how a server of a status is moved; "" for not at all.
func (m *mover) way(status string) string {
	if !m.dead {
		return ways[status]
	}
	switch status {
	case "ACTIVE", "SHUTOFF", "ERROR":
		return "evacuate"
	}
	return ""
}

// known is how long after its last report a node is known to be down, and some more.
const known = 90 * time.Second

// isDown waits until a node is known to be down. One that reports runs its servers, which
// must not run a second time elsewhere.
func isDown(ctx context.Context, c *client.Client, node string) error {
	for end := time.Now().Add(known); ; {
		var out struct{ Services []service }
		if err := c.Do(ctx, "GET", "compute", "/os-services?binary=nova-compute&host="+url.QueryEscape(node), nil, &out); err != nil {
			return err
		}
		switch {
		case len(out.Services) > 0 && out.Services[0].State == "down":
			return nil
		case time.Now().After(end):
			return fmt.Errorf("node %s reports: it is not dead, and its servers can be moved as they are, without --evacuate", node)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
