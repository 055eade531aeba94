package policy

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed defaults.tsv
var defaults string

// Rules are the rules of one service.
type Rules struct {
	service string
	rules   map[string]*Rule
	names   []string
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
	all := map[string]*Rules{}
	for line := range strings.Lines(defaults) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 5 || f[0] == "service" {
			continue
		}
		s := all[f[0]]
		if s == nil {
			s = &Rules{service: f[0], rules: map[string]*Rule{}}
			all[f[0]] = s
		}
		r := &Rule{Name: f[1], Scopes: split(f[3], ","), Operations: split(f[4], "; ")}
		if err := s.add(r, f[2]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func split(s, sep string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, sep)
}

func (s *Rules) add(r *Rule, text string) error {
	c, err := parse(text)
	if err != nil {
		return fmt.Errorf("policy of %s, rule %s: %w", s.service, r.Name, err)
	}
	r.Text, r.check = text, c
	if s.rules[r.Name] == nil {
		s.names = append(s.names, r.Name)
	}
	s.rules[r.Name] = r
	return nil
}

// Override sets the check of a rule, new or known. Its scopes stay.
func (s *Rules) Override(name, text string) error {
	r := &Rule{Name: name}
	if old := s.rules[name]; old != nil {
		*r = *old
	}
	return s.add(r, text)
}

// Names are the rules in the order of their definition.
func (s *Rules) Names() []string { return s.names }

// Rule is one rule, nil if there is none.
func (s *Rules) Rule(name string) *Rule { return s.rules[name] }

// Allows tells whether the caller may do to the target what the rule guards. A
// missing rule denies, and so does a token of a scope that the rule does not take.
func (s *Rules) Allows(rule string, c Caller, t Target) bool {
	r := s.rules[rule]
	if r == nil || !r.takes(c.Scope()) {
		return false
	}
	return r.check(s, c, t, 0)
}

func (r *Rule) takes(scope string) bool {
	return len(r.Scopes) == 0 || slices.Contains(r.Scopes, scope)
}
