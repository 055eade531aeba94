package deploy

import (
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cloudOf is a plan and its hosts, as they would be after a look.
func cloudOf(t *testing.T, more string) *Run {
	t.Helper()
	p, err := NewPlan(answersOf(t, more))
	if err != nil {
		t.Fatal(err)
	}
	r := &Run{Plan: p}
	for _, a := range p.Addresses() {
		r.Hosts = append(r.Hosts, &Host{Address: a, Name: "h" + a[len(a)-1:], Tunnel: "198.51.100." + a[len(a)-1:], plan: p, all: r})
	}
	return r
}

func TestFirewallOpensToTheCloudsHostsWhatIsTheirs(t *testing.T) {
	r := cloudOf(t, "")
	var policy struct {
		Ports []struct {
			Port string `xml:"port,attr"`
		} `xml:"port"`
		Rules []struct {
			Source struct {
				Address string `xml:"address,attr"`
			} `xml:"source"`
			Port struct {
				Port string `xml:"port,attr"`
			} `xml:"port"`
		} `xml:"rule"`
	}
	if err := xml.Unmarshal([]byte(r.Hosts[1].policy()), &policy); err != nil {
		t.Fatal(err)
	}
	if len(policy.Ports) != 0 {
		t.Errorf("a compute host listens to everybody at %v", policy.Ports)
	}
	from := map[string]bool{}
	for _, rule := range policy.Rules {
		if rule.Port.Port == "8781" {
			from[rule.Source.Address] = true
		}
	}
	if len(from) != 6 || !from["192.0.2.1"] || !from["198.51.100.3"] {
		t.Errorf("8781 is open to %v", from)
	}
	ufw := r.Hosts[0].ufw()
	for _, want := range []string{"allow proto tcp to any port 5000,6080,", "allow proto udp from 198.51.100.2 to any port 4789,6081\n"} {
		if !strings.Contains(ufw, want) {
			t.Errorf("no %q in\n%s", want, ufw)
		}
	}
	for line := range strings.Lines(ufw) {
		if strings.Contains(line, "8780") && !strings.Contains(line, " from ") {
			t.Error("what is the hosts' is open to all:", line)
		}
	}
}

func TestNetworksLeaveByOneHost(t *testing.T) {
	for more, want := range map[string]string{"": "", "CONFIG_STACKD_NAT_NETWORKS=10.0.0.0/24": "192.0.2.1",
		"CONFIG_STACKD_NAT_NETWORKS=10.0.0.0/24\nCONFIG_STACKD_INFRA_HOST=192.0.2.9": "192.0.2.9", "CONFIG_STACKD_NAT_NETWORKS=10.0.0.0/24\nCONFIG_STACKD_NAT_HOST=192.0.2.2": "192.0.2.2"} {
		if got := cloudOf(t, more).Plan.natHost(); got != want {
			t.Errorf("%q: by %q", more, got)
		}
	}
	for _, bad := range []string{"CONFIG_STACKD_NAT_NETWORKS=10.0.0.1/24", "CONFIG_STACKD_NAT_NETWORKS=10.0.0.0/24, all", "CONFIG_STACKD_NAT_NETWORKS=10.0.0.0/24\nCONFIG_STACKD_NAT_HOST=192.0.2.77", "CONFIG_STACKD_REPOSITORY=/nowhere"} {
		if _, err := NewPlan(answersOf(t, bad)); err == nil || !strings.Contains(err.Error(), "CONFIG_STACKD_") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestFoldersOfPackagesAreIndexed(t *testing.T) {
	dir := t.TempDir()
	if err := IndexPackages(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "stackd repository") {
		t.Error(err)
	}
	root := filepath.Join(t.TempDir(), "DEBIAN")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	control := "Package: lamp\nVersion: 1.0\nArchitecture: all\nMaintainer: M <m@example.test>\nDescription: a lamp\n"
	if err := os.WriteFile(filepath.Join(root, "control"), []byte(control), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("dpkg-deb", "--root-owner-group", "--build", filepath.Dir(root), filepath.Join(dir, "lamp_1.0_all.deb")).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	if err := IndexPackages(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile(filepath.Join(dir, "Packages"))
	if err != nil || !strings.HasPrefix(string(index), control) || !strings.Contains(string(index), "\nFilename: ./lamp_1.0_all.deb\nSize: ") || !strings.HasSuffix(string(index), "\n\n") {
		t.Errorf("%v %q", err, index)
	}
}
