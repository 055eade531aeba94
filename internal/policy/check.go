package policy

import (
	"fmt"
	"strings"
)

// A Caller is whose rights are asked about; *token.Who is one.
type Caller interface {
	Has(role string) bool
	Attr(name string) (value string, ok bool)
	Scope() string
}

// A Target is what the caller wants to act upon: attribute → value, by the names
// that the rules use ("project_id", "target.user.domain_id", "network:project_id").
// An attribute that is there but empty is None to the rules.
type Target map[string]string

type check func(s *table, c Caller, t Target, depth int) bool

func always(*table, Caller, Target, int) bool { return true }
func never(*table, Caller, Target, int) bool  { return false }

func and(a, b check) check {
	return func(s *table, c Caller, t Target, d int) bool { return a(s, c, t, d) && b(s, c, t, d) }
}

func or(a, b check) check {
	return func(s *table, c Caller, t Target, d int) bool { return a(s, c, t, d) || b(s, c, t, d) }
}

func not(a check) check {
	return func(s *table, c Caller, t Target, d int) bool { return !a(s, c, t, d) }
}

// leaf is one kind:match.
func leaf(word string) (check, error) {
	kind, match, ok := cutKind(word)
	if !ok {
		return nil, fmt.Errorf("%q is not of the form kind:match", word)
	}
	switch kind {
	case "role":
		return roleCheck(match), nil
	case "rule":
		return ruleCheck(match), nil
	case "field":
		return fieldCheck(match)
	}
	return equalCheck(kind, match), nil
}

// cutKind cuts at the first colon that is not inside quotes.
func cutKind(word string) (kind, match string, ok bool) {
	if len(word) > 1 && (word[0] == '\'' || word[0] == '"') {
		if i := strings.IndexByte(word[1:], word[0]); i >= 0 && strings.HasPrefix(word[i+2:], ":") {
			return word[:i+2], word[i+3:], true
		}
	}
	return strings.Cut(word, ":")
}

func roleCheck(match string) check {
	return func(_ *table, c Caller, t Target, _ int) bool {
		role, ok := fill(match, t)
		return ok && c.Has(strings.ToLower(role))
	}
}

func ruleCheck(name string) check {
	return func(s *table, c Caller, t Target, depth int) bool {
		r := s.rules[name]
		return r != nil && depth < 32 && r.check(s, c, t, depth+1)
	}
}

func fieldCheck(match string) (check, error) {
	_, cond, _ := strings.Cut(match, ":")
	name, want, ok := strings.Cut(cond, "=")
	if !ok {
		return nil, fmt.Errorf("%q is not of the form field:resource:name=value", match)
	}
	prefix := strings.HasPrefix(want, "~")
	return func(_ *table, _ Caller, t Target, _ int) bool {
		got, ok := t[name]
		if prefix {
			return ok && strings.HasPrefix(got, strings.TrimPrefix(strings.TrimPrefix(want, "~"), "^"))
		}
		return ok && strings.EqualFold(got, want)
	}, nil
}

func equalCheck(kind, match string) check {
	literal, isLiteral := literalOf(kind)
	return func(_ *table, c Caller, t Target, _ int) bool {
		want, ok := fill(match, t)
		if !ok {
			return false
		}
		if isLiteral {
			return want == literal || literal == "None" && want == ""
		}
		got, known := c.Attr(kind)
		if got == "" {
			return known && match == "None"
		}
		return got == want || kind == "is_admin" && (want == "1" || want == "true") && got == "True"
	}
}

func literalOf(kind string) (string, bool) {
	if kind == "None" || kind == "True" || kind == "False" {
		return kind, true
	}
	if n := len(kind); n > 1 && (kind[0] == '\'' || kind[0] == '"') && kind[n-1] == kind[0] {
		return kind[1 : n-1], true
	}
	return "", false
}

// fill puts the target's value in the place of %(name)s; false when it has none.
func fill(match string, t Target) (string, bool) {
	name, ok := strings.CutPrefix(match, "%(")
	if !ok {
		return match, true
	}
	name, ok = strings.CutSuffix(name, ")s")
	if !ok {
		return match, true
	}
	v, ok := t[name]
	return v, ok
}
