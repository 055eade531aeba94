package deploy

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

const severalAnswers = "CONFIG_STACKD_ENDPOINT=192.0.2.100\nCONFIG_MARIADB_HOST=192.0.2.50\nCONFIG_STORAGE_HOST=192.0.2.11\nCONFIG_NETWORK_HOSTS=192.0.2.1,192.0.2.12"

// several are the answers of three controllers; a line replaces its key's.
func several(t *testing.T, line string) (*Plan, error) {
	t.Helper()
	a := answersOf(t, severalAnswers)
	a["CONFIG_CONTROLLER_HOST"] = "192.0.2.1,192.0.2.11,192.0.2.12"
	if k, v, ok := strings.Cut(line, "="); ok {
		a[k] = v
	}
	return NewPlan(a)
}

func TestSeveralControllers(t *testing.T) {
	p, err := several(t, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(p.Addresses()); got != "[192.0.2.1 192.0.2.11 192.0.2.12 192.0.2.2 192.0.2.3 192.0.2.50]" {
		t.Error(got)
	}
	r := &Run{Plan: p}
	for i, a := range p.Addresses() {
		r.Hosts = append(r.Hosts, &Host{Address: a, Name: fmt.Sprint("h", i), Tunnel: a, plan: p, all: r})
	}
	second := r.Hosts[1]
	for _, want := range []string{" --hold-endpoint", "--endpoint 192.0.2.100", "--controllers 192.0.2.1,192.0.2.11,192.0.2.12", "--database @/var/lib/stackd/database"} {
		if !strings.Contains(second.serve(), want) {
			t.Errorf("no %q in %s", want, second.serve())
		}
	}
	if s := r.Hosts[3].agent(); !strings.Contains(s, "--plane 192.0.2.1:8780,192.0.2.11:8780,192.0.2.12:8780") {
		t.Error(s)
	}
	if !second.Storage() || r.Hosts[0].Storage() || second.Network() || !r.Hosts[2].Network() || !r.Hosts[5].Database() || len(r.nodes()) != 2 {
		t.Error("hosts are not what the answers say")
	}
	if s := r.Hosts[5].hba(); strings.Count(s, "hostssl") != 3 || strings.Contains(s, "192.0.2.2/") {
		t.Error(s)
	}
	if len(r.inOrder()) != 6 { // infra, database, controllers one by one, nodes
		t.Error(len(r.inOrder()), "groups")
	}
	r.Hosts[1].Facts.Endpoint = map[string]bool{"here": true}
	order := ""
	for _, g := range holderLast(r.inOrder()) {
		for _, h := range g {
			order += h.Name + " "
		}
	}
	if order != "h5 h0 h2 h1 h3 h4 " {
		t.Error("hosts are upgraded as", order)
	}
	for line, want := range map[string]string{
		"CONFIG_CONTROLLER_HOST=192.0.2.1,192.0.2.11": "names 2 controllers", "CONFIG_STACKD_ENDPOINT=": "need an address", "CONFIG_STACKD_ENDPOINT=192.0.2.2": "a host's own address",
		"CONFIG_STACKD_ENDPOINT=cloud": "an IPv4 address is wanted", "CONFIG_MARIADB_HOST=db": "for the controllers' database", "CONFIG_STACKD_DATABASE=mysql://x": "postgres://",
		"CONFIG_STORAGE_HOST=192.0.2.1,192.0.2.11": "one of the controllers", "CONFIG_NETWORK_HOSTS=": "routers and floating IPs", "CONFIG_NETWORK_HOSTS=192.0.2.3": "must be the controller",
	} {
		if _, err := several(t, line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: no %q in %v", line, want, err)
		}
	}
	if p, err := several(t, "CONFIG_STACKD_DATABASE=postgres://u:p@192.0.2.6:5432,db2.example/cloud?sslmode=verify-full&sslrootcert=/etc/ssl/db.pem"); err != nil || p.Database != "" {
		t.Error("a database of two servers is refused:", err)
	} else {
		said := ""
		h := &Host{Address: "192.0.2.1", plan: p, Facts: Facts{Outside: []string{"192.0.2.6:5432"}}}
		tell := func(format string, args ...any) { said = fmt.Sprintf(format, args...) }
		if h.outside(func(string, ...any) { t.Error("one server that answers is refused") }, tell); !strings.Contains(said, "db2.example:5432") {
			t.Error(said)
		}
		h.Facts.Outside = nil
		if h.outside(tell, tell); !strings.HasPrefix(said, "no server of CONFIG_STACKD_DATABASE") {
			t.Error(said)
		}
	}
	if _, err := NewPlan(answersOf(t, "CONFIG_STACKD_ENDPOINT=192.0.2.100")); err == nil {
		t.Error("one controller has an endpoint")
	}
}

// files are hosts that keep what comes by standard input, and answer what is in files.
type files struct {
	shell
	mu   *sync.Mutex
	have map[string]string // by host and file
	lost string            // a host without files
}

func (f files) Run(ctx context.Context, script string, in io.Reader) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if in != nil && strings.Contains(script, "cat > ") {
		b, err := io.ReadAll(in)
		_, after, _ := strings.Cut(script, "cat > ")
		f.have[f.host+" "+strings.TrimSuffix(strings.Fields(after)[0], ".new")] = string(b)
		return "", err
	}
	for file, text := range map[string]string{"/var/lib/stackd/master.key": "the-master-key", databaseDir + "/password": "a-database-password", databaseDir + "/server.crt": "a certificate", "/var/lib/stackd/keystonerc_admin": "export OS_PASSWORD=top-secret\n"} {
		if strings.Contains(script, "base64 -w0 "+file) && f.host == f.lost {
			return "", nil
		} else if strings.Contains(script, "base64 -w0 "+file) {
			return base64.StdEncoding.EncodeToString([]byte(text)), nil
		}
	}
	if strings.Contains(script, "sha256sum < ") {
		return "", nil
	}
	return f.shell.Run(ctx, script, in)
}

// What is secret reaches every controller, and neither the log nor a command line. One
// that lost it, be it the first, has it of another.
func TestSharing(t *testing.T) {
	for _, lost := range []string{"", "192.0.2.1"} {
		sharing3(t, lost)
	}
}

func sharing3(t *testing.T, lost string) {
	t.Helper()
	w := &world{made: map[string]bool{}}
	var screen, log bytes.Buffer
	r := w.run(t, &screen, &log)
	p, err := several(t, "")
	if err != nil {
		t.Fatal(err)
	}
	r.Plan, r.Timeout = p, time.Minute
	f := files{mu: &sync.Mutex{}, have: map[string]string{}}
	r.Open = func(_ context.Context, a string) (Shell, error) {
		return files{shell{w, a}, f.mu, f.have, lost}, nil
	}
	if err := os.WriteFile(r.Program, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := r.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Controllers {
		if at := f.have[c+" "+databaseFile]; !strings.HasPrefix(at, "postgres://stackd:a-database-password@192.0.2.50:5432/stackd?sslmode=verify-full") {
			t.Errorf("%s has %q", c, at)
		}
		if key, own := f.have[c+" /var/lib/stackd/master.key"], c == p.Controllers[0] && lost == "" || lost != "" && c == p.Controllers[1]; own != (key == "") || !own && key != "the-master-key" {
			t.Errorf("%s has %q", c, key)
		}
	}
	for _, secret := range []string{"the-master-key", "a-database-password", "top-secret"} {
		if strings.Contains(log.String(), secret) || strings.Contains(screen.String(), secret) {
			t.Errorf("%s is told", secret)
		}
	}
}
