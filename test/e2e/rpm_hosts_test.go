//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stackd/test/hosts"
)

// rpmSystems are what the hosts are: Enterprise Linux, but for one node.
var rpmSystems = map[string]string{"infra": "rocky", "controller": "rocky", "compute1": "rocky", "compute2": "fedora"}

// rpmHosts are the notes' hosts as systems of the dnf family, with the real dnf and rpm:
// what is in their packages are this machine's programs.
func rpmHosts(t *testing.T) *notes {
	folder := t.TempDir()
	for _, d := range []string{filepath.Dir(folder), folder} {
		run(t, nil, "chmod", "755", d)
	}
	run(t, nil, "test/rpms/make", folder)
	n := newInstalled(t, "rh", (*hosts.Lab).Machine, (*hosts.Lab).Machine, map[string]string{"controller": "10", "compute1": "11", "compute2": "12"}, notesAnswers+"CONFIG_STACKD_INFRA_HOST=192.168.4.5\n")
	host, err := filepath.Abs("../rpms/host")
	if err != nil {
		t.Fatal(err)
	}
	for name, system := range rpmSystems {
		n.host(name).Run(host, system, folder)
	}
	n.hosts["controller"].Shell("systemctl start NetworkManager")
	n.hosts["compute1"].Shell("systemctl start firewalld; firewall-cmd --state")
	return n
}

// rpmState is what an uninstall must bring back.
func (n *notes) rpmState() (s string) {
	for _, name := range []string{"infra", "controller", "compute1", "compute2"} {
		h := n.host(name)
		s += name + "\n" + h.Shell("md5sum /etc/hosts /etc/resolv.conf; rpm -qa | sort; ls -d /etc/chrony*; ls -A /etc/yum.repos.d /usr/local/bin /root /etc/NetworkManager/* /etc/systemd/system /var/lib/stackd; ls -d /var/lib/stackd-install; nft list tables 2>/dev/null | grep stackd; ip -br -4 addr; ip route; ip -br link | awk '{print $1}' | sort") + "\n"
	}
	return s + n.hosts["compute1"].Shell("firewall-cmd --get-policies")
}

// Hosts of Enterprise Linux and Fedora are prepared as Debian's are: without a way out
// from a folder, and with their own repositories, EPEL's and the NFV SIG's.
func TestRPMHosts(t *testing.T) {
	file := image(t)
	n := rpmHosts(t)
	n.infra.Shell("dnf -y -q install epel-release centos-release-nfv-openvswitch")
	n.rpmOffline()
	n.rpmOnline(file)
}

// rpmOffline is a cloud of hosts with no way out: nothing but the folder is read.
func (n *notes) rpmOffline() {
	t, was := n.t, n.file
	defer func() { n.file = was }()
	if out, err := n.again("repository", "/root/repository"); err != nil || !strings.Contains(out, " packages, ") {
		t.Fatal(out, err)
	}
	n.file = changed(t, changed(t, was, "CONFIG_COMPUTE_HOSTS=192.168.4.11"), "CONFIG_STACKD_REPOSITORY=/root/repository")
	for _, name := range []string{"controller", "compute1"} {
		n.host(name).Shell("sed -i.was 's,^baseurl=.*,baseurl=file:///nowhere,' /etc/yum.repos.d/rocky.repo")
	}
	before := n.rpmState()
	n.install()
	if s := n.hosts["compute1"].Shell("rpm -q openvswitch3.3 ovn24.03-host qemu-kvm-core; rpm -q epel-release || true"); !strings.Contains(s, "epel-release is not installed") {
		t.Error(s)
	}
	n.settled()
	n.rpmUninstall(before)
	for _, name := range []string{"controller", "compute1"} {
		n.host(name).Shell("mv /etc/yum.repos.d/rocky.repo.was /etc/yum.repos.d/rocky.repo")
	}
}

// settled sees that a second run acts nowhere, and that the services are the units' that
// these systems have.
func (n *notes) settled() {
	n.t.Helper()
	if out := n.install(); !strings.Contains(out, " 0 steps acted") {
		n.t.Errorf("a second run acts:\n%s", out)
	}
	for name, units := range map[string]string{"infra": "chronyd stackd-named", "controller": "chronyd stackd", "compute1": "chronyd stackd-agent"} {
		if s := n.host(name).Shell("systemctl is-active " + units + " || true"); strings.Contains(s, "in") || strings.Count(s, "active") != 2 {
			n.t.Errorf("%s: %s is %q", name, units, s)
		}
	}
}

func (n *notes) rpmUninstall(before string) {
	n.t.Helper()
	if out, err := n.stackd("uninstall", "--answer-file", "/root/answers.txt"); err != nil {
		n.t.Fatal(err, out, n.infra.Shell("tail -n 20 /var/tmp/stackd/latest/openstack-setup.log"))
	}
	if now := n.rpmState(); now != before {
		n.t.Errorf("a host is not as it was\n%s\nwas\n%s", now, before)
	}
}

// rpmOnline has the hosts' own repositories, and what these lead to; guests on both
// systems talk at the end.
func (n *notes) rpmOnline(file string) {
	t, was := n.t, n.file
	before := n.rpmState()
	if out, err := n.stackd("install", "--answer-file", "/root/answers.txt", "--accept-new-hosts"); err == nil || !strings.Contains(out, "192.168.4.10: no repository of it has novnc (EPEL has it: CONFIG_USE_EPEL=y)") || strings.Contains(out, "has openvswitch") {
		t.Fatalf("%v\n%s", err, out)
	}
	n.file = changed(t, was, "CONFIG_USE_EPEL=y")
	start := time.Now()
	out := n.install()
	t.Logf("installed in %s\n%s", time.Since(start).Round(100*time.Millisecond), out)
	if !strings.Contains(out, "knows no iSCSI") && !strings.Contains(out, "no iSCSI target of its own") {
		t.Error("what Enterprise Linux cannot is not told")
	}
	ctl := n.hosts["controller"]
	pub, key := newKey(t, t.TempDir())
	osc := clientOn(t, ctl, "/root/keystonerc_admin")
	at, inner := twoGuests(t, ctl, osc, file, pub, "--provider-network-type vxlan", "compute1", "compute2")
	far{t, n.lab, at["compute1"], key}.says("ping -c 3 -W 2 "+inner, "3 packets received")
	for name, path := range map[string]string{"compute1": "/usr/libexec/qemu-kvm", "compute2": "/usr/bin/qemu-system-x86_64"} {
		if s := n.host(name).Shell("ps -eo args | grep '^/usr/.*guest='"); !strings.HasPrefix(s, path+" ") {
			t.Errorf("%s runs %s", name, s)
		}
	}
	n.settled()
	if out, err := n.again("doctor", "--answer-file", "/root/answers.txt"); err != nil {
		t.Errorf("a cloud that is well is ill: %v\n%s", err, out)
	}
	n.rpmUninstall(before)
}
