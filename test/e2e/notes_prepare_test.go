//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"stackd/test/hosts"
)

// guarded has hosts that something guards already, each another way, that have their
// addresses from somebody's hand, and no way out but by the infra host.
func guarded(t *testing.T) *notes {
	n := notesOn(t, (*hosts.Lab).Machine, "CONFIG_STACKD_INFRA_HOST=192.168.4.5\nCONFIG_STACKD_NAT_NETWORKS=192.168.4.0/24\nCONFIG_STACKD_REPOSITORY=/root/repository\n")
	for _, h := range n.hosts {
		h.Shell("ip route replace default via 192.168.4.5")
	}
	n.infra.Shell("rm -rf /root/repository; mkdir /root/repository; cd /root/repository; mv /usr/sbin/chronyd /root/gentle; cp /usr/sbin/chronyd.real /usr/sbin/chronyd; dpkg-repack chrony >/dev/null 2>&1; mv /root/gentle /usr/sbin/chronyd; ls *.deb")
	if out, err := n.stackd("repository", "--index-only", "/root/repository"); err != nil || !strings.Contains(out, "1 packages") {
		t.Fatal(out, err)
	}
	n.hosts["controller"].Shell("systemctl start NetworkManager; for i in $(seq 40); do nmcli -t -f RUNNING general 2>/dev/null | grep -qx running && break; sleep .25; done; nmcli -t -f RUNNING general")
	n.hosts["compute1"].Shell("systemctl start firewalld; firewall-cmd --state")
	n.hosts["compute2"].Shell("ufw allow 22/tcp; ufw --force enable; dpkg-divert --quiet --no-rename --divert /usr/sbin/chronyd.real --add /usr/sbin/chronyd; dpkg --purge chrony >/dev/null 2>&1; ufw status")
	return n
}

// Hosts that systemd runs, that are guarded, without packages and without a way out are prepared as well as
// any: their rules are added to, not taken away, and all is given back.
func TestNotesPrepared(t *testing.T) {
	n := guarded(t)
	before := n.state() + n.guards()
	out := n.install()
	t.Log(out)
	c1, c2, ctl := n.hosts["compute1"], n.hosts["compute2"], n.hosts["controller"]
	if s := c1.Shell("firewall-cmd --info-policy stackd"); !strings.Contains(s, `source address="192.168.4.10" port port="8781"`) {
		t.Error("firewalld does not know:", s)
	}
	if s := c2.Shell("ufw status"); !strings.Contains(s, "192.168.2.11") || !strings.Contains(s, "22/tcp") {
		t.Error("ufw does not know:", s)
	}
	if s := c2.Shell("dpkg-query -W -f '${Status}' chrony"); s != "install ok installed" {
		t.Error("the package is not there:", s)
	}
	if s := ctl.Shell("cat /etc/NetworkManager/system-connections/stackd-eth0.nmconnection"); !strings.Contains(s, "address1=192.168.4.10/24,192.168.4.5") {
		t.Error("its address would be lost:", s)
	}
	if s := c1.Shell("ifquery eth1; ifquery eth0"); !strings.Contains(s, "address: 192.168.2.11") || !strings.Contains(s, "gateway: 192.168.4.5") {
		t.Error("its addresses would be lost:", s)
	}
	for _, h := range []struct {
		at   *hosts.Host
		unit string
	}{{ctl, "stackd"}, {c1, "stackd-agent"}, {c2, "stackd-agent"}} {
		if s := h.at.Shell("systemctl is-active " + h.unit + "; systemctl is-enabled " + h.unit + "; kill -9 $(systemctl show -P MainPID " + h.unit + "); for i in $(seq 60); do sleep .5; stackd status --output json 2>/dev/null | grep -q '\"running\":true' && break; done; systemctl show -P NRestarts " + h.unit); s != "active\nenabled\n1" {
			t.Errorf("%s: %q", h.at.Name, s)
		}
	}
	n.out(t)
	until(t, "both nodes to be up", time.Minute, func() (bool, string) {
		s := ctl.Shell("set -a; . /root/keystonerc_admin; openstack compute service list --service nova-compute -f value -c State")
		return strings.Count(s, "up") == 2, s
	})
	if out := n.install(); !strings.Contains(out, " 0 steps acted") {
		t.Errorf("a second run acts:\n%s", out)
	}
	n.addRemove(t)
	if out, err := n.stackd("uninstall", "--answer-file", "/root/answers.txt"); err != nil {
		t.Fatal(err, out)
	}
	if now := n.state() + n.guards(); now != before {
		t.Errorf("a host is not as it was\n%s\nwas\n%s", now, before)
	}
}

// guards is what guards the hosts.
func (n *notes) guards() string {
	return n.hosts["compute1"].Shell("firewall-cmd --state 2>&1; firewall-cmd --get-policies; firewall-cmd --list-all") + n.hosts["compute2"].Shell("ufw status")
}

// out sees that a host gets out, and under the address of the host that it leaves by.
func (n *notes) out(t *testing.T) {
	t.Helper()
	listen := n.lab.Outside("timeout", "20", "python3", "-c", "import socket; s=socket.create_server(('198.51.100.1', 7000)); c, a = s.accept(); print(a[0])")
	heard, err := listen.StdoutPipe()
	if err == nil {
		err = listen.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	n.hosts["compute1"].Shell("bash -c 'for i in $(seq 40); do (exec 3<>/dev/tcp/198.51.100.1/7000) 2>/dev/null && exit 0; sleep .25; done; exit 1'")
	from := make([]byte, 64)
	k, _ := heard.Read(from)
	if err := listen.Wait(); err != nil || strings.TrimSpace(string(from[:k])) != "198.51.100.2" {
		t.Errorf("out under %q, %v", from[:k], err)
	}
}

// addRemove takes a node off the cloud, and makes it one again.
func (n *notes) addRemove(t *testing.T) {
	t.Helper()
	services := func() string {
		return n.hosts["controller"].Shell("set -a; . /root/keystonerc_admin; openstack compute service list --service nova-compute -f value -c Host -c State | sort")
	}
	answers := func() string { return n.infra.Shell("grep COMPUTE_HOSTS /root/answers.txt") }
	if out, err := n.stackd("node", "remove", "192.168.4.12", "--answer-file", "/root/answers.txt"); err != nil || services() != "compute1 up" || strings.Contains(answers(), "4.12") {
		t.Fatal(err, out, services(), answers())
	}
	if s := n.hosts["compute2"].Shell("ls -A /var/lib/stackd; grep -c controller /etc/hosts || true"); s != "0" {
		t.Error("it keeps", s)
	}
	if out, err := n.again("node", "add", "192.168.4.12", "--answer-file", "/root/answers.txt"); err != nil || !strings.Contains(answers(), "192.168.4.11,192.168.4.12") {
		t.Fatal(err, out, answers())
	}
	until(t, "the node to be up again", time.Minute, func() (bool, string) {
		s := services()
		return s == "compute1 up\ncompute2 up", s
	})
}
