package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"

	"stackd/internal/lookup"

	"github.com/spf13/cobra"
)

const resolvConf = "/etc/resolv.conf"

func digCommand() *cobra.Command {
	var o lookup.Options
	var output string
	c := &cobra.Command{Use: "dig [@SERVER] [NAME] [TYPE] [+OPTION…]", Short: "Ask DNS servers, as dig does",
		Long: `Ask DNS servers, with dig's words, on hosts that do not have it. Without @SERVER the servers
of /etc/resolv.conf are asked. +short prints only what was found; +tcp, +noedns, +norecurse,
+time=N and +tries=N are known too.`,
		Example: "  stackd dig @192.0.2.5 controller.cloud.internal\n  stackd dig -x 192.0.2.10 +short\n  stackd dig -f names.txt @192.0.2.5",
		RunE: func(c *cobra.Command, words []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			o.JSON = output == "json"
			ctx, cancel := signal.NotifyContext(c.Context(), os.Interrupt)
			defer cancel()
			if o.File != "" {
				return digFile(ctx, o, words, c.InOrStdin(), c.OutOrStdout())
			}
			d, err := lookup.NewDig(o, words, lookup.System(resolvConf))
			if err != nil {
				return err
			}
			return d.Run(ctx, c.OutOrStdout())
		}}
	f := c.Flags()
	f.StringVarP(&o.Source, "bind", "b", "", "this machine's address that is asked from, ADDRESS or ADDRESS#PORT")
	f.StringVarP(&o.File, "file", "f", "", "file of questions, a line each (-: the standard input)")
	f.IntVarP(&o.Port, "port", "p", 53, "port of the servers")
	f.StringVarP(&o.Type, "type", "t", "", "type of record (default A)")
	f.StringVarP(&o.Reverse, "reverse", "x", "", "address whose name is asked for")
	f.BoolVarP(&o.Only4, "ipv4", "4", false, "ask by IPv4 alone")
	f.BoolVarP(&o.Only6, "ipv6", "6", false, "ask by IPv6 alone")
	f.StringVar(&output, "output", "text", "text or json")
	return c
}

func digFile(ctx context.Context, o lookup.Options, words []string, in io.Reader, out io.Writer) error {
	if o.File != "-" {
		f, err := os.Open(o.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	return lookup.Batch(ctx, o, words, lookup.System(resolvConf), in, out)
}

func nslookupCommand() *cobra.Command {
	return &cobra.Command{Use: "nslookup [-OPTION=VALUE…] [NAME|ADDRESS [SERVER]]", Short: "Look names and addresses up, as nslookup does",
		Long: `Look a name or an address up, with nslookup's words. Options: -type=TYPE, -port=N,
-timeout=SECONDS, -retry=N, -vc, -norecurse. Without a name, lines are read: names,
server ADDRESS, set OPTION, exit.`,
		Example:            "  stackd nslookup controller 192.0.2.5\n  stackd nslookup 192.0.2.10",
		DisableFlagParsing: true, // its options are long words after one dash
		RunE: func(c *cobra.Command, words []string) error {
			l := &lookup.Lookup{System: lookup.System(resolvConf), Out: c.OutOrStdout(), Asker: lookup.Asker{Tries: 2}}
			var rest []string
			for _, w := range words {
				switch {
				case w == "-h" || w == "--help":
					return c.Help()
				case len(w) > 1 && w[0] == '-':
					if err := l.Set(strings.TrimLeft(w, "-")); err != nil {
						return err
					}
				case w != "-":
					rest = append(rest, w)
				}
			}
			if len(rest) > 2 {
				return errors.New("a name and a server are wanted, no more")
			}
			if len(rest) == 2 {
				l.Servers = rest[1:]
			}
			if len(rest) == 0 {
				return l.Session(c.Context(), c.InOrStdin())
			}
			return l.Find(c.Context(), rest[0])
		}}
}
