//go:build e2e

package e2e

import (
	"context"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"stackd/internal/client"
	"stackd/test/cloudtest"
	"stackd/test/hosts"
)

// The notes' answers, but for addresses.
const notesAnswers = `[general]
CONFIG_DEFAULT_PASSWORD=openstack
CONFIG_SWIFT_INSTALL=n
CONFIG_NTP_SERVERS=192.168.4.5
CONFIG_CONTROLLER_HOST=192.168.4.10
CONFIG_COMPUTE_HOSTS=192.168.4.11,192.168.4.12
CONFIG_NETWORK_HOSTS=192.168.4.10
CONFIG_STORAGE_HOST=192.168.4.10
CONFIG_CINDER_VOLUMES_CREATE=n
CONFIG_NEUTRON_L2_AGENT=openvswitch
CONFIG_NEUTRON_ML2_TYPE_DRIVERS=flat,vxlan
CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES=vxlan
CONFIG_NEUTRON_ML2_VXLAN_GROUP=239.1.1.5
CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS=physnet1:br-ex
CONFIG_NEUTRON_OVS_BRIDGE_IFACES=br-ex:eth0
CONFIG_NEUTRON_OVS_TUNNEL_IF=eth1
CONFIG_PROVISION_DEMO=n
`

// notes is the notes' installation: a controller and compute hosts by an answer file,
// with a time server on a host of its own, all reached by SSH.
type notes struct {
	t       *testing.T
	lab     *hosts.Lab
	program string
	file    string
	infra   *hosts.Host
	hosts   map[string]*hosts.Host
	killed  []string // what runs the program in its stead, and kills it
}

// gentleClock has chronyd leave the clock alone, which is this machine's.
const gentleClock = `mv /usr/sbin/chronyd /usr/sbin/chronyd.real; printf '#!/bin/sh\nexec /usr/sbin/chronyd.real -x "$@"\n' > /usr/sbin/chronyd; chmod +x /usr/sbin/chronyd`

// ownTime makes the third host a time server by hand.
func (n *notes) ownTime() {
	n.infra.Shell("mkdir -p /run/chrony; printf 'local stratum 3\\nallow 192.168.4.0/24\\ndriftfile /run/drift\\nbindcmdaddress /run/chronyd.sock\\n' > /run/chrony.conf; chronyd -f /run/chrony.conf")
}

func newNotes(t *testing.T, more string) *notes { return notesOn(t, (*hosts.Lab).Host, more) }

// notesOn has the hosts that others are deployed to booted in some way.
func notesOn(t *testing.T, boot func(*hosts.Lab, string, ...string) *hosts.Host, more string) *notes {
	return newInstalled(t, "nt", (*hosts.Lab).Host, boot, map[string]string{"controller": "10", "compute1": "11", "compute2": "12"}, notesAnswers+more)
}

// newInfra is a lab with the third host alone, from which others are deployed to; it is
// booted in a way of its own.
func newInfra(t *testing.T, lab string, third func(*hosts.Lab, string, ...string) *hosts.Host) *notes {
	n := &notes{t: t, lab: hosts.New(t, lab, "mgmt", "tun", "wan"), hosts: map[string]*hosts.Host{}}
	n.lab.Address("mgmt", "192.168.4.1/24")
	n.lab.Address("wan", "198.51.100.1/24")
	var err error
	if n.program, err = cloudtest.Build(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	n.infra = third(n.lab, "infra", "mgmt 192.168.4.5/24", "wan 198.51.100.2/24")
	n.infra.Shell(gentleClock + "; touch /root/answers.txt")
	n.infra.Shell("mkdir -p -m 700 /root/.ssh; rm -f /root/.ssh/*; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519")
	return n
}

// answer writes the answer file.
func (n *notes) answer(text string) {
	n.file = filepath.Join(n.t.TempDir(), "answers.txt")
	if err := os.WriteFile(n.file, []byte(text), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

// newInstalled is a lab for hosts with these last parts of their addresses, to be made a
// cloud of by the third host's deployer, which is booted in a way of its own.
func newInstalled(t *testing.T, lab string, third, boot func(*hosts.Lab, string, ...string) *hosts.Host, last map[string]string, answers string) *notes {
	n := newInfra(t, lab, third)
	for name, last := range last {
		n.hosts[name] = boot(n.lab, name, "mgmt 192.168.4."+last+"/24", "tun 192.168.2."+last+"/24")
		n.opened(n.hosts[name])
	}
	if b, err := os.ReadFile("/proc/misc"); err != nil || !strings.Contains(string(b), "device-mapper") {
		t.Log("this machine's kernel has no device-mapper: volumes are files, not a volume group")
		answers += "CONFIG_CINDER_BACKEND=file\n"
	}
	n.answer(answers)
	return n
}

// opened is a new host that the third host may log in to.
func (n *notes) opened(h *hosts.Host) {
	pub := n.infra.Shell("cat /root/.ssh/id_ed25519.pub")
	h.Shell("mkdir -p -m 700 /root/.ssh /run/sshd; echo '" + pub + "' > /root/.ssh/authorized_keys; rm -f /etc/ssh/ssh_host_*; ssh-keygen -A >/dev/null; /usr/sbin/sshd; " + gentleClock + "; ip route add default via 192.168.4.1")
}

func (n *notes) host(name string) *hosts.Host {
	if name == "infra" {
		return n.infra
	}
	return n.hosts[name]
}

// install runs the deployer on the third host, as the notes do.
func (n *notes) stackd(args ...string) (string, error) {
	n.t.Helper()
	b, err := os.ReadFile(n.file)
	if err != nil {
		n.t.Fatal(err)
	}
	n.infra.Shell("cat > /root/answers.txt <<'EOF'\n" + string(b) + "EOF")
	return n.again(args...)
}

// again is stackd with the answers as they are on the third host.
func (n *notes) again(args ...string) (string, error) {
	out, err := n.infra.Command(context.Background(), append(n.killed, append([]string{n.program}, args...)...)...).CombinedOutput()
	return string(out), err
}

func (n *notes) install(args ...string) string {
	n.t.Helper()
	out, err := n.stackd(append([]string{"install", "--answer-file", "/root/answers.txt", "--accept-new-hosts"}, args...)...)
	if err != nil {
		n.t.Fatalf("%v\n%s\n%s", err, out, n.infra.Shell("tail -n 40 /var/tmp/stackd/latest/openstack-setup.log"))
	}
	return out
}

// state is what an uninstall must bring back: files, links and addresses.
func (n *notes) state() string {
	s := ""
	for _, name := range append([]string{"infra"}, slices.Sorted(maps.Keys(n.hosts))...) {
		h := n.host(name)
		s += h.Name + "\n" + h.Shell("md5sum /etc/hosts /etc/resolv.conf; ls /etc/bind /etc/chrony/conf.d; ls /etc/chrony/sources.d /usr/local/bin; ls -A /var/lib/stackd /root /etc/network/interfaces.d /etc/firewalld/* /etc/NetworkManager/*; cat /proc/sys/net/ipv4/ip_forward; nft list tables | grep stackd; dpkg-query -W | md5sum; ip -br -4 addr | sed 's/@if[0-9]*//; s/  */ /g'; ip route; ip -br link | awk '{sub(/@.*/, \"\", $1); print $1}' | sort") + "\n"
	}
	return s
}

// joinToken is how one looks.
var joinToken = regexp.MustCompile(`[a-z0-9]{8}\.[A-Z2-7]{26}\.[0-9a-f]{64}`)

func TestNotes(t *testing.T) {
	file := image(t)
	n := newNotes(t, "CONFIG_STACKD_INFRA_HOST=192.168.4.5\n")
	before := n.state()
	start := time.Now()
	out := n.install("--dry-run")
	if now := n.state(); now != before {
		t.Fatalf("a dry run has changed a host\n%s\nwas\n%s", now, before)
	}
	if !strings.Contains(out, "Would act on 192.168.4.11: node") || strings.Contains(out, "openstack\n") {
		t.Error(out)
	}
	out = n.install()
	t.Logf("installed in %s\n%s\n%s", time.Since(start).Round(100*time.Millisecond), out, n.infra.Shell("grep -E '^20.*::' /var/tmp/stackd/latest/openstack-setup.log | cut -c1-100"))
	if log := n.infra.Shell("cat /var/tmp/stackd/latest/openstack-setup.log"); strings.Contains(log, "openstack") || joinToken.MatchString(log) {
		t.Error("a password or a token is in the log")
	}

	ctl := n.hosts["controller"]
	pub, key := newKey(t, t.TempDir())
	osc := clientOn(t, ctl, "/root/keystonerc_admin")
	if osc("token issue -f value -c user_id") == "" || !strings.Contains(ctl.Shell("cat /root/keystonerc_admin"), "openstack") {
		t.Error("the administrator's password is not the answers'")
	}
	until(t, "the time server to be chosen", time.Minute, func() (bool, string) {
		s := n.hosts["compute1"].Shell("chronyc -n sources || true")
		return strings.Contains(s, "^* 192.168.4.5"), s
	})
	if out := ctl.Shell("openstack --os-cloud admin token issue -f value -c id"); out == "" {
		t.Error("clients do not find the cloud by name")
	}
	n.names()
	at, inner := twoGuests(t, ctl, osc, file, pub, "--provider-network-type vxlan", "compute1", "compute2")
	g := far{t, n.lab, at["compute1"], key}
	g.says("hostname", "on-compute1")
	g.says("ping -c 3 -W 2 "+inner, "3 packets received")
	osc("volume create --size 1 v")
	until(t, "the volume to be available", time.Minute, func() (bool, string) {
		s := osc("volume show v -f value -c status")
		return s == "available", s
	})
	osc("server add volume on-compute1 v")
	g.says("ls /dev/vdb", "/dev/vdb")
	t.Logf("guests on two hosts talk, one with a volume, after %s", time.Since(start).Round(time.Second))

	if out := n.install(); !strings.Contains(out, " 0 steps acted") {
		t.Errorf("a second run acts:\n%s", out)
	}
	n.doctor()
	if out, err := n.stackd("uninstall", "--answer-file", "/root/answers.txt"); err != nil {
		t.Fatal(err, out, n.infra.Shell("tail -n 20 /var/tmp/stackd/latest/openstack-setup.log"))
	}
	if now := n.state(); now != before {
		t.Errorf("a host is not as it was\n%s\nwas\n%s", now, before)
	}
}

// doctor sees that the doctor finds what somebody has broken, on any host, and mends it.
func (n *notes) doctor() {
	n.t.Helper()
	args := []string{"doctor", "--answer-file", "/root/answers.txt"}
	out, err := n.stackd(args...)
	if err != nil {
		n.t.Errorf("a cloud that is well is ill: %v\n%s", err, out)
	}
	n.hosts["compute1"].Shell("kill $(cat /var/lib/stackd/run/ovn-controller.pid); kill $(cat /run/chrony/chronyd.pid); kill -9 $(cat /var/lib/stackd/lock)")
	n.hosts["compute2"].Shell("sed -i '/^# stackd:/,/^# :stackd/d' /etc/hosts; echo nameserver 192.168.4.99 > /etc/resolv.conf")
	n.infra.Shell("kill $(cat /run/named/named.pid)")
	out, err = n.stackd(args...)
	for _, want := range []string{"compute1 +installed: time +ILL", "compute1 +stackd +ILL +it does not run", "compute2 +installed: names +ILL", "compute2 +installed: resolver +ILL", "infra +installed: name server +ILL"} {
		if err == nil || !regexp.MustCompile(want).MatchString(out) {
			n.t.Errorf("no %q in\n%s", want, out)
		}
	}
	start := time.Now()
	if out, err = n.stackd(append(args, "--repair")...); err != nil || !strings.Contains(out, "MENDED") {
		n.t.Errorf("not mended: %v\n%s", err, out)
	}
	n.t.Logf("mended in %s", time.Since(start).Round(time.Second))
	if out, err = n.stackd(args...); err != nil {
		n.t.Errorf("ill after it was mended: %v\n%s", err, out)
	}
	n.names()
}

// signIn is the administrator, from where the hosts are.
func (n *notes) signIn(ctx context.Context) (*cloudtest.Client, error) {
	return n.signInAt(ctx, "192.168.4.10")
}

func (n *notes) signInAt(ctx context.Context, at string) (*cloudtest.Client, error) {
	dial := func(_ context.Context, _, address string) (net.Conn, error) {
		return n.lab.Dial(address, 10*time.Second)
	}
	h := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 16}}
	return client.SignIn(ctx, h, client.Login{URL: "http://" + at + ":5000/v3", User: "admin", Password: "openstack", Project: "admin"})
}

// names sees that hosts find one another by name, both ways, and that others are told.
func (n *notes) names() {
	n.t.Helper()
	c := n.hosts["compute1"]
	for _, q := range []struct{ words, want string }{
		{"dig controller.cloud.internal +short", "192.168.4.10"}, {"dig -x 192.168.4.10 +short", "controller.cloud.internal."},
		{"dig -b 192.168.4.11 -p 53 -4 @192.168.4.5 -t ns cloud.internal +short", "infra.cloud.internal."},
		{"nslookup compute2", "Name:\tcompute2.cloud.internal\nAddress: 192.168.4.12"}, {"nslookup 192.168.4.5", "5.4.168.192.in-addr.arpa\tname = infra.cloud.internal."},
	} {
		if got := c.Shell("/usr/local/bin/stackd " + q.words); !strings.Contains(got, q.want) {
			n.t.Errorf("%s: no %q in\n%s", q.words, q.want, got)
		}
	}
	if out, err := n.lab.Outside(n.program, "dig", "@192.168.4.5", "compute1.cloud.internal", "+short").CombinedOutput(); err != nil || string(out) != "192.168.4.11\n" {
		n.t.Errorf("asked from outside: %v %s", err, out)
	}
}

// Whoever plants a fault is told of it before anything is changed, in words that say
// what to do.
func TestNotesFaults(t *testing.T) {
	n := newNotes(t, "")
	n.ownTime()
	before := n.state()
	for _, f := range []struct{ name, host, plant, mend, answers, want string }{
		{"the time server does not answer", "", "", "", "CONFIG_NTP_SERVERS=192.168.4.77", "no time server of CONFIG_NTP_SERVERS answers it"},
		{"a name resolves wrongly", "compute1", "cp /etc/hosts /etc/hosts.was; echo 10.1.1.1 compute1 > /etc/hosts", "mv /etc/hosts.was /etc/hosts", "", "its name compute1 resolves to 10.1.1.1"},
		{"a port is taken", "controller", "setsid python3 -m http.server 8774 >/dev/null 2>&1 & echo $! > /tmp/p; until ss -ltn | grep -q :8774; do sleep 0.1; done", "kill $(cat /tmp/p); rm /tmp/p; sleep 1", "", "somebody listens at port 8774"},
		{"a disk is full", "compute2", "mount -t tmpfs -o size=100m tmpfs /var/lib", "umount /var/lib", "", "/var/lib has 100 MiB free"},
		{"root is not let in", "compute1", "mv /root/.ssh /root/ssh", "mv /root/ssh /root/.ssh", "", "does not let root in"},
		{"no /dev/kvm", "compute1", "umount -l /dev/kvm 2>/dev/null || true; mount --bind /dev/null /dev/kvm 2>/dev/null; true", "umount /dev/kvm 2>/dev/null || true", "CONFIG_NOVA_LIBVIRT_VIRT_TYPE=kvm", "no /dev/kvm"},
		{"a host is down", "", "", "", "CONFIG_COMPUTE_HOSTS=192.168.4.11,192.168.4.99", "host 192.168.4.99 cannot be reached by SSH"},
		{"the tunnels' link is too small", "compute2", "ip link set eth1 mtu 1400", "ip link set eth1 mtu 1500", "", "carries packets of 1400 bytes"},
		{"the tunnels' link is down", "compute2", "ip link set eth1 down", "ip link set eth1 up", "", "link eth1 for tunnels is down"},
		{"an address twice", "compute2", "ip addr del 192.168.2.12/24 dev eth1; ip addr add 192.168.2.11/24 dev eth1", "ip addr del 192.168.2.11/24 dev eth1; ip addr add 192.168.2.12/24 dev eth1", "", "its address for tunnels is 192.168.2.11, and so is 192.168.4.11's"},
		{"a name twice", "compute2", "hostname compute1", "hostname compute2", "", "its name is compute1, and so is 192.168.4.11's"},
		{"no such link", "", "", "", "CONFIG_NEUTRON_OVS_BRIDGE_IFACES=br-ex:eth7", "there is no link eth7"},
		{"no such link for tunnels", "", "", "", "CONFIG_NEUTRON_OVS_TUNNEL_IF=eth9", "there is no link eth9 for tunnels"},
		{"another key than before", "compute1", "cp -r /etc/ssh /tmp/ssh; rm /etc/ssh/ssh_host_*; ssh-keygen -A >/dev/null; kill $(cat /run/sshd.pid); sleep 1; /usr/sbin/sshd", "rm -r /etc/ssh; mv /tmp/ssh /etc/ssh; kill $(cat /run/sshd.pid); sleep 1; /usr/sbin/sshd", "", "shows another key"},
		{"a key that is none", "", "", "", "CONFIG_NTP_SERVER=x", "is CONFIG_NTP_SERVERS meant?"},
		{"a service that is not there", "", "", "", "CONFIG_NOVA_INSTALL=n", "cannot be left out"},
		{"a backend that is not there", "", "", "", "CONFIG_CINDER_BACKEND=netapp", "lvm or file can be kept"},
		{"no volume group", "", "", "", "CONFIG_CINDER_BACKEND=lvm", "volume group"},
		{"a controller by name", "", "", "", "CONFIG_CONTROLLER_HOST=controller", "named by their addresses"},
		{"a name server is there", "infra", "setsid python3 -m http.server 53 >/dev/null 2>&1 & echo $! > /tmp/p; sleep 2", "kill $(cat /tmp/p); rm /tmp/p; sleep 1", "CONFIG_STACKD_INFRA_HOST=192.168.4.5", "somebody listens at port 53"},
		{"another bridge", "", "", "", "CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS=physnet1:br-x", "on br-ex can be kept"},
	} {
		t.Run(f.name, func(t *testing.T) {
			if f.host != "" {
				n.host(f.host).Shell(f.plant)
				defer n.host(f.host).Shell(f.mend)
			}
			was := n.file
			defer func() { n.file = was }()
			n.file = changed(t, was, f.answers)
			start := time.Now()
			out, err := n.stackd("install", "--answer-file", "/root/answers.txt", "--accept-new-hosts")
			if err == nil || !strings.Contains(out, f.want) {
				t.Errorf("not told within %s: %v\n%s", time.Since(start), err, out)
			}
		})
	}
	if now := n.state(); now != before {
		t.Errorf("a host is not as it was\n%s\nwas\n%s", now, before)
	}
}

// changed is an answer file in which a line replaces its key's.
func changed(t *testing.T, file, line string) string {
	if line == "" {
		return file
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key, _, _ := strings.Cut(line, "=")
	var out []string
	for l := range strings.Lines(string(b)) {
		if !strings.HasPrefix(l, key+"=") {
			out = append(out, strings.TrimSpace(l))
		}
	}
	name := filepath.Join(t.TempDir(), "answers.txt")
	if err := os.WriteFile(name, []byte(strings.Join(append(out, line), "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
