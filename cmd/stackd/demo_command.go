package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

func demoCommand() *cobra.Command {
	var data, within, pool, output string
	c := &cobra.Command{Use: "demo", Short: "Make a demo project, its user and its networks, in a cloud that runs", Args: cobra.NoArgs,
		Long: `Make, in a cloud that runs, a project "demo" with a user of that name, flavors, a public
network and a private one behind a router. What is there already stays. The user's password
is in STACKD_DEMO_PASSWORD, or one that is made up; keystonerc_demo and clouds.yaml in the
data folder hold it. An image and a first server are up to you (stackd up --demo makes both).`,
		Example: "  stackd demo --range 192.0.2.0/24",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			o, err := load(data)
			if err != nil {
				return err
			}
			if err := o.gatewayIn(within); err != nil {
				return err
			}
			d := &demonstration{o: o, s: newSteps(os.Stderr, false), password: os.Getenv("STACKD_DEMO_PASSWORD")}
			if d.pool, err = pools(pool); err != nil {
				return err
			}
			if d.admin, err = signIn(c.Context(), o, o.readLogin("admin")); err != nil {
				return err
			}
			if err := d.project(c.Context()); err != nil {
				return err
			}
			if output == "json" {
				return json.NewEncoder(c.OutOrStdout()).Encode(map[string]any{"project": d.user.ProjectID, "user": d.user.UserID, "public_network": d.publicID, "private_network": d.privateID, "credentials": o.path("keystonerc_demo")})
			}
			fmt.Fprintf(c.OutOrStdout(), "The demo project is there; its credentials are in %s.\n", o.path("keystonerc_demo"))
			return nil
		}}
	f := c.Flags()
	f.StringVar(&data, "data", "/var/lib/stackd", "folder of the cloud")
	f.StringVar(&within, "range", "172.24.4.0/24", "addresses of the public network; the first is its gateway")
	f.StringVar(&pool, "pool", "", "first and last floating address, FIRST-LAST (default: all but the first ten)")
	f.StringVar(&output, "output", "text", "text or json")
	return c
}

// gatewayIn takes the first address of a network for its gateway.
func (o *options) gatewayIn(within string) error {
	p, err := netip.ParsePrefix(within)
	if err != nil || !p.Addr().Is4() || p.Bits() > 28 {
		return fmt.Errorf("--range %s: an IPv4 network of at least 16 addresses is wanted, for example 172.24.4.0/24", within)
	}
	o.Gateway = netip.PrefixFrom(p.Masked().Addr().Next(), p.Bits()).String()
	return nil
}

// pools reads FIRST-LAST.
func pools(s string) ([]any, error) {
	if s == "" {
		return nil, nil
	}
	first, last, _ := strings.Cut(s, "-")
	for _, a := range []string{first, last} {
		if _, err := netip.ParseAddr(a); err != nil {
			return nil, fmt.Errorf("--pool %s: FIRST-LAST is wanted, for example 192.0.2.100-192.0.2.200", s)
		}
	}
	return []any{map[string]string{"start": first, "end": last}}, nil
}
