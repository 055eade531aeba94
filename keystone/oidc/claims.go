package oidc

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// over reads claims over those that are there already.
type over struct{ into map[string]any }

func (o *over) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &o.into) }

// Those that say who speaks of whom: nothing that is merely spelt alike counts for them.
var core = []string{"iss", "sub", "aud", "azp"}

// attributes are claims under their names as attributes; see the package page.
func attributes(claims map[string]any) map[string][]string {
	out := map[string][]string{}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(claims)), func(n string) bool { return slices.Contains(core, n) })
	for _, n := range append(names, core...) {
		values := texts(claims[n])
		for _, as := range []string{"OIDC-" + n, "OIDC_CLAIM_" + n, "HTTP_OIDC_" + header(n)} {
			if len(values) > 0 {
				out[as] = values
			} else if slices.Contains(core, n) {
				delete(out, as)
			}
		}
	}
	return out
}

func header(n string) string {
	return strings.Map(func(r rune) rune {
		if r > 127 || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return '_'
		}
		return unicode.ToUpper(r)
	}, n)
}

// texts are the values of a claim.
func texts(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return []string{v}
	case bool:
		if v {
			return []string{"1"}
		}
		return []string{"0"}
	case float64:
		return []string{strconv.FormatFloat(v, 'f', -1, 64)}
	case []any:
		var out []string
		for _, x := range v {
			out = append(out, texts(x)...)
		}
		return out
	}
	b, err := json.Marshal(v)
	if err != nil {
		return []string{fmt.Sprint(v)}
	}
	return []string{string(b)}
}
