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

// A control plane and two nodes, each a host of its own: guests on both talk over the
// tunnel, are reached from outside by the controller's uplink, and their consoles and
// displays from the control plane. A node that is killed goes on where it was.
func TestNodes(t *testing.T) {
	file := image(t)
	lab := hosts.New(t, "nd", "mgmt", "tun")
	lab.Address("mgmt", "192.168.4.1/24")
	program, err := cloudtest.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	ctl := lab.Host("ctl", "mgmt 192.168.4.10/24", "tun 192.168.2.10/24")
	ctl.Run(program, "serve", "--host", "ctl", "--listen", "192.168.4.10", "--tunnel", "192.168.2.10", "--uplink", "eth0", "--background")
	t.Cleanup(func() { ctl.Run(program, "down") })
	for _, n := range []string{"c1", "c2"} {
		last := n[1:]
		h := lab.Host(n, "mgmt 192.168.4.1"+last+"/24", "tun 192.168.2.1"+last+"/24")
		token := ctl.Run(program, "node", "token", "--host", n)
		h.Run("env", "STACKD_JOIN_TOKEN="+token, program, "agent", "--host", n, "--listen", "192.168.4.1"+last, "--tunnel", "192.168.2.1"+last, "--plane", "192.168.4.10", "--background")
		t.Cleanup(func() {
			if t.Failed() {
				t.Log(h.Shell("tail -n 30 /var/lib/stackd/stackd.log"))
			}
			h.Run(program, "down")
		})
	}
	t.Logf("a control plane and two nodes after %s", time.Since(start).Round(100*time.Millisecond))

	pub, key := newKey(t, t.TempDir())
	keyText, err := os.ReadFile(pub)
	if err != nil {
		t.Fatal(err)
	}
	osc := func(line string) string {
		t.Helper()
		return ctl.Shell(". /var/lib/stackd/keystonerc_admin && openstack " + line)
	}
	ctl.Shell("echo '" + strings.TrimSpace(string(keyText)) + "' > /root/key.pub")
	osc("image create tiny --disk-format qcow2 --container-format bare --file " + file)
	osc("flavor create tiny --ram 128 --vcpus 1 --disk 1")
	osc("keypair create k --public-key /root/key.pub")
	osc("network create public --external --provider-network-type flat --provider-physical-network physnet1")
	osc("subnet create public-subnet --network public --subnet-range 192.168.4.0/24 --gateway 192.168.4.1 --no-dhcp --allocation-pool start=192.168.4.100,end=192.168.4.200")
	osc("network create n")
	osc("subnet create s --network n --subnet-range 10.9.0.0/24")
	osc("router create r")
	osc("router set r --external-gateway public")
	osc("router add subnet r s")
	osc("security group create open")
	osc("security group rule create open --protocol tcp --dst-port 22")
	osc("security group rule create open --protocol icmp")
	at := map[string]string{}
	for _, n := range []string{"c1", "c2"} {
		osc("server create on-" + n + " --wait --image tiny --flavor tiny --network n --key-name k --security-group open --availability-zone nova:" + n)
		at[n] = osc("floating ip create public -f value -c floating_ip_address")
		osc("server add floating ip on-" + n + " " + at[n])
	}
	other := osc("server show on-c2 -f json -c addresses")
	inner := other[strings.Index(other, "10.9.0."):]
	inner = inner[:strings.IndexAny(inner, "\"'")]
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
	osc("server reboot --hard --wait on-c2")
	far{t, lab, at["c2"], key}.says("hostname", "on-c2")
	osc("server delete --wait on-c1")
	osc("server delete --wait on-c2")
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
