//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"stackd/internal/client"
	"stackd/test/hosts"
)

// Three controllers, and a database on a host of its own, which is the deployer's too.
const controllersAnswers = `[general]
CONFIG_DEFAULT_PASSWORD=openstack
CONFIG_SWIFT_INSTALL=n
CONFIG_NTP_SERVERS=192.168.4.5
CONFIG_STACKD_INFRA_HOST=192.168.4.5
CONFIG_CONTROLLER_HOST=192.168.4.10,192.168.4.11,192.168.4.12
CONFIG_STACKD_ENDPOINT=192.168.4.9
CONFIG_MARIADB_HOST=192.168.4.5
CONFIG_COMPUTE_HOSTS=192.168.4.21
CONFIG_NETWORK_HOSTS=192.168.4.10,192.168.4.11,192.168.4.12
CONFIG_STORAGE_HOST=192.168.4.10
CONFIG_CINDER_VOLUMES_CREATE=n
CONFIG_NEUTRON_L2_AGENT=openvswitch
CONFIG_NEUTRON_ML2_TYPE_DRIVERS=flat,vxlan
CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES=vxlan
CONFIG_NEUTRON_OVS_BRIDGE_MAPPINGS=physnet1:br-ex
CONFIG_NEUTRON_OVS_BRIDGE_IFACES=br-ex:eth0
CONFIG_NEUTRON_OVS_TUNNEL_IF=eth1
CONFIG_PROVISION_DEMO=n
`

var controllersOf = map[string]string{"ctl1": "10", "ctl2": "11", "ctl3": "12", "compute1": "21"}

// Three controllers on PostgreSQL behind one address, made by the deployer. Each is killed
// in turn, with all that runs on it, under load: nothing that was accepted is lost, errors
// end within five seconds, guests are reached, and new ones are made meanwhile.
func TestControllers(t *testing.T) {
	file := image(t)
	n := newInstalled(t, "ct", (*hosts.Lab).Host, (*hosts.Lab).Host, controllersOf, controllersAnswers)
	before := n.state()
	n.refusals()
	start := time.Now()
	out := n.install()
	t.Logf("installed in %s\n%s", time.Since(start).Round(100*time.Millisecond), out)
	n.secrets()
	if out := n.install(); !strings.Contains(out, " 0 steps acted") {
		t.Errorf("a second run acts:\n%s", out)
	}
	w := n.prepared(file)
	for _, name := range []string{"ctl1", "ctl2", "ctl3"} {
		n.killed3(name, w)
	}
	w.end()
	n.volume(w)
	n.ends(before)
}

// ends sees that the cloud is well and whole, takes it away, and sees that hosts are as before.
func (n *notes) ends(before string) {
	t := n.t
	t.Helper()
	if out, err := n.stackd("doctor", "--answer-file", "/root/answers.txt"); err != nil {
		t.Errorf("the cloud is ill: %v\n%s", err, out)
	}
	if out := n.install(); !strings.Contains(out, " 0 steps acted") {
		t.Errorf("after all a run acts:\n%s", out)
	}
	if out, err := n.stackd("uninstall", "--answer-file", "/root/answers.txt"); err != nil {
		t.Fatal(err, out, n.infra.Shell("tail -n 20 /var/tmp/stackd/latest/openstack-setup.log"))
	}
	if now := n.state(); now != before {
		t.Errorf("a host is not as it was\n%s\nwas\n%s", now, before)
	}
}

// refusals are answers that cannot be, each told in a sentence before anything is changed.
func (n *notes) refusals() {
	n.t.Helper()
	for _, f := range []struct{ answers, want string }{
		{"CONFIG_CONTROLLER_HOST=192.168.4.10,192.168.4.11", "names 2 controllers"},
		{"CONFIG_STACKD_ENDPOINT=", "several controllers need an address"},
		{"CONFIG_STACKD_ENDPOINT=192.168.4.11", "is a host's own address"},
		{"CONFIG_STACKD_ENDPOINT=192.168.4.1", "is taken: another host answers there"},
		{"CONFIG_STACKD_ENDPOINT=10.99.0.1", "is not on a network of this host"},
		{"CONFIG_MARIADB_HOST=db", "for the controllers' database is wanted"},
		{"CONFIG_STORAGE_HOST=192.168.4.21", "must be the controller"},
	} {
		n.refuses(f.answers, f.want)
	}
}

// refuses sees that a line that replaces its key's is told of in a sentence.
func (n *notes) refuses(line, want string) {
	n.t.Helper()
	was := n.file
	n.file = changed(n.t, was, line)
	out, err := n.stackd("install", "--answer-file", "/root/answers.txt", "--accept-new-hosts")
	if n.file = was; err == nil || !strings.Contains(out, want) {
		n.t.Errorf("%s: %q is not told: %v\n%s", line, want, err, out)
	}
}

// secrets sees that none is in the log or in a list of processes, and that those who have
// no business with the databases do not get in.
func (n *notes) secrets() {
	n.t.Helper()
	password := n.infra.Shell("cat /var/lib/stackd-database/password")
	key := n.hosts["ctl1"].Shell("cat /var/lib/stackd/master.key")
	log := n.infra.Shell("cat /var/tmp/stackd/latest/openstack-setup.log")
	for _, s := range []string{password, key, "openstack"} {
		if strings.Contains(log, s) || strings.Contains(n.hosts["ctl2"].Shell("cat /proc/[0-9]*/cmdline | tr '\\0' ' '"), s+" ") {
			n.t.Error("a secret is in the log or in a command line")
		}
	}
	if joinToken.MatchString(log) || len(password) < 40 {
		n.t.Error("a token is in the log, or the password is short")
	}
	c := n.hosts["compute1"]
	if out := c.Shell("PGPASSWORD=" + password + " psql 'host=192.168.4.5 user=stackd dbname=stackd' -c 'SELECT 1' 2>&1 || true"); !strings.Contains(out, "no pg_hba.conf entry") {
		n.t.Error("a compute host is let into the database:", out)
	}
	tls := "-p /var/lib/stackd/tls/key.pem -c /var/lib/stackd/tls/certificate.pem -C /var/lib/stackd/tls/authority.pem"
	for _, at := range []string{"192.168.4.10:6641", "192.168.4.11:6643", "192.168.4.12:6644", "192.168.4.10:6645"} {
		if out := c.Shell("timeout 10 ovsdb-client " + tls + " list-dbs ssl:" + at + " 2>&1 || true"); strings.Contains(out, "OVN") || out == "" {
			n.t.Errorf("a node's certificate is taken at %s: %s", at, out)
		}
	}
	if out := c.Shell("timeout 10 ovsdb-client " + tls + " list-dbs ssl:192.168.4.10:6642 2>&1 || true"); !strings.Contains(out, "OVN_Southbound") {
		n.t.Error("a node is not let through to the southbound database:", out)
	}
	if out := c.Shell("timeout 10 ovn-sbctl " + tls + " --db=ssl:192.168.4.10:6642 --no-leader-only chassis-add x geneve 1.2.3.4 2>&1 || true"); !strings.Contains(out, "RBAC") && !strings.Contains(out, "permission") {
		n.t.Error("a node makes another's chassis:", out)
	}
}

// prepared is a guest with a floating IP, and a load on the cloud.
func (n *notes) prepared(file string) *netLoad {
	t := n.t
	pub, key := newKey(t, t.TempDir())
	n.infra.Shell("cat > /tmp/rc <<'EOF'\n" + n.hosts["ctl2"].Shell("cat /root/keystonerc_admin") + "\nEOF")
	osc := clientOn(t, n.infra, "/tmp/rc")
	words, err := os.ReadFile(pub)
	if err != nil {
		t.Fatal(err)
	}
	n.infra.Shell("echo '" + strings.TrimSpace(string(words)) + "' > /tmp/key.pub")
	for _, line := range []string{
		"image create tiny --disk-format qcow2 --container-format bare --file " + file, "flavor create tiny --ram 128 --vcpus 1 --disk 1", "keypair create k --public-key /tmp/key.pub",
		"network create public --external --provider-network-type flat --provider-physical-network physnet1",
		"subnet create ps --network public --subnet-range 192.168.4.0/24 --gateway 192.168.4.1 --no-dhcp --allocation-pool start=192.168.4.100,end=192.168.4.200",
		"network create n", "subnet create s --network n --subnet-range 10.9.0.0/24", "router create r", "router set r --external-gateway public", "router add subnet r s",
		"security group create open", "security group rule create open --protocol tcp --dst-port 22", "security group rule create open --protocol icmp",
		"server create one --wait --image tiny --flavor tiny --network n --key-name k --security-group open",
	} {
		osc(line)
	}
	id := osc("image show tiny -f value -c id")
	until(t, "all controllers to have the image", time.Minute, func() (bool, string) {
		have := 0
		for _, c := range []string{"ctl1", "ctl2", "ctl3"} {
			have += strings.Count(n.hosts[c].Shell("ls /var/lib/stackd/images/*/"+id+" 2>/dev/null || true"), id)
		}
		return have == 3, fmt.Sprint(have)
	})
	at := osc("floating ip create public -f value -c floating_ip_address")
	osc("server add floating ip one " + at)
	g := far{t, n.lab, at, key}
	g.says("hostname", "one")
	w := &netLoad{t: t, n: n, osc: osc, guest: g, http: &http.Client{Timeout: 4 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16,
		DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
			return n.lab.Dial(address, 4*time.Second)
		}}}}
	c, err := client.SignIn(t.Context(), w.http, client.Login{URL: "http://" + oneAddress + ":5000", User: "admin", Password: "openstack", Project: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	w.c = c
	if err := c.Do(t.Context(), "PUT", "network", "/quotas/"+c.ProjectID, map[string]any{"quota": map[string]int{"network": -1, "port": -1}}, nil); err != nil {
		t.Fatal(err)
	}
	return w
}

var lost = regexp.MustCompile(`(\d+) packets transmitted, (\d+) received`)

// killed3 kills all that runs on a controller and starts it again. The one that has the
// address loses its power: nobody hears a last word of it, and its links are as at boot.
func (n *notes) killed3(name string, w *netLoad) {
	t, h := n.t, n.hosts[name]
	holder := strings.Contains(h.Shell("ip -4 -o addr"), oneAddress+"/32")
	ping := n.lab.Outside("ping", "-i", "0.5", "-w", "60", w.guest.address)
	pinged := make(chan string)
	go func() { out, _ := ping.CombinedOutput(); pinged <- string(out) }()
	w.begin()
	time.Sleep(5 * time.Second)
	at := time.Now()
	if holder {
		h.Shell("ip link set eth0 down; ip link set eth1 down")
	}
	h.Shell(killAll)
	time.Sleep(8 * time.Second)
	made := w.server("meanwhile-" + name)
	n.boots(h, holder)
	time.Sleep(4 * time.Second)
	w.pause()
	failed, last := w.errorsSince(at)
	said := lost.FindStringSubmatch(<-pinged)
	if said == nil {
		t.Fatal("no word of ping")
	}
	sent, _ := strconv.Atoi(said[1])
	received, _ := strconv.Atoi(said[2])
	t.Logf("%s killed (it had the address: %v): %d of %d requests failed, the last %.1f s after, and none took longer than %.1f s; a server was made meanwhile in %.1f s; %d of %d pings were lost, two a second",
		name, holder, failed, w.asked(), last.Seconds(), w.longest.Seconds(), made.Seconds(), sent-received, sent)
	if last > 5*time.Second {
		t.Errorf("requests fail longer than 5 s: %v", w.texts())
	}
	if sent-received > 20 || received < 60 {
		t.Error("the guest was away for too long")
	}
	n.members(h)
}

// boots starts a host again. Of one that lost its power the bridges are gone, and its
// links have the addresses that they are given at boot; else only processes were killed.
func (n *notes) boots(h *hosts.Host, power bool) {
	last := controllersOf[h.Name]
	links := ""
	if power {
		links = "for b in br-ex br-int br-underlay; do ip link del $b 2>/dev/null || true; done; for l in 0 1; do ip link set eth$l up; done; ip addr replace 192.168.4." + last + "/24 dev eth0; ip addr replace 192.168.2." + last + "/24 dev eth1; ip route replace default via 192.168.4.1; "
	}
	h.Shell(links + "rm -f /run/chrony/*; chronyd; eval $(cut -d' ' -f2- /var/lib/stackd-install/serve) --background")
}

// members sees that OVN's databases on a host are members of whole clusters again.
func (n *notes) members(h *hosts.Host) {
	n.t.Helper()
	p := &peerLab{t: n.t, ctl: []*hosts.Host{h}}
	p.members(0, "OVN_Northbound")
	p.members(0, "OVN_Southbound")
}

// volume makes one, by whichever control plane has the address, and gives it to the guest.
func (n *notes) volume(w *netLoad) {
	n.t.Helper()
	w.osc("volume create --size 1 v")
	until(n.t, "the volume to be available", time.Minute, func() (bool, string) {
		s := w.osc("volume show v -f value -c status")
		return s == "available", s
	})
	w.osc("server add volume one v")
	w.guest.says("ls /dev/vdb", "/dev/vdb")
	for name := range controllersOf {
		if strings.Contains(n.hosts[name].Shell("ip -4 -o addr"), oneAddress+"/32") {
			n.t.Logf("%s had a volume of ctl1's attached to the guest", name)
		}
	}
}

// gone tells whether an answer says that the thing is not there.
func notThere(err error) bool {
	s, ok := err.(*client.StatusError)
	return ok && s.Status == http.StatusNotFound
}

// idsOf are those of a list in JSON, by the name of the list.
func idsOf(raw json.RawMessage, name string) map[string]bool {
	var all map[string][]struct{ ID string }
	out := map[string]bool{}
	if json.Unmarshal(raw, &all) == nil {
		for _, x := range all[name] {
			out[x.ID] = true
		}
	}
	return out
}
