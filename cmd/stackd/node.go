package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"stackd/agent/join"
	joinstore "stackd/agent/join/store"
	"stackd/internal/sqldb"
	"stackd/keystone"

	"github.com/spf13/cobra"
)

func nodeCommand() *cobra.Command {
	c := &cobra.Command{Use: "node", Short: "Say which hosts may be nodes of a cloud"}
	c.AddCommand(tokenCommand(), nodeListCommand(), nodeDrainCommand(), nodeAddCommand(), nodeRemoveCommand())
	return c
}

func tokenCommand() *cobra.Command {
	var data, host, output string
	var life time.Duration
	c := &cobra.Command{Use: "token", Short: "Make a join token, by which a host becomes a node", Args: cobra.NoArgs,
		Long: `Make a join token. A host shows it once, with: stackd agent --plane ADDRESS --token TOKEN
A token with --host is good for that name alone, also when a node has it already (a host
that lost its disk); without, it is good for any name that no node has.`,
		Example: "  stackd node token\n  stackd node token --host compute1 --life 15m",
		RunE: func(c *cobra.Command, _ []string) error {
			if life <= 0 || life > 30*24*time.Hour {
				return fmt.Errorf("--life %s: at most 720h", life)
			}
			return withGate(c.Context(), data, func(g *join.Gate) error {
				p, err := g.NewToken(c.Context(), host, life)
				if err != nil {
					return err
				}
				if output == "json" {
					return json.NewEncoder(c.OutOrStdout()).Encode(map[string]any{"token": p.String(), "host": host, "expires_at": time.Now().Add(life).UTC()})
				}
				fmt.Fprintln(c.OutOrStdout(), p)
				return nil
			})
		}}
	f := c.Flags()
	f.StringVar(&data, "data", "/var/lib/stackd", "folder of the cloud")
	f.StringVar(&host, "host", "", "the only host that it is good for (default: any that is no node yet)")
	f.DurationVar(&life, "life", time.Hour, "how long it is good")
	f.StringVar(&output, "output", "text", "text or json")
	return c
}

func nodeListCommand() *cobra.Command {
	var data, output string
	c := &cobra.Command{Use: "list", Short: "List the hosts that have joined", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withGate(c.Context(), data, func(g *join.Gate) error {
				nodes, err := g.Nodes(c.Context())
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
				if output != "json" {
					fmt.Fprintln(w, "HOST\tJOINED\tCERTIFICATE UNTIL")
				}
				for _, n := range nodes {
					if output == "json" {
						err = json.NewEncoder(w).Encode(map[string]any{"host": n.Host, "joined_at": n.JoinedAt, "certificate_until": n.ExpiresAt})
					} else {
						_, err = fmt.Fprintf(w, "%s\t%s\t%s\n", n.Host, n.JoinedAt.Format(time.DateTime), n.ExpiresAt.Format(time.DateTime))
					}
					if err != nil {
						return err
					}
				}
				return w.Flush()
			})
		}}
	c.Flags().StringVar(&data, "data", "/var/lib/stackd", "folder of the cloud")
	c.Flags().StringVar(&output, "output", "text", "text or json")
	return c
}

// withGate opens the gate of the cloud in a data folder, which may run meanwhile.
func withGate(ctx context.Context, data string, f func(*join.Gate) error) error {
	o, err := load(data)
	if err != nil {
		return err
	}
	key, err := keystone.MasterKey(o.path("master.key"))
	if err != nil {
		return err
	}
	db, err := sqldb.Open(ctx, o.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := joinstore.Open(ctx, db)
	if err != nil {
		return err
	}
	g, err := join.New(ctx, s, key)
	if err != nil {
		return err
	}
	return f(g)
}
