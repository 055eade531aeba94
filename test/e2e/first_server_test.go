//go:build e2e

package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A tenant's first day: everything by the unmodified client, on real guests.
func TestFirstServer(t *testing.T) {
	file := image(t)
	admin := newBench(t)
	admin.openstack("network", "create", "public", "--external", "--provider-network-type", "flat", "--provider-physical-network", "physnet1")
	cidr := strings.TrimSuffix(admin.cloud.Public, ".1/24")
	admin.openstack("subnet", "create", "public-subnet", "--network", "public", "--subnet-range", cidr+".0/24", "--gateway", cidr+".1", "--no-dhcp", "--allocation-pool", "start="+cidr+".50,end="+cidr+".99")
	admin.openstack("flavor", "create", "tiny", "--ram", "128", "--vcpus", "1", "--disk", "1")
	admin.openstack("project", "create", "class")
	admin.openstack("user", "create", "ann", "--password", "secret-of-ann")
	admin.openstack("role", "add", "--project", "class", "--user", "ann", "member")

	ann := admin.as("ann", "class", "secret-of-ann")
	ann.openstack("image", "create", "tiny", "--disk-format", "qcow2", "--container-format", "bare", "--file", file)
	pub, key := newKey(t, admin.dir)
	ann.openstack("keypair", "create", "ann", "--public-key", pub)
	ann.openstack("router", "create", "r")
	ann.openstack("router", "set", "r", "--external-gateway", "public")
	for n, cidr := range map[string]string{"net1": "10.1.0.0/24", "net2": "10.2.0.0/24"} {
		ann.openstack("network", "create", n)
		ann.openstack("subnet", "create", n+"-sub", "--network", n, "--subnet-range", cidr, "--dns-nameserver", "9.9.9.9")
		ann.openstack("router", "add", "subnet", "r", n+"-sub")
	}
	ann.openstack("security", "group", "create", "open")
	ann.openstack("security", "group", "rule", "create", "open", "--protocol", "tcp", "--dst-port", "22")
	ann.openstack("security", "group", "rule", "create", "open", "--protocol", "icmp")
	data := filepath.Join(admin.dir, "user-data")
	if err := os.WriteFile(data, []byte("#!/bin/sh\necho born here > /run/user-data-ran\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	ann.openstack("server", "create", "one", "--image", "tiny", "--flavor", "tiny", "--network", "net1", "--key-name", "ann", "--security-group", "open", "--user-data", data, "--property", "colour=blue")
	ann.openstack("server", "create", "two", "--image", "tiny", "--flavor", "tiny", "--network", "net2", "--key-name", "ann", "--security-group", "open", "--config-drive", "True")
	ann.openstack("server", "create", "closed", "--image", "tiny", "--flavor", "tiny", "--network", "net1", "--key-name", "ann")
	for _, s := range []string{"one", "two", "closed"} {
		ann.status(s, "ACTIVE")
	}
	one := guest{ann.floating("one"), key}
	closed := ann.floating("closed")
	one.says(t, "cat /run/user-data-ran", "born here")
	t.Logf("the first of three guests answered ssh after %s", time.Since(start).Round(time.Second))

	one.says(t, "hostname", "one")
	one.says(t, "wget -qO- http://169.254.169.254/openstack/latest/meta_data.json", `"colour":"blue"`)
	one.says(t, "wget -qO- http://169.254.169.254/latest/meta-data/local-ipv4", "10.1.0.")
	one.says(t, "ping -c 1 -W 2 10.1.0.1", "1 packets received")
	one.says(t, "ping -c 1 -W 2 "+cidr+".1", "1 packets received")
	two := strings.Fields(strings.NewReplacer("net2=", "", ",", " ", "'", "", "[", "", "]", "", "{", "", "}", "", ":", "").Replace(ann.openstack("server", "show", "two", "-f", "value", "-c", "addresses")))
	one.says(t, "ping -c 1 -W 2 "+two[len(two)-1], "1 packets received") // by the router
	if c, err := net.DialTimeout("tcp", closed+":22", 5*time.Second); err == nil {
		c.Close()
		t.Error("a guest whose group has no rule was reached")
	}

	ann.openstack("server", "stop", "one")
	ann.status("one", "SHUTOFF")
	ann.openstack("server", "start", "one")
	ann.status("one", "ACTIVE")
	one.says(t, "hostname", "one")
	ann.openstack("server", "reboot", "--hard", "one")
	ann.status("one", "ACTIVE")
	one.says(t, "hostname", "one")

	killed(t, admin)
	if out, err := one.run("hostname"); err != nil || out != "one" {
		t.Error("the guest did not go on while stackd was dead:", out, err)
	}
	admin.up()
	ann.status("one", "ACTIVE")
	one.says(t, "hostname", "one")

	for _, s := range []string{"one", "two", "closed"} {
		ann.openstack("server", "delete", "--wait", s)
	}
	for _, id := range strings.Fields(ann.openstack("floating", "ip", "list", "-f", "value", "-c", "ID")) {
		ann.openstack("floating", "ip", "delete", id)
	}
	for _, n := range []string{"net1", "net2"} {
		ann.openstack("router", "remove", "subnet", "r", n+"-sub")
		ann.openstack("network", "delete", n)
	}
	ann.openstack("router", "delete", "r")
	ann.openstack("security", "group", "delete", "open")
	ann.openstack("image", "delete", "tiny")
	admin.openstack("network", "delete", "public")
	until(t, "everything to be gone", 30*time.Second, func() (bool, string) {
		l := admin.left()
		return len(l) == 0, strings.Join(l, "\n")
	})
}

// killed ends stackd as a crash does.
func killed(t *testing.T, b *bench) {
	t.Helper()
	pid := pidOf(t, b)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, "the process to be gone", 10*time.Second, func() (bool, string) {
		return syscall.Kill(pid, 0) != nil || zombie(pid), ""
	})
}
