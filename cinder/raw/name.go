package raw

import (
	"regexp"
	"strings"

	"stackd/internal/converge"
)

var id = regexp.MustCompile(`^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$`)

// Named is a prefix with the id of a thing of a kind. Ids are our own, and still are
// looked at before they become names on a storage.
func Named(kind, prefix, name string) (string, error) {
	if !id.MatchString(name) {
		return "", converge.Finalf("%q is no id of a %s", name, kind)
	}
	return prefix + name, nil
}

// IDOf is the id in a name that Named made, "" for others.
func IDOf(prefix, name string) string {
	if rest, ok := strings.CutPrefix(name, prefix); ok && id.MatchString(rest) {
		return rest
	}
	return ""
}
