package token

import (
	"slices"
	"strings"
)

// An AccessRule is one operation that a limited token may call. In its path, "*" or
// "{name}" stands for one part, "**" for any number of them.
type AccessRule struct{ Service, Method, Path string }

// MayCall tells whether the token itself lets its bearer call an operation of a
// service; what the bearer may do there is for the policy.
func (w *Who) MayCall(service, method, path string) bool {
	if w.Only == nil {
		return true
	}
	return slices.ContainsFunc(w.Only, func(r AccessRule) bool {
		return same(r.Service, service) && r.Method == method && matches(strings.Split(r.Path, "/"), strings.Split(path, "/"))
	})
}

// same: the volume service goes by several names in catalogs.
func same(rule, service string) bool {
	if rule == service {
		return true
	}
	return service == "volume" && (rule == "volumev3" || rule == "block-storage")
}

func matches(rule, path []string) bool {
	for len(rule) > 0 {
		if rule[0] == "**" {
			for n := range len(path) + 1 {
				if matches(rule[1:], path[n:]) {
					return true
				}
			}
			return false
		}
		any := rule[0] == "*" || strings.HasPrefix(rule[0], "{") && strings.HasSuffix(rule[0], "}")
		if len(path) == 0 || !any && rule[0] != path[0] {
			return false
		}
		rule, path = rule[1:], path[1:]
	}
	return len(path) == 0
}
