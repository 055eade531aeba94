package glance

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Protections say who may create, read, update and delete which properties of images.
// The first rule whose pattern a property's name matches counts; nil protects none.
type Protections []Protection

// A Protection is one rule: roles, or with policies the names of rules, by operation.
type Protection struct {
	match *regexp.Regexp
	by    map[string][]string
}

var operations = []string{"create", "read", "update", "delete"}

// ParseProtections reads the file of rules: sections whose names are patterns, and in
// each the four operations with what is permitted: names, @ for all, ! for none.
func ParseProtections(r io.Reader) (Protections, error) {
	var out Protections
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[' && strings.HasSuffix(line, "]"):
			re, err := regexp.Compile("^(?:" + line[1:len(line)-1] + ")")
			if err != nil {
				return nil, err
			}
			out = append(out, Protection{re, map[string][]string{}})
		default:
			name, value, ok := strings.Cut(line, "=")
			name = strings.TrimSpace(name)
			if !ok || len(out) == 0 || !slices.Contains(operations, name) {
				return nil, fmt.Errorf("property protections: %q is no rule", line)
			}
			out[len(out)-1].by[name] = permitted(value)
		}
	}
	for _, p := range out {
		for _, op := range operations {
			if p.by[op] == nil {
				return nil, fmt.Errorf("property protections: [%s] says nothing of %s", p.match, op)
			}
			if slices.Contains(p.by[op], "@") && slices.Contains(p.by[op], "!") {
				return nil, fmt.Errorf("property protections: [%s] permits %s to all and to none", p.match, op)
			}
		}
	}
	return out, lines.Err()
}

func permitted(value string) []string {
	names := []string{}
	for n := range strings.SplitSeq(value, ",") {
		if n = strings.TrimSpace(n); n != "" {
			names = append(names, n)
		}
	}
	return names
}

// Allows tells whether an operation on a property is permitted; is tells whether the
// caller has one of the names.
func (ps Protections) Allows(property, operation string, is func(name string) bool) bool {
	if ps == nil {
		return true
	}
	for _, p := range ps {
		if !p.match.MatchString(property) {
			continue
		}
		names := p.by[operation]
		return !slices.Contains(names, "!") && (slices.Contains(names, "@") || slices.ContainsFunc(names, is))
	}
	return false
}

// Guard are the protections that hold.
func (g *Imaging) Guard() Protections { return g.guard }
