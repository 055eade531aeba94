package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
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

// rulesOf are the default rules as a policy.yaml, if one is named, changes them.
func rulesOf(file string) (map[string]*policy.Rules, error) {
	all, err := policy.Defaults()
	if err != nil || file == "" {
		return all, err
	}
	f := policy.File{Path: file}
	return all, f.Load(all)
}

func policyList() *cobra.Command {
	var output, file string
	c := &cobra.Command{Use: "list [SERVICE]", Short: "List the rules of all services, or of one", Args: cobra.MaximumNArgs(1),
		Example: "  stackd policy list nova\n  stackd policy list --output json | jq .",
		RunE: func(c *cobra.Command, args []string) error {
			all, err := rulesOf(file)
			if err != nil {
				return err
			}
			print, ok := ruleFormats[output]
			if !ok {
				return fmt.Errorf("--output %s: text, json or tsv is wanted", output)
			}
			services := policy.Services()
			if len(args) > 0 {
				if all[args[0]] == nil {
					return fmt.Errorf("there is no service %s; there are %s", args[0], strings.Join(services, ", "))
				}
				services = args
			}
			if output == "tsv" {
				fmt.Fprintln(c.OutOrStdout(), "service\trule\tcheck_str\texpanded\tscope_types\toperations")
			}
			for _, service := range services {
				for _, name := range all[service].Names() {
					print(c.OutOrStdout(), service, all[service].Rule(name), all[service].Expanded(name))
				}
			}
			return nil
		}}
	c.Flags().StringVar(&output, "output", "text", "text, json or tsv")
	c.Flags().StringVar(&file, "policy", "", "a policy.yaml over the defaults")
	return c
}

var ruleFormats = map[string]func(w io.Writer, service string, r *policy.Rule, expanded string){
	"text": func(w io.Writer, service string, r *policy.Rule, _ string) {
		fmt.Fprintf(w, "%-10s %-60s %s\n", service, r.Name, r.Text)
	},
	"json": func(w io.Writer, service string, r *policy.Rule, expanded string) {
		json.NewEncoder(w).Encode(map[string]any{"service": service, "rule": r.Name, "check": r.Text, "expanded": expanded, "scopes": r.Scopes, "operations": r.Operations})
	},
	"tsv": func(w io.Writer, service string, r *policy.Rule, expanded string) {
		fmt.Fprintln(w, strings.Join([]string{service, r.Name, r.Text, expanded, strings.Join(r.Scopes, ","), strings.Join(r.Operations, "; ")}, "\t"))
	},
}

func policyCheck() *cobra.Command {
	var as, scope, file, output string
	var target []string
	var foreign bool
	c := &cobra.Command{Use: "check --as ROLE[,ROLE] RULE", Short: "Say whether a role may do what a rule guards", Args: cobra.ExactArgs(1),
		Long: "Says whether a caller with these roles, in the scope given, may do what the rule guards: to things of its own project\n" +
			"(or domain), or with --foreign to those of another. --target gives further attributes of the thing. It prints yes or no.",
		Example: "  stackd policy check --as member os_compute_api:servers:create\n  stackd policy check --as manager --scope domain identity:create_user\n  stackd policy check --as reader --foreign keystone:identity:get_project",
		RunE: func(c *cobra.Command, args []string) error {
			all, err := rulesOf(file)
			if err != nil {
				return err
			}
			service, rule, err := whichRule(all, args[0])
			if err != nil {
				return err
			}
			who, thing, err := questioned(as, scope, foreign, target)
			if err != nil {
				return err
			}
			yes := all[service].Allows(rule, who, thing)
			if output == "json" {
				r := all[service].Rule(rule)
				return json.NewEncoder(c.OutOrStdout()).Encode(map[string]any{"service": service, "rule": rule, "allowed": yes, "check": r.Text, "expanded": all[service].Expanded(rule), "scopes": r.Scopes})
			}
			fmt.Fprintln(c.OutOrStdout(), map[bool]string{true: "yes", false: "no"}[yes])
			return nil
		}}
	f := c.Flags()
	f.StringVar(&as, "as", "member", "the roles that the caller has; those they imply are added")
	f.StringVar(&scope, "scope", "project", "what the caller's token is for: project, domain, system or none")
	f.BoolVar(&foreign, "foreign", false, "the thing belongs to another project and domain")
	f.StringArrayVar(&target, "target", nil, "NAME=VALUE, an attribute of the thing, as the rule calls it; may be repeated")
	f.StringVar(&file, "policy", "", "a policy.yaml over the defaults")
	f.StringVar(&output, "output", "text", "text or json")
	return c
}

// whichRule finds a rule by its name, or by SERVICE:NAME where several services have it.
func whichRule(all map[string]*policy.Rules, name string) (service, rule string, err error) {
	if s, r, ok := strings.Cut(name, ":"); ok && all[s] != nil && all[s].Rule(r) != nil {
		return s, r, nil
	}
	var in []string
	for _, s := range slices.Sorted(maps.Keys(all)) {
		if all[s].Rule(name) != nil {
			in = append(in, s)
		}
	}
	switch len(in) {
	case 0:
		return "", "", fmt.Errorf("there is no rule %s; all of them: stackd policy list", name)
	case 1:
		return in[0], name, nil
	}
	return "", "", fmt.Errorf("%s is a rule of %s; say which, for example %s:%s", name, strings.Join(in, " and "), in[0], name)
}

// questioned is the caller and the thing that a check is about.
func questioned(as, scope string, foreign bool, attributes []string) (*token.Who, policy.Target, error) {
	w := &token.Who{User: token.Ref{ID: "user"}, UserDomain: token.Ref{ID: "own"}}
	switch scope {
	case "project":
		w.Project.ID, w.ProjectDomain.ID = "own", "own"
	case "domain":
		w.Domain.ID = "own"
	case "system":
		w.System = true
	case "none":
	default:
		return nil, nil, fmt.Errorf("--scope %s: project, domain, system or none is wanted", scope)
	}
	for _, r := range withImplied(strings.Split(as, ",")) {
		w.Roles = append(w.Roles, token.Ref{ID: r, Name: r})
	}
	home, user := "own", "user"
	if foreign {
		home, user = "foreign", "other"
	}
	t := policy.Target{"user_id": user}
	for _, n := range []string{"project_id", "tenant_id", "domain_id", "network:project_id", "network:tenant_id", "router:project_id", "owner"} {
		t[n] = home
	}
	for _, n := range []string{"user", "project", "group", "domain", "role", "trust", "credential", "limit"} {
		t["target."+n+".domain_id"], t["target."+n+".project_id"], t["target."+n+".user_id"] = home, home, user
	}
	t["target.domain.id"], t["target.project.id"], t["target.user.id"], t["target.token.user_id"] = home, home, user, user
	for _, a := range attributes {
		k, v, ok := strings.Cut(a, "=")
		if !ok {
			return nil, nil, fmt.Errorf("--target %s: NAME=VALUE is wanted", a)
		}
		t[k] = v
	}
	return w, t, nil
}

// withImplied adds the roles that the usual ones imply.
func withImplied(roles []string) []string {
	chain := []string{"admin", "manager", "member", "reader"}
	for n, r := range chain {
		if slices.Contains(roles, r) {
			roles = append(roles, chain[n+1:]...)
			break
		}
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}
