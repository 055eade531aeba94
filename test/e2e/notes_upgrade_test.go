//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"stackd/test/cloudtest"
)

// A cloud of the notes' that the version before has installed is upgraded to today's, while
// its guests talk, and taken away.
func TestNotesUpgraded(t *testing.T) {
	file, older := image(t), cloudtest.Previous(t)
	n := newNotes(t, "CONFIG_STACKD_INFRA_HOST=192.168.4.5\n")
	before, today := n.state(), n.program
	n.program = older
	n.install()
	n.program = today
	ctl := n.hosts["controller"]
	pub, key := newKey(t, t.TempDir())
	at, inner := twoGuests(t, ctl, clientOn(t, ctl, "/root/keystonerc_admin"), file, pub, "--provider-network-type vxlan", "compute1", "compute2")
	g := far{t, n.lab, at["compute1"], key}
	g.says("ping -c 3 -W 2 "+inner, "3 packets received")
	n.upgrade(g, inner)
	if out, err := n.stackd("uninstall", "--answer-file", "/root/answers.txt"); err != nil {
		t.Fatal(err, out, n.infra.Shell("tail -n 20 /var/tmp/stackd/latest/openstack-setup.log"))
	}
	if now := n.state(); now != before {
		t.Errorf("a host is not as it was\n%s\nwas\n%s", now, before)
	}
}

// upgrade swaps the program of all hosts for today's while one guest talks to another:
// neither is started again.
func (n *notes) upgrade(g far, inner string) {
	n.t.Helper()
	g.says("ping -c 900 -W 2 "+inner+" > /tmp/pings 2>&1 & cat /proc/sys/kernel/random/boot_id > /tmp/boot; echo begun", "begun")
	asking, err := cloudtest.Steadily(n.t.Context(), n.signIn)
	if err != nil {
		n.t.Fatal(err)
	}
	start := time.Now()
	out, err := n.stackd("upgrade", "--answer-file", "/root/answers.txt")
	asking.Stop()
	if err != nil || !strings.Contains(out, "Upgrade completed successfully") {
		n.t.Fatalf("%v\n%s\n%s", err, out, n.infra.Shell("tail -n 40 /var/tmp/stackd/latest/openstack-setup.log"))
	}
	n.t.Logf("three hosts upgraded in %s; meanwhile %s", time.Since(start).Round(100*time.Millisecond), asking)
	if len(asking.Failed) > 0 {
		n.t.Error(asking.Failed)
	}
	for name := range n.hosts {
		n.runs(name)
	}
	g.says("cmp /tmp/boot /proc/sys/kernel/random/boot_id && echo same", "same")
	g.says("kill -INT $(pidof ping); sleep 1; tail -n 3 /tmp/pings", " 0% packet loss")
	if out := n.install(); !strings.Contains(out, " 0 steps acted") {
		n.t.Errorf("after the upgrade a run of the new program acts:\n%s", out)
	}
}

// runs sees that a host runs today's program.
func (n *notes) runs(name string) {
	n.t.Helper()
	sum := strings.Fields(n.infra.Run("sha256sum", n.program))[0]
	if out := n.hosts[name].Shell("sha256sum /usr/local/bin/stackd /proc/$(cat /var/lib/stackd/lock)/exe"); strings.Count(out, sum) != 2 {
		n.t.Errorf("%s runs another program: %s, not %s", name, out, sum)
	}
}
