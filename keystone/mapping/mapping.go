package mapping

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"stackd/internal/fault"
)

// Versions are the versions of the language there are; the first is the usual one.
var Versions = []string{"1.0", "2.0", "3.0"}

// An Assertion is what is said of someone: attribute → its values.
type Assertion map[string][]string

// Split makes an assertion of attributes whose values are parted by semicolons, as
// web servers hand them on.
func Split(attributes map[string]string) Assertion {
	a := Assertion{}
	for name, v := range attributes {
		a[name] = strings.Split(v, ";")
	}
	return a
}

// A Mapping is a list of rules, ready to be applied.
type Mapping struct {
	version string
	rules   []rule
}

type rule struct {
	Local  []map[string]any `json:"local"`
	Remote []requirement    `json:"remote"`
}

// A requirement is an attribute that must be there, and one condition on it at most.
type requirement struct {
	Type      string `json:"type"`
	Regex     bool   `json:"regex"`
	AnyOneOf  *[]any `json:"any_one_of"`
	NotAnyOf  *[]any `json:"not_any_of"`
	Blacklist *[]any `json:"blacklist"`
	Whitelist *[]any `json:"whitelist"`

	patterns []*regexp.Regexp
}

// Parse reads rules (a JSON list) in a version of the language; "" is the first. A
// fault of kind Invalid tells all that is wrong with them, a line each.
func Parse(version string, rules json.RawMessage) (*Mapping, error) {
	if version == "" {
		version = Versions[0]
	}
	if !slices.Contains(Versions, version) {
		return nil, fault.New(fault.Invalid, "The schema version %q of the mapping is none of %s.", version, strings.Join(Versions, ", "))
	}
	if err := validate(version, rules); err != nil {
		return nil, err
	}
	m := &Mapping{version: version}
	if err := json.Unmarshal(rules, &m.rules); err != nil {
		return nil, fault.New(fault.Invalid, "The rules cannot be read.").Because(err)
	}
	for n := range m.rules {
		for k := range m.rules[n].Remote {
			if err := m.rules[n].Remote[k].compile(); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

func (r *requirement) compile() error {
	if !r.Regex {
		return nil
	}
	for _, text := range r.values() {
		p, err := regexp.Compile(text)
		if err != nil {
			return fault.New(fault.Invalid, "The regular expression %q of attribute %s cannot be used: %s.", text, r.Type, err)
		}
		r.patterns = append(r.patterns, p)
	}
	return nil
}

// values are the texts of the condition; what is no text matches nothing.
func (r *requirement) values() []string {
	var out []string
	for _, l := range []*[]any{r.AnyOneOf, r.NotAnyOf, r.Blacklist, r.Whitelist} {
		if l == nil {
			continue
		}
		for _, v := range *l {
			if s, ok := v.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

func (r *requirement) matches(value string) bool {
	if r.Regex {
		return slices.ContainsFunc(r.patterns, func(p *regexp.Regexp) bool { return p.MatchString(value) })
	}
	return slices.Contains(r.values(), value)
}

// meet tells whether the values satisfy the requirement, and what of them is kept
// for the rule's local part; nil is nothing to keep.
func (r *requirement) meet(values []string) (kept []string, ok bool) {
	if len(values) == 0 {
		return nil, false
	}
	var hits, others []string
	for _, v := range values {
		if r.matches(v) {
			hits = append(hits, v)
		} else {
			others = append(others, v)
		}
	}
	switch {
	case r.AnyOneOf != nil:
		return nil, len(hits) > 0
	case r.NotAnyOf != nil:
		return nil, len(hits) == 0
	case r.Blacklist != nil:
		return unique(others), true
	case r.Whitelist != nil:
		return unique(hits), true
	}
	return values, true
}

// direct tells whether the local part may speak of the values.
func (r *requirement) direct() bool { return r.AnyOneOf == nil && r.NotAnyOf == nil }

func unique(l []string) []string {
	out := []string{}
	for _, s := range l {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
