//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"stackd/test/cloudtest"
)

// The cloud in a browser: a tenant's first day by hand in both languages, with a real
// guest, its console and its disks; a picture of every page goes to results/browser.
func TestBrowser(t *testing.T) {
	file := image(t)
	admin := newBench(t)
	admin.openstack("network", "create", "public", "--external", "--provider-network-type", "flat", "--provider-physical-network", "physnet1")
	cidr := strings.TrimSuffix(admin.cloud.Public, ".1/24")
	admin.openstack("subnet", "create", "public-subnet", "--network", "public", "--subnet-range", cidr+".0/24", "--gateway", cidr+".1", "--no-dhcp", "--allocation-pool", "start="+cidr+".50,end="+cidr+".99")
	admin.openstack("flavor", "create", "tiny", "--ram", "128", "--vcpus", "1", "--disk", "1")
	root, err := cloudtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	run := func(script string, env ...string) {
		t.Helper()
		cmd := exec.Command("node", "e2e/"+script)
		cmd.Dir = filepath.Join(root, "horizon", "web")
		cmd.Env = append(os.Environ(), "DASHBOARD=http://"+admin.cloud.Listen+":9000", "RESULTS="+filepath.Join(root, "results", "browser"), "IMAGE="+file,
			"OS_USERNAME="+admin.env["OS_USERNAME"], "OS_PASSWORD="+admin.env["OS_PASSWORD"])
		cmd.Env = append(cmd.Env, env...)
		out, err := cmd.CombinedOutput()
		t.Logf("%s\n%s", script, out)
		if err != nil {
			t.Errorf("%s: %v", script, err)
		}
	}
	run("walk.mjs", "LANGUAGE=en")
	run("walk.mjs", "LANGUAGE=zh-CN")
	furnish(admin, file)
	run("pages.mjs", "AXE=1")
	run("bench.mjs")
}

// furnish makes one thing of most kinds, so that pages have something to show.
func furnish(b *bench, file string) {
	b.openstack("image", "create", "tiny", "--disk-format", "qcow2", "--file", file, "--public")
	b.openstack("network", "create", "net")
	b.openstack("subnet", "create", "sub", "--network", "net", "--subnet-range", "10.9.0.0/24")
	b.openstack("router", "create", "router", "--external-gateway", "public")
	b.openstack("router", "add", "subnet", "router", "sub")
	b.openstack("floating", "ip", "create", "public")
	b.openstack("security", "group", "create", "web")
	b.openstack("volume", "create", "data", "--size", "1")
	b.openstack("volume", "snapshot", "create", "snap", "--volume", "data")
	b.openstack("server", "group", "create", "apart", "--policy", "anti-affinity")
	b.openstack("aggregate", "create", "all")
	b.openstack("server", "create", "first", "--image", "tiny", "--flavor", "tiny", "--network", "net", "--wait")
}
