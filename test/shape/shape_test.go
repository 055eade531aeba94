package shape

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

type pkg struct {
	ImportPath, Dir, Doc, Name string
	Imports                    []string
	GoFiles                    []string
}

// tree is every package of the module.
func tree(t *testing.T) []pkg {
	t.Helper()
	all, err := list()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var list = sync.OnceValues(func() ([]pkg, error) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,Name,Imports,GoFiles", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p pkg
		if err := d.Decode(&p); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if len(all) < 30 {
		return nil, fmt.Errorf("only %d packages were found", len(all))
	}
	return all, nil
})

var services = []string{"keystone", "glance", "nova", "placement", "neutron", "cinder", "swift", "horizon"}

// service is the service that a package belongs to, "" if none.
func service(path string) string {
	rest, ok := strings.CutPrefix(path, "stackd/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	if slices.Contains(services, name) {
		return name
	}
	return ""
}

// No service imports another: what it needs is stated in its needs.go, and cloud hands it in.
func TestServicesDoNotKnowEachOther(t *testing.T) {
	for _, p := range tree(t) {
		own := service(p.ImportPath)
		if own == "" {
			continue
		}
		for _, i := range p.Imports {
			if s := service(i); s != "" && s != own {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

// api, store and work of a service meet only in the service's types.
func TestRoomsMeetInTheServicesTypes(t *testing.T) {
	rooms := []string{"api", "store", "work"}
	room := func(path string) string {
		s := service(path)
		r := strings.TrimPrefix(path, "stackd/"+s+"/")
		if s != "" && slices.Contains(rooms, r) {
			return r
		}
		return ""
	}
	for _, p := range tree(t) {
		for _, i := range p.Imports {
			if a, b := room(p.ImportPath), room(i); a != "" && b != "" && a != b {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

// internal knows no service, no node and no command.
func TestMachineryKnowsNoService(t *testing.T) {
	for _, p := range tree(t) {
		if !strings.HasPrefix(p.ImportPath, "stackd/internal/") {
			continue
		}
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "stackd/") && !strings.HasPrefix(i, "stackd/internal/") {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

// Every outside thing has one room with its name, and only that room imports its library.
func TestOutsideThingsHaveOneRoom(t *testing.T) {
	for library, allowed := range map[string][]string{
		"github.com/digitalocean/go-libvirt":    {"stackd/agent/libvirt"},
		"github.com/ovn-kubernetes/libovsdb":    {"stackd/neutron/ovn"},
		"github.com/santhosh-tekuri/jsonschema": {"stackd/internal/rest"},
		"github.com/pressly/goose":              {"stackd/internal/sqldb"},
		"modernc.org/sqlite":                    {"stackd/internal/sqldb"},
		"github.com/jackc/pgx":                  {"stackd/internal/sqldb"},
		"github.com/fernet/fernet-go":           {"stackd/keystone"},
		"github.com/golang-jwt/jwt":             {"stackd/keystone"},
		"github.com/dlclark/regexp2":            {"stackd/keystone"},
		"github.com/go-ldap/ldap":               {"stackd/keystone/ldap"},
		"github.com/spf13/cobra":                {"stackd/cmd/stackd"},
		"github.com/miekg/dns":                  {"stackd/internal/lookup"},
		"go.yaml.in/yaml":                       {"stackd/internal/config"},
		"github.com/coreos/go-oidc":             {"stackd/keystone/oidc"},
		"golang.org/x/oauth2":                   {"stackd/keystone/oidc"},
		"github.com/crewjam/saml":               {"stackd/keystone/saml"},
		"github.com/russellhaering/goxmldsig":   {"stackd/keystone/saml"},
		"github.com/beevik/etree":               {"stackd/keystone/saml"},
	} {
		used := false
		for _, p := range tree(t) {
			for _, i := range p.Imports {
				if i != library && !strings.HasPrefix(i, library+"/") {
					continue
				}
				used = true
				if !slices.ContainsFunc(allowed, func(a string) bool { return p.ImportPath == a || strings.HasPrefix(p.ImportPath, a+"/") }) {
					t.Errorf("%s imports %s", p.ImportPath, i)
				}
			}
		}
		if !used {
			t.Errorf("nobody uses %s: take it out of go.mod and of this list", library)
		}
	}
}

// bun is spoken in store rooms alone.
func TestSQLIsInStoreRooms(t *testing.T) {
	for _, p := range tree(t) {
		for _, i := range p.Imports {
			if i == "github.com/uptrace/bun" && !strings.HasSuffix(p.ImportPath, "/store") && !strings.HasPrefix(p.ImportPath, "stackd/internal/sqldb") {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

func TestEveryPackageHasAComment(t *testing.T) {
	for _, p := range tree(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// Files are where one thing is; the long ones are where things without a home gather.
func TestFilesAreShort(t *testing.T) {
	for _, p := range tree(t) {
		for _, f := range p.GoFiles {
			b, err := os.ReadFile(filepath.Join(p.Dir, f))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(b), "\n"); n > 600 && !strings.Contains(string(b[:min(len(b), 200)]), "Code generated") {
				t.Errorf("%s/%s has %d lines", p.ImportPath, f, n)
			}
		}
	}
}
