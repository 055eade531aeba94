package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"stackd/internal/policy"
	"stackd/internal/token"

	"github.com/spf13/cobra"
)

func policyCommand() *cobra.Command {
	c := &cobra.Command{Use: "policy", Short: "Look at who may do what"}
	c.AddCommand(policyList(), policyCheck())
	return c
}

func policyList() *cobra.Command {
	var output string
	c := &cobra.Command{Use: "list [SERVICE]", Short: "List the rules of all services, or of one", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := policy.Defaults()
			if err != nil {
				return err
			}
			for _, service := range slices.Sorted(maps.Keys(all)) {
				if len(args) > 0 && args[0] != service {
					continue
				}
				for _, name := range all[service].Names() {
					r := all[service].Rule(name)
					if output == "json" {
						json.NewEncoder(os.Stdout).Encode(map[string]any{"service": service, "rule": name, "check": r.Text, "scopes": r.Scopes, "operations": r.Operations})
						continue
					}
					fmt.Printf("%-10s %-60s %s\n", service, name, r.Text)
				}
			}
			return nil
		}}
	c.Flags().StringVar(&output, "output", "text", "text or json")
	return c
}

func policyCheck() *cobra.Command {
	var as, scope string
	c := &cobra.Command{Use: "check --as ROLE[,ROLE] SERVICE RULE", Short: "Say whether a role may do what a rule guards, to its own project's things", Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := policy.Defaults()
			if err != nil {
				return err
			}
			rules := all[args[0]]
			if rules == nil || rules.Rule(args[1]) == nil {
				return fmt.Errorf("%s has no rule %s; see: stackd policy list %s", args[0], args[1], args[0])
			}
			w := &token.Who{User: token.Ref{ID: "user"}}
			switch scope {
			case "project":
				w.Project.ID = "own"
			case "domain":
				w.Domain.ID = "own"
			case "system":
				w.System = true
			}
			for _, r := range strings.Split(as, ",") {
				w.Roles = append(w.Roles, token.Ref{ID: r, Name: r})
			}
			answer := "no"
			if rules.Allows(args[1], w, policy.Target{"project_id": "own", "user_id": "user"}) {
				answer = "yes"
			}
			fmt.Println(answer)
			return nil
		}}
	c.Flags().StringVar(&as, "as", "member", "the roles that the caller has")
	c.Flags().StringVar(&scope, "scope", "project", "project, domain or system")
	return c
}
