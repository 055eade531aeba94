package policy

import (
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
)

//go:embed defaults.tsv
var defaults string

// Rules are the rules of one service. They may be replaced while they are asked.
type Rules struct {
	service  string
	defaults *table
	now      atomic.Pointer[table]
}

// A table is the rules at one time; it does not change.
type table struct {
	rules map[string]*Rule
	names []string
}

// A Rule is one named rule. Scopes are the kinds of token it takes; none is any.
// Operations are the documented ones it guards, "GET /v3/users" each.
type Rule struct {
	Name, Text string
	Scopes     []string
	Operations []string
	check      check
}

// Defaults are OpenStack's default rules, by service: keystone, nova, …
func Defaults() (map[string]*Rules, error) {
	tables := map[string]*table{}
	for line := range strings.Lines(defaults) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 5 || f[0] == "service" {
			continue
		}
		if tables[f[0]] == nil {
			tables[f[0]] = &table{rules: map[string]*Rule{}}
		}
		r := &Rule{Name: f[1], Scopes: split(f[3], ","), Operations: split(f[4], "; ")}
		if err := tables[f[0]].add(r, f[2]); err != nil {
			return nil, fmt.Errorf("%s: %w", f[0], err)
		}
	}
	for name, r := range tables["neutron"].rules { // VPN is a part of neutron, and its rules name neutron's
		if vpn := tables["neutron-vpnaas"]; vpn.rules[name] == nil {
			vpn.rules[name] = r
		}
	}
	all := map[string]*Rules{}
	for service, t := range tables {
		all[service] = &Rules{service: service, defaults: t}
		all[service].now.Store(t)
	}
	return all, nil
}

func split(s, sep string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, sep)
}

func (t *table) add(r *Rule, text string) error {
	c, err := parse(text)
	if err != nil {
		return fmt.Errorf("rule %s: %w", r.Name, err)
	}
	r.Text, r.check = text, c
	if t.rules[r.Name] == nil {
		t.names = append(t.names, r.Name)
	}
	t.rules[r.Name] = r
	return nil
}

// with is the table with other checks for some rules, new or known. Scopes stay.
func (t *table) with(checks map[string]string) (*table, error) {
	n := &table{rules: maps.Clone(t.rules), names: slices.Clone(t.names)}
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		r := &Rule{Name: name}
		if old := t.rules[name]; old != nil {
			*r = *old
		}
		if err := n.add(r, checks[name]); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// Services are the names that Defaults has, in the order of the reference.
func Services() []string {
	var names []string
	for line := range strings.Lines(defaults) {
		if service, _, _ := strings.Cut(line, "\t"); service != "service" && !slices.Contains(names, service) {
			names = append(names, service)
		}
	}
	return names
}

// Names are the rules in the order of their definition.
func (s *Rules) Names() []string { return s.now.Load().names }

// Rule is one rule, nil if there is none.
func (s *Rules) Rule(name string) *Rule { return s.now.Load().rules[name] }

// Allows tells whether the caller may do to the target what the rule guards. A
// missing rule denies, and so does a token of a scope that the rule does not take.
func (s *Rules) Allows(rule string, c Caller, t Target) bool {
	now := s.now.Load()
	r := now.rules[rule]
	if r == nil || !r.takes(c.Scope()) {
		return false
	}
	return r.check(now, c, t, 0)
}

// takes tells whether a token of that scope may be held against the rule at all. A rule
// that takes tokens of every scope takes one of none too: anybody may end their own
// token.
func (r *Rule) takes(scope string) bool {
	return len(r.Scopes) == 0 || slices.Contains(r.Scopes, scope) || scope == "" && len(r.Scopes) == 3
}

// Expanded is a rule's check with the rules it names written out, in brackets.
func (s *Rules) Expanded(name string) string { return s.now.Load().expand(name, 0) }

func (t *table) expand(name string, depth int) string {
	r := t.rules[name]
	if r == nil || depth > 32 {
		return "rule:" + name
	}
	return ruleName.ReplaceAllStringFunc(r.Text, func(word string) string {
		to := strings.TrimPrefix(word, "rule:")
		if t.rules[to] == nil {
			return word
		}
		return "(" + t.expand(to, depth+1) + ")"
	})
}

var ruleName = regexp.MustCompile(`rule:[^\s()]+`)
