//go:build e2e

package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stackd/test/cloudtest"
	"stackd/test/hosts"

	"golang.org/x/crypto/ssh"
)

// planeAndNodes are a control plane with some settings, and the nodes c1 and c2 of it, each
// a host of its own in the lab; and the program that they run.
func planeAndNodes(t *testing.T, lab *hosts.Lab, settings string) (ctl *hosts.Host, nodes map[string]*hosts.Host, program string) {
	t.Helper()
	lab.Address("mgmt", "192.168.4.1/24")
	program, err := cloudtest.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	begin := func(name, last string) *hosts.Host {
		h := lab.Host(name, "mgmt 192.168.4."+last+"/24", "tun 192.168.2."+last+"/24")
		t.Cleanup(func() {
			if t.Failed() {
				t.Log(name, h.Shell("cd /var/lib/stackd; tail -n 40 stackd.log; tail -n 20 libvirt/log/libvirtd.log libvirt/log/qemu/*.log 2>/dev/null; true"))
			}
			h.Run(program, "down")
		})
		return h
	}
	ctl = begin("ctl", "10")
	ctl.Shell("mkdir -p /var/lib/stackd; cat > /var/lib/stackd/stackd.yaml <<'EOF'\n" + settings + "EOF")
	ctl.Run(program, "serve", "--host", "ctl", "--listen", "192.168.4.10", "--tunnel", "192.168.2.10", "--uplink", "eth0", "--background")
	nodes = map[string]*hosts.Host{}
	for _, n := range []string{"c1", "c2"} {
		nodes[n] = begin(n, "1"+n[1:])
		token := ctl.Run(program, "node", "token", "--host", n)
		agentOn(nodes[n], program, token)
	}
	return ctl, nodes, program
}

// agentOn starts a node of planeAndNodes, with a token if it has not joined yet.
func agentOn(h *hosts.Host, program, token string) {
	last := "1" + h.Name[1:]
	h.Run("env", "STACKD_JOIN_TOKEN="+token, program, "agent", "--host", h.Name, "--listen", "192.168.4."+last, "--tunnel", "192.168.2."+last, "--plane", "192.168.4.10", "--background")
}

// A control plane and two nodes, each a host of its own: guests on both talk over the
// tunnel, are reached from outside by the controller's uplink, and their consoles and
// displays from the control plane. A node that is killed goes on where it was.
func TestNodes(t *testing.T) {
	file := image(t)
	lab := hosts.New(t, "nd", "mgmt", "tun")
	start := time.Now()
	ctl, _, _ := planeAndNodes(t, lab, "")
	t.Logf("a control plane and two nodes after %s", time.Since(start).Round(100*time.Millisecond))

	pub, key := newKey(t, t.TempDir())
	osc := clientOn(t, ctl, "/var/lib/stackd/keystonerc_admin")
	at, inner := twoGuests(t, ctl, osc, file, pub, "", "c1", "c2")
	g := far{t, lab, at["c1"], key}
	g.says("hostname", "on-c1")
	g.says("ping -c 3 -W 2 "+inner, "3 packets received")
	g.says("wget -qO- http://169.254.169.254/latest/meta-data/hostname", "on-c1")
	far{t, lab, at["c2"], key}.says("hostname", "on-c2")
	t.Logf("two guests on two hosts talk after %s", time.Since(start).Round(time.Second))

	if text := osc("console log show on-c2"); !strings.Contains(text, "on-c2") {
		t.Error("the console of a guest on another host:", text)
	}
	if out := osc("server list --long -f value -c Name -c Host"); !strings.Contains(out, "on-c1 c1") || !strings.Contains(out, "on-c2 c2") {
		t.Error(out)
	}
	for _, step := range []struct {
		what string
		do   func()
	}{
		{"rebooted", func() { osc("server reboot --hard --wait on-c2") }},
		{"reached again", func() { far{t, lab, at["c2"], key}.says("hostname", "on-c2") }},
		{"deleted", func() { osc("server delete --wait on-c1"); osc("server delete --wait on-c2") }},
	} {
		began := time.Now()
		step.do()
		t.Logf("%s in %s", step.what, time.Since(began).Round(time.Second))
	}
}

// clientOn is the openstack client on a host, with credentials that lie there.
func clientOn(t *testing.T, h *hosts.Host, credentials string) func(line string) string {
	return func(line string) string {
		t.Helper()
		return h.Shell(". " + credentials + " && openstack " + line)
	}
}

// twoGuests makes an image, networks, and a guest on each of two hosts. It gives their
// floating IPs by host, and the inner address of the second. network is further words for
// the tenant's network.
func twoGuests(t *testing.T, ctl *hosts.Host, osc func(string) string, image, pub, network, one, two string) (at map[string]string, inner string) {
	t.Helper()
	key, err := os.ReadFile(pub)
	if err != nil {
		t.Fatal(err)
	}
	ctl.Shell("echo '" + strings.TrimSpace(string(key)) + "' > /tmp/key.pub")
	for _, line := range []string{
		"image create tiny --disk-format qcow2 --container-format bare --file " + image, "flavor create tiny --ram 128 --vcpus 1 --disk 1", "keypair create k --public-key /tmp/key.pub",
		"network create public --external --provider-network-type flat --provider-physical-network physnet1",
		"subnet create ps --network public --subnet-range 192.168.4.0/24 --gateway 192.168.4.1 --no-dhcp --allocation-pool start=192.168.4.100,end=192.168.4.200",
		"network create n " + network, "subnet create s --network n --subnet-range 10.9.0.0/24",
		"router create r", "router set r --external-gateway public", "router add subnet r s",
		"security group create open", "security group rule create open --protocol tcp --dst-port 22", "security group rule create open --protocol icmp",
	} {
		osc(line)
	}
	at = map[string]string{}
	for _, h := range []string{one, two} {
		osc("server create on-" + h + " --wait --image tiny --flavor tiny --network n --key-name k --security-group open --availability-zone nova:" + h)
		at[h] = osc("floating ip create public -f value -c floating_ip_address")
		osc("server add floating ip on-" + h + " " + at[h])
	}
	_, after, _ := strings.Cut(osc("server show on-"+two+" -f json -c addresses"), "10.9.0.")
	return at, "10.9.0." + after[:strings.IndexAny(after, "\"'")]
}

// far is a guest that is reached from the lab's outside.
type far struct {
	t       *testing.T
	lab     *hosts.Lab
	address string
	key     ssh.Signer
}

func (f far) says(command, want string) {
	f.t.Helper()
	until(f.t, command+" in "+f.address, 3*time.Minute, func() (bool, string) {
		c, err := f.lab.Dial(net.JoinHostPort(f.address, "22"), 4*time.Second)
		if err != nil {
			return false, err.Error()
		}
		out, err := over(c, f.address, f.key, command)
		return err == nil && strings.Contains(out, want), out + " " + filepath.Base(f.address)
	})
}
