package deploy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stackd/deploy/answers"
)

func answersOf(t *testing.T, more string) answers.Answers {
	t.Helper()
	a, err := answers.Read(strings.NewReader("[general]\nCONFIG_DEFAULT_PASSWORD=top-secret\nCONFIG_CONTROLLER_HOST=192.0.2.1\nCONFIG_COMPUTE_HOSTS=192.0.2.2,192.0.2.3\n" +
		"CONFIG_CINDER_BACKEND=file\nCONFIG_NEUTRON_L2_AGENT=openvswitch\nCONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS=physnet1:br-ex\n" + more))
	if err != nil {
		t.Fatal(err)
	}
	a.Fill(answers.Facts{Address: "192.0.2.1"})
	return a
}

func TestPlan(t *testing.T) {
	p, err := NewPlan(answersOf(t, "CONFIG_NEUTRON_OVS_BRIDGE_IFACES=br-ex:eth0\nCONFIG_NEUTRON_OVS_TUNNEL_IF=eth1\nEXCLUDE_SERVERS=192.0.2.3\nCONFIG_NEUTRON_ML2_VXLAN_GROUP=239.1.1.5"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Physnet != "physnet1" || p.Uplink != "eth0" || p.TunnelIf != "eth1" || fmt.Sprint(p.Addresses()) != "[192.0.2.1 192.0.2.2]" {
		t.Errorf("%+v", p)
	}
	if !strings.Contains(strings.Join(p.Notes, "\n"), "VXLAN_GROUP: tunnels go from host to host") {
		t.Error("what is done otherwise is not said:", p.Notes)
	}
}

// A world is hosts that are only told of: their scripts succeed, or not, by a rule.
type world struct {
	mu   sync.Mutex
	made map[string]bool // by host and step: what a look finds
	fail string          // a host on which every change fails
	seen map[string]string
	down string // a host that cannot be reached
}

type shell struct {
	w    *world
	host string
}

const facts = "os debian\nroot 1\nmemory 4000\ndisk 90000\nkvm 1\nlink eth0 1500 up %s\nname h%s\nself %s\nclock %d\n"

func (s shell) Run(_ context.Context, script string, in io.Reader) (string, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if strings.Contains(script, "echo clock") {
		if f, ok := s.w.seen[s.host]; ok {
			return f, nil
		}
		return fmt.Sprintf(facts, s.host, s.host[strings.LastIndex(s.host, ".")+1:], s.host, time.Now().Unix()), nil
	}
	if strings.HasPrefix(script, "set -e") || in != nil {
		if s.host == s.w.fail {
			return "", &Failed{1, "the disk is on fire"}
		}
		s.w.made[s.host] = true
		return "", nil
	}
	if strings.Contains(script, "node token") {
		return "a-join-token", nil
	}
	if script == "true" || s.w.made[s.host+" all"] {
		return "", nil
	}
	return "", &Failed{1, ""}
}

func (shell) Listen() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
func (shell) Close() error                  { return nil }

func (w *world) run(t *testing.T, screen, log *bytes.Buffer) *Run {
	t.Helper()
	p, err := NewPlan(answersOf(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "stackd")
	if err := os.WriteFile(program, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &Run{Plan: p, Program: program, Screen: &Screen{Out: screen}, Log: log, Timeout: time.Minute,
		Open: func(_ context.Context, a string) (Shell, error) { return shell{w, a}, nil }}
}

// A host that fails does not stop the others, and what went wrong is told; no password
// and no token is in the log.
func TestOneHostFails(t *testing.T) {
	w := &world{made: map[string]bool{}, fail: "192.0.2.2"}
	var screen, log bytes.Buffer
	r := w.run(t, &screen, &log)
	err := r.Install(t.Context())
	if err == nil || !strings.Contains(err.Error(), "192.0.2.2: packages: the disk is on fire") {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(r.Acts(), "\n"), "192.0.2.3: node") {
		t.Error("the other host was left alone:", r.Acts())
	}
	if !strings.Contains(screen.String(), "Preparing servers") || !strings.Contains(screen.String(), "[ ERROR ]") {
		t.Error(screen.String())
	}
	for _, secret := range []string{"top-secret", "a-join-token"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
}

// Where all is so already no step acts; a dry run never does.
func TestNothingToDo(t *testing.T) {
	w := &world{made: map[string]bool{"192.0.2.1 all": true, "192.0.2.2 all": true, "192.0.2.3 all": true}}
	var screen, log bytes.Buffer
	r := w.run(t, &screen, &log)
	if err := r.Install(t.Context()); err != nil || len(r.Acts()) != 0 {
		t.Fatal(err, r.Acts())
	}
	w = &world{made: map[string]bool{}}
	r = w.run(t, &screen, &log)
	r.DryRun = true
	if err := r.Install(t.Context()); err != nil || len(w.made) != 0 || len(r.Acts()) == 0 {
		t.Fatal(err, w.made, r.Acts())
	}
}

// What is wrong on any host is told at once, before anything is changed.
func TestPreflightTellsAll(t *testing.T) {
	w := &world{made: map[string]bool{}, seen: map[string]string{
		"192.0.2.1": "os debian\nroot 1\nmemory 100\ndisk 90000\nname a\nclock " + fmt.Sprint(time.Now().Unix()) + "\ntaken 8774\n",
		"192.0.2.2": "os debian\nroot 1\nmemory 4000\ndisk 10\nname a\nclock " + fmt.Sprint(time.Now().Unix()-600) + "\n",
	}}
	var screen, log bytes.Buffer
	err := w.run(t, &screen, &log).Install(t.Context())
	if err == nil || len(w.made) != 0 {
		t.Fatal(err, w.made)
	}
	for _, want := range []string{"192.0.2.1: it has 100 MiB of memory", "port 8774", "192.0.2.2: /var/lib has 10 MiB", " seconds off from this machine's", "its name is a, and so is 192.0.2.1's"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not told:\n%v", want, err)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, s := range []string{"", "a b", "it's", "$(x)`y`\"", "a\nb"} {
		out, err := Local{}.Run(t.Context(), "printf %s "+quote(s), nil)
		if err != nil || out != strings.TrimSpace(s) {
			t.Errorf("%q became %q %v", s, out, err)
		}
	}
}

// The infra host answers the names of all hosts, both ways, and tells them the time; it
// takes the time from the other servers itself.
func TestInfra(t *testing.T) {
	p, err := NewPlan(answersOf(t, "CONFIG_STACKD_INFRA_HOST=192.0.2.9\nCONFIG_NTP_SERVERS=192.0.2.9,198.51.100.1\nCONFIG_STACKD_DNS_FORWARDERS=198.51.100.53"))
	if err != nil {
		t.Fatal(err)
	}
	r := &Run{Plan: p}
	for i, a := range p.Addresses() {
		r.Hosts = append(r.Hosts, &Host{Address: a, Name: fmt.Sprint("h", i), plan: p, all: r})
	}
	infra, others := r.divided()
	if len(infra) != 1 || len(others) != 3 || len(r.nodes()) != 2 {
		t.Fatal(len(infra), len(others), len(r.nodes()))
	}
	files := map[string]string{}
	for _, f := range infra[0].bindFiles() {
		files[f.name] = f.text
	}
	for name, want := range map[string]string{"zone": "\nh1 A 192.0.2.2\n", "2.0.192.in-addr.arpa": "\n2 PTR h1.cloud.internal.\n", "named.conf": "forwarders { 198.51.100.53; }"} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s: no %q in\n%s", name, want, files[name])
		}
	}
	if s := infra[0].timeServer(); s != "server 198.51.100.1 iburst\nallow 192.0.2.0/24\nlocal stratum 10\n" {
		t.Error(s)
	}
	if s := others[0].sources(); s != "server 192.0.2.9 iburst\n" {
		t.Error(s)
	}
	if s := r.names(); !strings.Contains(s, "192.0.2.1 h0.cloud.internal h0\n") {
		t.Error(s)
	}
	for _, bad := range []string{"INFRA_HOST=infra", "INFRA_HOST=192.0.2.9\nCONFIG_STACKD_DNS_DOMAIN=a b", "INFRA_HOST=192.0.2.9\nCONFIG_STACKD_DNS_FORWARDERS=x"} {
		if _, err := NewPlan(answersOf(t, "CONFIG_STACKD_"+bad)); err == nil {
			t.Error(bad, "is taken")
		}
	}
}
