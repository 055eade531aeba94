package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"stackd/internal/listing"
	"stackd/keystone"
	keystoneapi "stackd/keystone/api"

	"github.com/spf13/cobra"
)

// auditCommand is "stackd keystone audit".
func auditCommand() *cobra.Command {
	var data, output, since, until string
	var limit int
	where := map[string]*string{}
	c := &cobra.Command{Use: "audit", Short: "Show who changed identity, and who signed in", Args: cobra.NoArgs,
		Long: "Shows the events of the audit, the newest first: every change of identity and every sign-in, good or bad. They are also\n" +
			"read by GET /v3/OS-AUDIT/events; docs/audit.md says what is in them.",
		Example: "  stackd keystone audit --action authenticate --outcome failure --since 24h\n  stackd keystone audit --output json --limit 0 | jq .",
		RunE: func(c *cobra.Command, _ []string) error {
			from, err1 := moment(since)
			to, err2 := moment(until)
			if err1 != nil || err2 != nil {
				return fmt.Errorf("--since, --until: a time as 2026-11-24T12:00:00Z, or how long ago as 24h, is wanted")
			}
			if output != "text" && output != "json" {
				return fmt.Errorf("--output %s: text or json is wanted", output)
			}
			l := listing.List{Limit: limit, Where: map[string][]string{}}
			for name, v := range where {
				if *v != "" {
					l.Where[name] = []string{*v}
				}
			}
			return withIdentity(c, data, func(i *keystone.Identity) error {
				page, err := i.Events(c.Context(), l, from, to)
				if err != nil {
					return err
				}
				return printEvents(c, output, page.Items)
			})
		}}
	f := c.Flags()
	for name, text := range map[string]string{"user_id": "id of who did it", "project_id": "id of the project that its token was for", "action": "authenticate, created.user, deleted.role …",
		"outcome": "success or failure", "target_id": "id of what it was done to"} {
		where[name] = f.String(flagName(name), "", text)
	}
	f.StringVar(&data, "data", "/var/lib/stackd", "folder of the cloud")
	f.StringVar(&output, "output", "text", "text or json")
	f.StringVar(&since, "since", "", "not those before this time, or longer ago")
	f.StringVar(&until, "until", "", "only those before this time, or longer ago")
	f.IntVar(&limit, "limit", 100, "how many at most; 0 is all")
	return c
}

func flagName(filter string) string {
	b := []byte(filter)
	for n := range b {
		if b[n] == '_' {
			b[n] = '-'
		}
	}
	return string(b)
}

// moment reads a time, or how long ago it was; "" is no time.
func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return time.Now().UTC().Add(-ago), nil
	}
	return time.Parse(time.RFC3339, text)
}

func printEvents(c *cobra.Command, output string, es []*keystone.Event) error {
	if output == "json" {
		b, err := keystoneapi.EventsPage(es)
		if err == nil {
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", b)
		}
		return err
	}
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "TIME\tACTION\tOUTCOME\tUSER\tADDRESS\tTARGET\tREASON")
	for _, e := range es {
		why := ""
		if e.Code != 0 {
			why = fmt.Sprintf("%d %q", e.Code, e.Reason)
		}
		if e.Repeats > 0 {
			why += fmt.Sprintf(" (%d times more)", e.Repeats)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.At.Format("2006-01-02 15:04:05Z"), e.Action, e.Outcome, shown(e.UserName, e.UserID), e.Address, shown(e.TargetID), why)
	}
	return w.Flush()
}

// shown is the first text there is, with nothing in it that a terminal would obey.
func shown(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			q := fmt.Sprintf("%+q", t)
			return q[1 : len(q)-1]
		}
	}
	return "-"
}
