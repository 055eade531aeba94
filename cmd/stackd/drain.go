package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"

	"stackd/internal/client"

	"github.com/spf13/cobra"
)

func nodeDrainCommand() *cobra.Command {
	var data, output, reason string
	var undo bool
	c := &cobra.Command{Use: "drain NODE", Short: "Let no new servers onto a node, and say which are there", Args: cobra.ExactArgs(1),
		Long: `Let no new servers onto a node, and say which are there. Servers are not moved away: each
that remains must be moved, rebuilt elsewhere or deleted by whoever it belongs to before the
node is taken off (stackd node remove NODE). --undo lets servers in again.

It ends with status 0 also while servers remain; --output json counts them.`,
		Example: "  stackd node drain compute1 --reason 'new memory'\n  stackd node drain compute1 --undo",
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			o, err := load(data)
			if err != nil {
				return err
			}
			d, err := o.drain(c.Context(), args[0], reason, undo)
			if err != nil {
				return err
			}
			if output == "json" {
				return json.NewEncoder(c.OutOrStdout()).Encode(d)
			}
			return d.tell(c.OutOrStdout())
		}}
	f := c.Flags()
	f.StringVar(&data, "data", "/var/lib/stackd", "folder of the cloud")
	f.StringVar(&reason, "reason", "it is drained", "why, for whoever lists services")
	f.BoolVar(&undo, "undo", false, "let servers in again")
	f.StringVar(&output, "output", "text", "text or json")
	return c
}

// drained is a node and what is on it.
type drained struct {
	Node     string    `json:"node"`
	Disabled bool      `json:"disabled"`
	Servers  []tenancy `json:"servers"`
}

// A tenancy is a server on a node.
type tenancy struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Status  string `json:"status"`
	Project string `json:"tenant_id"`
}

func (o *options) drain(ctx context.Context, node, reason string, undo bool) (*drained, error) {
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
	body := map[string]any{"status": "disabled", "disabled_reason": reason}
	if undo {
		body = map[string]any{"status": "enabled"}
	}
	if err := c.Do(ctx, "PUT", "compute", "/os-services/"+out.Services[0].ID, body, nil); err != nil {
		return nil, err
	}
	d := &drained{Node: node, Disabled: !undo}
	d.Servers, err = tenants(ctx, c, node)
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
	fmt.Fprintf(out, "Node %s takes no new servers. These remain; they are not moved by themselves:\n", d.Node)
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tSTATUS\tPROJECT")
	for _, s := range d.Servers {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.ID, s.Name, s.Status, s.Project)
	}
	return w.Flush()
}
