package mapping

import (
	"regexp"
	"strconv"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/rest"
)

// fill puts what was kept into the braces of a text. Of an attribute with several
// values the text shows all, as a list in brackets; of one without any, nothing.
func (l *locals) fill(v any) (string, error) {
	text, ok := v.(string)
	if !ok {
		return "", nil
	}
	var out strings.Builder
	next := 0
	for len(text) > 0 {
		c := text[0]
		switch {
		case strings.HasPrefix(text, "{{") || strings.HasPrefix(text, "}}"):
			out.WriteByte(c)
			text = text[2:]
		case c == '{':
			end := strings.IndexByte(text, '}')
			if end < 0 {
				return "", badBraces(text)
			}
			values, err := l.lookUp(text[1:end], &next)
			if err != nil {
				return "", err
			}
			out.WriteString(show(values))
			text = text[end+1:]
		case c == '}':
			return "", badBraces(text)
		default:
			out.WriteByte(c)
			text = text[1:]
		}
	}
	return out.String(), nil
}

func badBraces(text string) error {
	return fault.New(fault.Invalid, "The braces in %q of the mapping do not match.", text)
}

var place = regexp.MustCompile(`^([0-9]*)(?:\[([0-9]+)\])?$`)

// lookUp is the values that "0" stands for, or the one that "0[1]" does; "" counts up.
func (l *locals) lookUp(name string, next *int) ([]string, error) {
	m := place.FindStringSubmatch(name)
	if m == nil {
		return nil, badBraces("{" + name + "}")
	}
	n := *next
	if m[1] == "" {
		*next++
	} else {
		n = index(m[1])
	}
	if n >= len(l.kept) {
		return nil, fault.New(fault.Invalid, "Local section in mapping refers to a remote match that doesn't exist (e.g. {0} in a local section).")
	}
	if m[2] == "" {
		return l.kept[n], nil
	}
	k := index(m[2])
	if k >= len(l.kept[n]) {
		return nil, fault.New(fault.Invalid, "Local section in mapping refers to a value that a remote match does not have.")
	}
	return l.kept[n][k : k+1], nil
}

func index(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 1 << 30 // more than there ever are
	}
	return n
}

func show(values []string) string {
	switch len(values) {
	case 0:
		return ""
	case 1:
		return values[0]
	}
	return rest.Repr(values)
}

var whole = regexp.MustCompile(`^\{([0-9]*(?:\[[0-9]+\])?)\}$`)

// list is a text that stands for several: braces alone are all their values, and
// brackets in the rule itself hold quoted texts.
func (l *locals) list(v any) ([]string, error) {
	text, ok := v.(string)
	if !ok {
		return nil, nil
	}
	if m := whole.FindStringSubmatch(text); m != nil {
		return l.lookUp(m[1], new(int))
	}
	quoted, ok := literal(text)
	if !ok {
		quoted = []string{text}
	}
	var out []string
	for _, q := range quoted {
		s, err := l.fill(q)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// literal reads ['a', "b"].
func literal(text string) ([]string, bool) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "[") || !strings.HasSuffix(text, "]") || len(text) < 2 {
		return nil, false
	}
	rest := strings.TrimSpace(text[1 : len(text)-1])
	out := []string{}
	for rest != "" {
		quote := rest[:1]
		if quote != "'" && quote != `"` {
			return nil, false
		}
		body, after, ok := strings.Cut(rest[1:], quote)
		if !ok || strings.Contains(body, `\`) {
			return nil, false
		}
		out, rest = append(out, body), strings.TrimSpace(after)
		if rest == "" {
			break
		}
		if rest[0] != ',' {
			return nil, false
		}
		rest = strings.TrimSpace(rest[1:])
	}
	return out, true
}
