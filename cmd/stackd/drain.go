package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"
	"time"

	"stackd/internal/client"

	"github.com/spf13/cobra"
)

// drainOptions are what `stackd node drain` is told.
type drainOptions struct {
	Data, Output, Reason string
	Undo, NoMove         bool
	Evacuate             bool // the node is dead
	Timeout              time.Duration
}

func nodeDrainCommand() *cobra.Command {
	o := drainOptions{}
	c := &cobra.Command{Use: "drain NODE", Short: "Move all servers away from a node, and let no new ones onto it", Args: cobra.ExactArgs(1),
		Long: `Let no new servers onto a node, and move those away that are there: a server that runs goes
while it runs, one that is off is migrated and confirmed. What is on its way is waited for.

It ends with status 0 when the node is empty (it can be taken off then: stackd node remove
NODE), and else says which servers remain, and why. It can be given again at any time, and
goes on where it was.

--evacuate is for a node that is dead and does not come back: its servers are built anew on
other nodes, with their volumes, ports and addresses, and with fresh local disks of their
images. What was on its own disks is lost. It waits until the node is known to be down.

--no-move moves nothing: it says which servers are there, and ends with status 0 also while
some are. --undo lets servers in again.`,
		Example: "  stackd node drain compute1 --reason 'new memory'\n  stackd node drain compute1 --undo",
		RunE:    func(c *cobra.Command, args []string) error { return o.run(c, args[0]) }}
	f := c.Flags()
	f.StringVar(&o.Data, "data", "/var/lib/stackd", "folder of the cloud")
	f.StringVar(&o.Reason, "reason", "it is drained", "why, for whoever lists services")
	f.BoolVar(&o.Undo, "undo", false, "let servers in again")
	f.BoolVar(&o.NoMove, "no-move", false, "move no server")
	f.BoolVar(&o.Evacuate, "evacuate", false, "the node is dead: build its servers anew on others")
	f.DurationVar(&o.Timeout, "timeout", 2*time.Hour, "how long servers are waited for that are on their way")
	f.StringVar(&o.Output, "output", "text", "text or json")
	return c
}

func (w *drainOptions) run(c *cobra.Command, node string) error {
	if err := checkOutput(w.Output); err != nil {
		return err
	}
	if w.Evacuate && (w.Undo || w.NoMove) {
		return errors.New("--evacuate moves servers: it does not go with --undo or --no-move")
	}
	o, err := load(w.Data)
	if err != nil {
		return err
	}
	says := c.OutOrStdout()
	if w.Output == "json" {
		says = c.ErrOrStderr()
	}
	d, err := o.drain(c.Context(), node, *w, says)
	if err != nil {
		return err
	}
	if w.Output == "json" {
		err = json.NewEncoder(c.OutOrStdout()).Encode(d)
	} else {
		err = d.tell(c.OutOrStdout())
	}
	if err == nil && d.moving && len(d.Servers) > 0 {
		err = fmt.Errorf("node %s is not empty: %d servers remain", node, len(d.Servers))
	}
	return err
}

// drained is a node and what is on it.
type drained struct {
	Node     string    `json:"node"`
	Disabled bool      `json:"disabled"`
	Servers  []tenancy `json:"servers"`

	moving bool
}

// A tenancy is a server on a node.
type tenancy struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Status  string `json:"status"`
	Project string `json:"tenant_id"`
	Task    string `json:"OS-EXT-STS:task_state,omitempty"`
	Why     string `json:"why,omitempty"` // it remains
}

func (o *options) drain(ctx context.Context, node string, w drainOptions, says io.Writer) (*drained, error) {
	c, err := signIn(ctx, o, o.readLogin("admin"))
	if err != nil {
		return nil, err
	}
	var out struct{ Services []service }
	if err := c.Do(ctx, "GET", "compute", "/os-services?binary=nova-compute&host="+url.QueryEscape(node), nil, &out); err != nil {
		return nil, err
	}
	if len(out.Services) == 0 {
		return nil, fmt.Errorf("host %s is no node that runs servers; see: openstack compute service list", node)
	}
	body := map[string]any{"status": "disabled", "disabled_reason": w.Reason}
	if w.Undo {
		body = map[string]any{"status": "enabled"}
	}
	if err := c.Do(ctx, "PUT", "compute", "/os-services/"+out.Services[0].ID, body, nil); err != nil {
		return nil, err
	}
	d := &drained{Node: node, Disabled: !w.Undo, moving: !w.Undo && !w.NoMove}
	if !d.moving {
		d.Servers, err = tenants(ctx, c, node)
		return d, err
	}
	if w.Evacuate {
		if err := isDown(ctx, c, node); err != nil {
			return nil, err
		}
	}
	m := &mover{c: c, node: node, dead: w.Evacuate, out: says, begun: map[string]*departure{}, refused: map[string]int{}}
	within, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	d.Servers, err = m.run(within, time.Second)
	return d, err
}

// tenants are the servers of all projects on a node.
func tenants(ctx context.Context, c *client.Client, node string) ([]tenancy, error) {
	return everybodys(ctx, c, "&host="+url.QueryEscape(node), func(t tenancy) string { return t.ID })
}

// everybodys are the servers of all projects, page by page; id is one's.
func everybodys[T any](ctx context.Context, c *client.Client, more string, id func(T) string) ([]T, error) {
	all, marker := []T{}, ""
	for {
		var out struct{ Servers []T }
		if err := c.Do(ctx, "GET", "compute", "/servers/detail?all_tenants=1&limit=500"+more+marker, nil, &out); err != nil {
			return nil, err
		}
		if all = append(all, out.Servers...); len(out.Servers) < 500 {
			return all, nil
		}
		marker = "&marker=" + id(out.Servers[len(out.Servers)-1])
	}
}

func (d *drained) tell(out io.Writer) error {
	if !d.Disabled {
		fmt.Fprintf(out, "Node %s takes new servers again; it has %d.\n", d.Node, len(d.Servers))
		return nil
	}
	if len(d.Servers) == 0 {
		fmt.Fprintf(out, "Node %s takes no new servers, and has none. It can be taken off: stackd node remove %s\n", d.Node, d.Node)
		return nil
	}
	fmt.Fprintf(out, "Node %s takes no new servers. These remain:\n", d.Node)
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tSTATUS\tPROJECT\tWHY")
	for _, s := range d.Servers {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.ID, s.Name, s.Status, s.Project, s.Why)
	}
	return w.Flush()
}
