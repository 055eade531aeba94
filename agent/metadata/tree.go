package metadata

import (
	"slices"
	"strings"

	"stackd/agent/wish"
)

// openstackVersions are the dated names of the same documents, as nova lists them.
var openstackVersions = []string{
	"2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30",
	"2016-10-06", "2017-02-22", "2018-08-27", "2020-10-14", "latest",
}

// ec2Versions are the dated names of the EC2 dialect.
var ec2Versions = []string{
	"1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10",
	"2007-12-15", "2008-02-01", "2008-09-01", "2009-04-04", "latest",
}

// answer is what a path gives: a document, or a directory's listing. Whether
// it is there is the second result.
func answer(m wish.Metadata, path string) ([]byte, bool) {
	parts := split(path)
	switch {
	case len(parts) == 0:
		return lines(append(slices.Clone(ec2Versions), "openstack")), true
	case parts[0] == "openstack":
		return openstack(m, parts[1:])
	case slices.Contains(ec2Versions, parts[0]):
		return lookUp(m, "ec2/latest", parts[1:], false)
	case parts[0] == "ec2" && len(parts) == 1:
		return lines(ec2Versions), true
	case parts[0] == "ec2" && slices.Contains(ec2Versions, parts[1]):
		return lookUp(m, "ec2/latest", parts[2:], false)
	}
	return nil, false
}

func openstack(m wish.Metadata, parts []string) ([]byte, bool) {
	if len(parts) == 0 {
		return lines(openstackVersions), true
	}
	if !slices.Contains(openstackVersions, parts[0]) {
		return nil, false
	}
	return lookUp(m, "openstack/latest", parts[1:], true)
}

func split(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(s string) bool { return s == "" })
}

func lines(names []string) []byte { return []byte(strings.Join(names, "\n")) }

// lookUp finds a document below root, or lists a directory: the EC2 dialect
// marks directories with a slash, and shows keys by their names.
func lookUp(m wish.Metadata, root string, parts []string, plain bool) ([]byte, bool) {
	at := strings.Join(append([]string{root}, parts...), "/")
	if content, ok := m[at]; ok {
		return content, true
	}
	seen := map[string]bool{}
	for name := range m {
		rest, ok := strings.CutPrefix(name, at+"/")
		if !ok {
			continue
		}
		child, _, deeper := strings.Cut(rest, "/")
		if deeper && !plain {
			child += "/"
		}
		seen[child] = true
	}
	if len(seen) == 0 {
		return nil, false
	}
	if strings.HasSuffix(at, "/public-keys") {
		return keyList(m, at, seen), true
	}
	var names []string
	for n := range seen {
		names = append(names, n)
	}
	slices.Sort(names)
	return lines(names), true
}

// keyList is "0=name" per key, which is how EC2 lists public keys.
func keyList(m wish.Metadata, at string, seen map[string]bool) []byte {
	var names []string
	for n := range seen {
		n = strings.TrimSuffix(n, "/")
		name := "key-" + n
		if given, ok := m[at+"/"+n+"/name"]; ok {
			name = string(given)
		}
		names = append(names, n+"="+name)
	}
	slices.Sort(names)
	return lines(names)
}
