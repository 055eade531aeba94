// Command coverage says which operations of OpenStack's API references are there:
// it holds the services' own tables of rows against operations.tsv (service,
// status, method, path, action, title) and writes docs/coverage.md to its output.
package main

import (
	_ "embed"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	cinderapi "stackd/cinder/api"
	glanceapi "stackd/glance/api"
	"stackd/internal/policy"
	"stackd/internal/rest"
	keystoneapi "stackd/keystone/api"
	neutronapi "stackd/neutron/api"
	novaapi "stackd/nova/api"
	placementapi "stackd/placement/api"
)

//go:embed operations.tsv
var operations string

type operation struct{ service, status, method, path, action, title string }

// tables are the services' rows, and what their paths have before those of the references.
func tables() (map[string][]rest.Route, error) {
	rules, err := policy.Defaults()
	if err != nil {
		return nil, err
	}
	return map[string][]rest.Route{"keystone": keystoneapi.Routes(nil), "glance": glanceapi.Routes(nil), "nova": novaapi.Routes(nil),
		"neutron": neutronapi.Routes(nil, rules["neutron"]), "placement": placementapi.Routes(nil), "cinder": cinderapi.Routes(nil), "swift": nil}, nil
}

var prefix = map[string]string{"nova": "/v2.1", "neutron": ""}

var param = regexp.MustCompile(`\{[^}]*\}`)

// key is an operation without the names of its parameters.
func key(method, path, action string) string {
	path = strings.ReplaceAll(path, "{resource_type}", "networks") // any of those that have tags
	path, _, _ = strings.Cut(path, "?")
	path = strings.TrimPrefix(path, "/identity")
	path = strings.Replace(strings.Replace(path, "/v3/{admin_project_id}/", "/v3/{project_id}/", 1), "/v3/{project_id}/", "/v3/", 1) // cinder's rows do without
	path = strings.Replace(path, "/v3/snapshot/", "/v3/snapshots/", 1)                                                               // a slip of the reference
	path = strings.ReplaceAll(path, "/protocol/{protocol_id}/websso", "/protocols/{protocol_id}/websso")                             // a slip of the reference
	path = strings.ReplaceAll(path, "domains/config/{group}", "domains/config/ldap")                                                 // its rows go by name
	path = strings.TrimRight(param.ReplaceAllString(path, "{}"), "/")
	return method + " " + path + " " + action
}

func main() {
	rows, err := tables()
	if err != nil {
		fmt.Fprintln(os.Stderr, "coverage:", err)
		os.Exit(1)
	}
	there := map[string]map[string]bool{}
	for service, l := range rows {
		there[service] = map[string]bool{}
		for _, r := range l {
			m, p, _ := strings.Cut(r.On, " ")
			p = strings.TrimSuffix(p, "{$}")
			if strings.TrimPrefix(p, prefix[service]) != "" {
				p = strings.TrimPrefix(p, prefix[service])
			}
			there[service][key(m, p, r.Action)] = true
			if m == "GET" { // net/http answers HEAD with it
				there[service][key("HEAD", p, r.Action)] = true
			}
		}
	}
	write(all(), there)
}

func all() []operation {
	var out []operation
	for line := range strings.Lines(operations) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) == 6 && f[0] != "service" {
			out = append(out, operation{f[0], f[1], f[2], f[3], f[4], f[5]})
		}
	}
	return out
}

func write(ops []operation, there map[string]map[string]bool) {
	fmt.Print("# Which operations are there\n\nWritten by `make coverage`; `make check` fails when it is out of date. An operation that is absent answers as the real service would\nwithout the extension: 404. One operation of a reference may stand for several requests.\n\n")
	services := []string{"keystone", "glance", "placement", "nova", "neutron", "cinder", "swift"}
	fmt.Print("| service | there | absent | documented |\n|---|---|---|---|\n")
	absent := map[string][]string{}
	for _, s := range services {
		n, seen := 0, map[string]bool{}
		for _, o := range ops {
			k := key(o.method, o.path, o.action)
			if o.service != s || seen[k] {
				continue
			}
			seen[k] = true
			if there[s][k] || s == "neutron" && there[s][key(o.method, strings.TrimPrefix(o.path, "/v2.0"), "")] {
				n++
			} else {
				absent[s] = append(absent[s], fmt.Sprintf("`%s` %s%s", strings.TrimSpace(o.method+" "+o.path+" "+o.action), o.title, mark(o.status)))
			}
		}
		fmt.Printf("| %s | %d | %d | %d |\n", s, n, len(absent[s]), len(seen))
	}
	for _, s := range services {
		if len(absent[s]) == 0 {
			continue
		}
		slices.Sort(absent[s])
		fmt.Printf("\n## Absent from %s\n\n- %s\n", s, strings.Join(absent[s], "\n- "))
	}
}

func mark(status string) string {
	if status == "core" {
		return ""
	}
	return " (" + status + ")"
}
