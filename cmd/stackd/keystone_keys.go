package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"strings"
	"text/tabwriter"

	"stackd/keystone"

	"github.com/spf13/cobra"
)

// keysCommand is "stackd keystone token …", also known by the name of the usual kind.
func keysCommand() *cobra.Command {
	c := &cobra.Command{Use: "token", Aliases: []string{"fernet"}, Short: "Look after the keys of tokens"}
	c.AddCommand(rotateCommand(), keyListCommand())
	return c
}

func rotateCommand() *cobra.Command {
	var data string
	c := &cobra.Command{Use: "rotate", Short: "Sign tokens with the staged keys, and stage new ones", Args: cobra.NoArgs,
		Long: "Signs tokens with the keys that were staged, stages new ones and drops the oldest. The cloud does this by itself once\n" +
			"a day; tokens that were made stay good, and nothing has to start again. Control planes on PostgreSQL follow at once,\n" +
			"one on an SQLite file within ten minutes.",
		Example: "  stackd keystone token rotate",
		RunE: func(c *cobra.Command, _ []string) error {
			return withIdentity(c, data, func(i *keystone.Identity) error {
				if err := i.ByHand(c.Context(), operator(), "stackd keystone token rotate", "updated.key", "key", i.RotateKeys); err != nil {
					return err
				}
				fmt.Fprintln(c.OutOrStdout(), "The keys of tokens are rotated.")
				return nil
			})
		}}
	c.Flags().StringVar(&data, "data", "/var/lib/stackd", "folder of the cloud")
	return c
}

func keyListCommand() *cobra.Command {
	var data, output string
	c := &cobra.Command{Use: "list", Short: "List the keys of tokens, without their secrets", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withIdentity(c, data, func(i *keystone.Identity) error {
				keys, err := i.TokenKeys(c.Context())
				if err != nil {
					return err
				}
				return printKeys(c, output, keys)
			})
		}}
	c.Flags().StringVar(&data, "data", "/var/lib/stackd", "folder of the cloud")
	c.Flags().StringVar(&output, "output", "text", "text or json")
	return c
}

// operator is who types the commands, as the machine knows it.
func operator() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "somebody at the machine"
}

// withIdentity runs f on the identity of a cloud that may be running: what f does
// must not need a running control plane to hear of it at once.
func withIdentity(c *cobra.Command, data string, f func(*keystone.Identity) error) error {
	o, err := load(data)
	if err != nil {
		return err
	}
	i, done, err := openIdentity(c.Context(), o, false)
	if err != nil {
		return err
	}
	defer done()
	return f(i)
}

func printKeys(c *cobra.Command, output string, keys []*keystone.Key) error {
	top := map[string]int64{}
	for _, k := range keys {
		top[k.Kind] = max(top[k.Kind], k.Position)
	}
	use := func(k *keystone.Key) string {
		switch k.Position {
		case 0:
			return "staged"
		case top[k.Kind]:
			return "signs"
		}
		return "checks"
	}
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
	switch output {
	case "text":
		fmt.Fprintln(w, strings.Join([]string{"KIND", "POSITION", "USE", "SINCE"}, "\t"))
	case "json":
	default:
		return fmt.Errorf("--output %s: text or json is wanted", output)
	}
	for _, k := range keys {
		if output == "json" {
			if err := json.NewEncoder(c.OutOrStdout()).Encode(map[string]any{"kind": k.Kind, "position": k.Position, "use": use(k), "since": k.CreatedAt}); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", k.Kind, k.Position, use(k), k.CreatedAt.Format("2006-01-02 15:04:05Z"))
	}
	return w.Flush()
}
