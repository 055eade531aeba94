package api

import (
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"stackd/internal/rest"
	"stackd/neutron"

	"github.com/google/uuid"
)

func contains(s []string, v string) bool { return slices.Contains(s, v) }

func sorted(s []string) []string { slices.Sort(s); return s }

// orNull lets null be the zero value.
func orNull[V any](r reader[V]) reader[V] {
	return func(v any) (V, string) {
		if v == nil {
			var zero V
			return zero, ""
		}
		return r(v)
	}
}

// repr shows a value as Python would.
func repr(v any) string {
	switch x := v.(type) {
	case nil:
		return "None"
	case bool:
		if x {
			return "True"
		}
		return "False"
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return rest.Repr(v)
}

func text(most int) reader[string] {
	return func(v any) (string, string) {
		s, ok := v.(string)
		if !ok {
			return "", fmt.Sprintf("'%s' is not a valid string", repr(v))
		}
		if len([]rune(s)) > most {
			return "", fmt.Sprintf("'%s' exceeds maximum length of %d", s, most)
		}
		return s, ""
	}
}

func boolean(v any) (bool, string) {
	switch x := v.(type) {
	case bool:
		return x, ""
	case float64:
		if x == 0 || x == 1 {
			return x == 1, ""
		}
	case string:
		switch strings.ToLower(x) {
		case "true", "1":
			return true, ""
		case "false", "0":
			return false, ""
		}
	}
	return false, fmt.Sprintf("'%s' cannot be converted to boolean", repr(v))
}

func integer(v any) (int, string) {
	switch x := v.(type) {
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return int(x), ""
		}
	case string:
		if n, err := strconv.Atoi(x); err == nil {
			return n, ""
		}
	}
	return 0, fmt.Sprintf("'%s' is not an integer", repr(v))
}

func between(low, high int) reader[int] {
	return func(v any) (int, string) {
		n, reason := integer(v)
		if reason == "" && n < low {
			reason = fmt.Sprintf("'%d' is too small - must be at least '%d'", n, low)
		}
		if reason == "" && n > high {
			reason = fmt.Sprintf("'%d' is too large - must be no larger than '%d'", n, high)
		}
		return n, reason
	}
}

func oneOf(values ...string) reader[string] {
	return func(v any) (string, string) {
		s, ok := v.(string)
		if !ok || !slices.Contains(values, s) {
			return "", fmt.Sprintf("'%s' is not in %s", repr(v), rest.Repr(anys(values)))
		}
		return s, ""
	}
}

func anys(s []string) []any {
	out := make([]any, len(s))
	for i := range s {
		out[i] = s[i]
	}
	return out
}

// id is a uuid, written in the one usual way.
func id(v any) (string, string) {
	s, _ := v.(string)
	u, err := uuid.Parse(s)
	if err != nil || len(s) > 36 {
		return "", fmt.Sprintf("'%s' is not a valid UUID", repr(v))
	}
	return u.String(), ""
}

func address(v any) (string, string) {
	s, _ := v.(string)
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return "", fmt.Sprintf("'%s' is not a valid IP address", repr(v))
	}
	return a.String(), ""
}

func prefix(v any) (string, string) {
	s, _ := v.(string)
	if _, err := netip.ParsePrefix(s); err != nil {
		return "", fmt.Sprintf("'%s' is not a valid IP subnet", repr(v))
	}
	return s, ""
}

func mac(v any) (string, string) {
	s, _ := v.(string)
	m, ok := neutron.ParseMAC(s)
	if !ok {
		return "", fmt.Sprintf("'%s' is not a valid MAC address", repr(v))
	}
	return m, ""
}

func list[V any](each reader[V]) reader[[]V] {
	return func(v any) ([]V, string) {
		l, ok := v.([]any)
		if !ok {
			return nil, fmt.Sprintf("'%s' is not a list", repr(v))
		}
		out := make([]V, 0, len(l))
		for _, e := range l {
			x, reason := each(e)
			if reason != "" {
				return nil, reason
			}
			out = append(out, x)
		}
		return out, ""
	}
}

// unique is a list in which nothing is twice.
func unique[V comparable](each reader[V]) reader[[]V] {
	return func(v any) ([]V, string) {
		out, reason := list(each)(v)
		for i := range out {
			if slices.Contains(out[:i], out[i]) {
				return nil, fmt.Sprintf("Duplicate items in the list: '%v'", out[i])
			}
		}
		return out, reason
	}
}

// dict reads a dictionary's members with f; it may have no others than these.
func dict[V any](names []string, f func(get func(name string) (any, bool)) (V, string)) reader[V] {
	return func(v any) (out V, reason string) {
		m, ok := v.(map[string]any)
		if !ok {
			return out, fmt.Sprintf("'%s' is not a dictionary", repr(v))
		}
		for k := range m {
			if !slices.Contains(names, k) {
				return out, fmt.Sprintf("'%s' is not in %s", k, rest.Repr(anys(names)))
			}
		}
		return f(func(name string) (any, bool) { x, ok := m[name]; return x, ok })
	}
}

// part reads one member of a dictionary if it is there and not null.
func part[V any](get func(string) (any, bool), name string, read reader[V], to *V) string {
	v, ok := get(name)
	if !ok || v == nil {
		return ""
	}
	out, reason := read(v)
	*to = out
	return reason
}

func first(reasons ...string) string {
	for _, r := range reasons {
		if r != "" {
			return r
		}
	}
	return ""
}

func anyDict(v any) (map[string]any, string) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Sprintf("'%s' is not a dictionary", repr(v))
	}
	return m, ""
}

var route = dict([]string{"destination", "nexthop"}, func(get func(string) (any, bool)) (neutron.Route, string) {
	var r neutron.Route
	d, ok1 := get("destination")
	n, ok2 := get("nexthop")
	if !ok1 || !ok2 {
		return r, "Invalid data format for hostroute: 'destination' and 'nexthop' are required"
	}
	var a, b string
	r.Destination, a = prefix(d)
	r.Nexthop, b = address(n)
	return r, first(a, b)
})

// label is a part of a DNS name, or a dotted name.
var label = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\.?$`)

func dnsName(v any) (string, string) {
	s, reason := text(255)(v)
	if reason == "" && s != "" && !label.MatchString(s) {
		reason = fmt.Sprintf("'%s' not a valid PQDN or FQDN. Reason: '%s' must be 1 to 63 characters of letters, digits and hyphens", s, s)
	}
	return s, reason
}
