package ovn

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"stackd/neutron"
	"stackd/neutron/neutrontest"
)

// A central is OVN's databases and northd, of the test's own.
type central struct {
	t    testing.TB
	dir  string
	pids map[string]*os.Process
}

func startCentral(t testing.TB) *central {
	t.Helper()
	dir, err := os.MkdirTemp("", "ovn") // short: the path of a socket has few characters
	if err != nil {
		t.Fatal(err)
	}
	c := &central{t, dir, map[string]*os.Process{}}
	t.Cleanup(func() {
		for name := range c.pids {
			c.kill(name)
		}
		os.RemoveAll(dir)
	})
	for _, db := range []string{"nb", "sb"} {
		c.command("ovsdb-tool", "create", c.at(db+".db"), "/usr/share/ovn/ovn-"+db+".ovsschema")
		c.database(db)
	}
	c.daemon("northd", "ovn-northd", "--ovnnb-db=unix:"+c.at("nb.sock"), "--ovnsb-db=unix:"+c.at("sb.sock"))
	c.nbctl("init")
	return c
}

func (c *central) at(name string) string { return filepath.Join(c.dir, name) }

func (c *central) database(db string) {
	c.t.Helper()
	os.Remove(c.at(db + ".sock"))
	c.daemon(db, "ovsdb-server", "--remote=punix:"+c.at(db+".sock"), c.at(db+".db"))
	for range 200 {
		if _, err := os.Stat(c.at(db + ".sock")); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.t.Fatal(db + " does not start")
}

func (c *central) daemon(name, program string, args ...string) {
	c.t.Helper()
	cmd := exec.Command(program, append([]string{"-vconsole:off", "--unixctl=" + c.at(name+".ctl"), "--log-file=" + c.at(name+".log")}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.pids[name] = cmd.Process
}

func (c *central) kill(name string) {
	c.pids[name].Kill()
	c.pids[name].Wait()
	delete(c.pids, name)
}

func (c *central) command(program string, args ...string) string {
	c.t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (c *central) nbctl(args ...string) string {
	c.t.Helper()
	return c.command("ovn-nbctl", append([]string{"--timeout=10", "--db=unix:" + c.at("nb.sock")}, args...)...)
}

// ask is nbctl about what may not be there yet.
func (c *central) ask(args ...string) string {
	out, err := exec.Command("ovn-nbctl", append([]string{"--timeout=10", "--db=unix:" + c.at("nb.sock")}, args...)...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func (c *central) sbctl(args ...string) string {
	c.t.Helper()
	return c.command("ovn-sbctl", append([]string{"--timeout=10", "--db=unix:" + c.at("sb.sock")}, args...)...)
}

// trace follows a packet; the answer says where it comes out.
func (c *central) trace(datapath, packet string) string {
	c.t.Helper()
	c.nbctl("--wait=sb", "sync")
	return c.command("ovn-trace", "--db=unix:"+c.at("sb.sock"), "--ct=new", "--ct=new", "--minimal", datapath, packet)
}

// A cloud is a networking over this OVN.
type cloud struct {
	*central
	n   *neutron.Networking
	f   *Fabric
	ctx context.Context
}

func startCloud(t testing.TB) *cloud {
	t.Helper()
	n, _ := neutrontest.New(t)
	return startCentral(t).carries(t, n)
}

// carries has this OVN carry a networking.
func (c *central) carries(t testing.TB, n *neutron.Networking) *cloud {
	t.Helper()
	f := New(n, Config{NB: "unix:" + c.at("nb.sock"), SB: "unix:" + c.at("sb.sock"), Nameservers: []string{"9.9.9.9", "2620:fe::9"}})
	n.Carry(f)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { f.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	return &cloud{c, n, f, neutrontest.As(t.Context(), "p1", "member")}
}

// eventually waits until a question has the answer.
func (c *cloud) eventually(what string, is func() bool) {
	c.t.Helper()
	for range 500 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.t.Fatal("never: "+what, "\n", c.nbctl("show"))
}

// count is how many rows of a table there are.
func (c *cloud) count(table string) int {
	c.t.Helper()
	return len(strings.Fields(c.nbctl("--bare", "--columns=_uuid", "list", table)))
}
