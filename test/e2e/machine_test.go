//go:build e2e

package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"stackd/test/hosts"
)

const machineAnswers = `[general]
CONFIG_DEFAULT_PASSWORD=openstack
CONFIG_CONTROLLER_HOST=192.168.4.10
CONFIG_COMPUTE_HOSTS=
CONFIG_NETWORK_HOSTS=192.168.4.10
CONFIG_STORAGE_HOST=192.168.4.10
CONFIG_NTP_SERVERS=
CONFIG_CLIENT_INSTALL=n
CONFIG_CINDER_BACKEND=lvm
CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS=physnet1:br-ex
CONFIG_NEUTRON_OVS_BRIDGE_IFACES=br-ex:eth0
CONFIG_PROVISION_DEMO=n
`

// newMachine is a controller with a kernel of its own, in which SELinux enforces.
func newMachine(t *testing.T, k hosts.Kernel, more string) (*notes, *hosts.Host) {
	n := newInfra(t, "mc", (*hosts.Lab).Host)
	k.Tree, k.Tools, k.Append = os.Getenv("STACKD_MACHINE"), "../hosts", "security=selinux selinux=1"
	start := time.Now()
	h := n.lab.Emulated(k, "controller", "mgmt 192.168.4.10/24")
	t.Logf("booted in %s", time.Since(start).Round(time.Second))
	h.Shell("echo '" + n.infra.Shell("cat /root/.ssh/id_ed25519.pub") + "' >> /root/.ssh/authorized_keys")
	n.hosts["controller"] = h
	n.answer(machineAnswers + more)
	return n, h
}

// kept is what an uninstall must bring back on a machine.
func (n *notes) kept() string {
	return n.hosts["controller"].Shell(`md5sum /etc/hosts /etc/selinux/config; getenforce; semodule -lfull | grep stackd; ls -A /var/lib/stackd* /etc/modules-load.d /etc/systemd/system 2>/dev/null; ip -br -4 addr | sed 's/  */ /g'; ip route | sed 's/ *$//'
vgs --noheadings -o vg_name; lvs --noheadings -o lv_name; losetup -n -O BACK-FILE; for m in dm_thin_pool dm_snapshot; do [ ! -e /sys/module/$m ] || echo $m; done; systemctl is-enabled openvswitch-switch ovn-central ovn-host tgt || true`)
}

// api is the openstack client, on the third host.
func (n *notes) api() func(string) string {
	n.infra.Shell("cat > /root/rc <<'EOF'\n" + n.hosts["controller"].Shell("cat /var/lib/stackd/keystonerc_admin") + "\nEOF")
	return clientOn(n.t, n.infra, "/root/rc")
}

// statuses waits until all volumes and snapshots are as they should be.
func (n *notes) statuses(osc func(string) string, want string) {
	n.t.Helper()
	until(n.t, "volumes to be there", 3*time.Minute, func() (bool, string) {
		volumes := strings.Split(osc("volume list -f value -c Name -c Status -c Size"), "\n")
		slices.Sort(volumes)
		s := strings.Join(volumes, "\n") + "\n" + osc("volume snapshot list -f value -c Name -c Status")
		return s == want, s
	})
}

// A machine's volume group is made, and is there again after the machine was booted anew,
// with the volumes in it and the cloud; SELinux goes on enforcing.
func TestMachine(t *testing.T) {
	n, h := newMachine(t, hosts.Kernel{}, "CONFIG_CINDER_VOLUMES_CREATE=y\nCONFIG_CINDER_VOLUMES_SIZE=8G\n")
	before, start := n.kept(), time.Now()
	out := n.install("--timeout", "1200")
	t.Logf("installed in %s\n%s\n%s", time.Since(start).Round(time.Second), out, n.infra.Shell("grep -E '^20.*::' /var/tmp/stackd/latest/openstack-setup.log | cut -c1-70"))
	osc := n.api()
	osc("volume create --size 1 v")
	n.statuses(osc, "v available 1\n")
	osc("volume snapshot create --volume v s")
	n.statuses(osc, "v available 1\ns available")
	osc("volume create --snapshot s --size 1 w")
	osc("volume set --size 2 v")
	const all = "v available 2\nw available 1\ns available"
	n.statuses(osc, all)
	for _, line := range []string{"network create public --external --provider-network-type flat --provider-physical-network physnet1",
		"subnet create ps --network public --subnet-range 192.168.4.0/24 --gateway 192.168.4.1 --no-dhcp --allocation-pool start=192.168.4.100,end=192.168.4.200",
		"router create r", "router set r --external-gateway public --fixed-ip subnet=ps,ip-address=192.168.4.150"} {
		osc(line)
	}
	n.working(h)
	start = time.Now()
	h.Reboot()
	t.Logf("booted anew in %s", time.Since(start).Round(time.Second))
	until(t, "the cloud to be there again", 5*time.Minute, func() (bool, string) {
		s := h.Shell("stackd status --output json")
		return strings.Contains(s, `"ready":true`), s
	})
	t.Logf("the cloud is there again after %s", time.Since(start).Round(time.Second))
	n.statuses(osc, all)
	n.working(h)
	osc("volume set --size 2 w")
	n.statuses(osc, "v available 2\nw available 2\ns available")
	if out := n.install("--timeout", "1200"); !strings.Contains(out, " 0 steps acted") {
		t.Errorf("a second run acts:\n%s", out)
	}
	n.uninstalled(before)
}

// working sees that what the kernel does for the cloud it does.
func (n *notes) working(h *hosts.Host) {
	n.t.Helper()
	s := h.Shell("getenforce; losetup -n -O BACK-FILE; lvs --noheadings -o lv_name cinder-volumes | grep -c -e volume- -e _snapshot-; ps -o label= -C ovs-vswitchd; ls -d /sys/module/openvswitch /sys/module/dm_thin_pool; ovs-dpctl show | grep port | cut -d: -f2 | sort; ausearch --input-logs -m avc -ts boot | grep denied | grep -e 'stackd_t.*permissive=0' || true")
	want := "Enforcing\n/var/lib/stackd-volumes.img\n3\nsystem_u:system_r:stackd_t:s0\n/sys/module/dm_thin_pool\n/sys/module/openvswitch\n br-ex (internal)\n br-int (internal)\n eth0\n ovs-system (internal)"
	if s != want {
		n.t.Errorf("it has\n%s\nin place of\n%s", s, want)
	}
	until(n.t, "the router to answer", 2*time.Minute, func() (bool, string) {
		out, err := n.lab.Outside("ping", "-c", "1", "-W", "2", "192.168.4.150").CombinedOutput()
		return err == nil, string(out)
	})
}

func (n *notes) uninstalled(before string) {
	n.t.Helper()
	start := time.Now()
	if out, err := n.stackd("uninstall", "--answer-file", "/root/answers.txt"); err != nil {
		n.t.Fatal(err, out, n.infra.Shell("tail -n 20 /var/tmp/stackd/latest/openstack-setup.log"))
	}
	n.t.Logf("uninstalled in %s", time.Since(start).Round(time.Second))
	if now := n.kept(); now != before {
		n.t.Errorf("the machine is not as it was\n%s\nwas\n%s", now, before)
	}
}

// A group that somebody made is used as it is, and stays with what is theirs in it; a
// SELinux that was to tell only enforces again.
func TestMachineGroup(t *testing.T) {
	n, h := newMachine(t, hosts.Kernel{Disk: true}, "CONFIG_CINDER_VOLUMES_CREATE=n\nCONFIG_STACKD_SELINUX=permissive\n")
	h.Shell("vgcreate -q cinder-volumes /dev/vdb; lvcreate -q -L 64M -n mine cinder-volumes; lvcreate -q -L 64M -n volume-00000000-0000-4000-8000-000000000001 cinder-volumes")
	before := n.kept()
	t.Log(n.install("--timeout", "1200"))
	if s := h.Shell("getenforce; sed -n '/^SELINUX=/p' /etc/selinux/config; ls /var/lib/stackd-volumes.img 2>&1 | grep -c 'No such'"); s != "Permissive\nSELINUX=permissive\n1" {
		t.Error(s)
	}
	osc := n.api()
	osc("volume create --size 1 v")
	n.statuses(osc, "v available 1\n")
	if out := n.install("--timeout", "1200"); !strings.Contains(out, " 0 steps acted") {
		t.Errorf("a second run acts:\n%s", out)
	}
	n.uninstalled(before)
}
