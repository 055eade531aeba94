package deploy

import (
	"fmt"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestFamilyOfASystem(t *testing.T) {
	for ids, want := range map[string]*family{
		"debian": &apt, "ubuntu debian": &apt, "linuxmint ubuntu debian": &apt, "fedora": &dnf, "rocky rhel centos fedora": &dnf,
		"almalinux rhel centos fedora": &dnf, "centos rhel fedora": &dnf, "rhel fedora": &dnf, "alpine": nil, "": nil,
	} {
		if got := familyOf(strings.Fields(ids)...); got != want {
			t.Errorf("%q: %+v", ids, got)
		}
	}
}

// Whatever a host does, every family knows how: nothing of a row is empty but what says so.
func TestEveryFamilyKnowsAll(t *testing.T) {
	for _, f := range families() {
		n := reflect.ValueOf(f.needs)
		for i := range n.NumField() {
			if n.Field(i).String() == "" {
				t.Errorf("%v: no packages for %s", f.ids, n.Type().Field(i).Name)
			}
		}
		if f.clock.unit == "" || f.clock.sources == "" || f.clock.conf == "" || f.names.user == "" || f.names.dir == "" || f.names.cache == "" || f.cluster == nil || f.keeper == nil {
			t.Errorf("%+v", f)
		}
		for _, p := range f.needs.all() {
			if !regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`).MatchString(p) {
				t.Errorf("%q is no package's name", p)
			}
		}
	}
}

// Each name that differs between systems, or is not Enterprise Linux' own, is a need.
func TestDnfTablesAgree(t *testing.T) {
	all := dnf.needs.all()
	for name, pattern := range alike {
		if !slices.Contains(all, name) || !regexp.MustCompile("^("+pattern+")$").MatchString(name) {
			t.Error(name, pattern)
		}
	}
	for name, o := range origins {
		if !slices.Contains(all, name) || o.words == "" {
			t.Error(name, o)
		}
	}
}

// on gives all hosts of a run a system.
func (r *Run) on(os, release string, like ...string) *Run {
	for _, h := range r.Hosts {
		h.Facts = Facts{OS: os, Release: release, Like: like, Root: true, MemoryMB: 4000, DiskMB: 90000, KVM: true}
	}
	return r
}

// A host's packages hang on its system and on what it does.
func TestPackagesOfSystems(t *testing.T) {
	for system, want := range map[string]string{
		"debian":                   "iproute2 openvswitch-switch ovn-host nftables ovn-central qemu-utils qemu-block-extra tgt novnc",
		"fedora":                   "iproute hostname diffutils openvswitch ovn-host nftables ovn-central qemu-img qemu-block-rbd scsi-target-utils novnc",
		"rocky rhel centos fedora": "iproute hostname diffutils openvswitch ovn-host nftables ovn-central qemu-img qemu-block-rbd novnc",
	} {
		ids := strings.Fields(system)
		r := cloudOf(t, "CONFIG_CLIENT_INSTALL=n\n").on(ids[0], "9.4", ids[1:]...)
		if got := r.Hosts[0].packages(); got != want {
			t.Errorf("%s: %s", system, got)
		}
	}
}

// What Enterprise Linux cannot is told, with what to do; and what is too old, or not known.
func TestPreflightOfSystems(t *testing.T) {
	for system, want := range map[string]string{
		"rocky 9.4 rhel centos fedora": "knows no iSCSI",
		"rocky 8.9 rhel centos fedora": "Enterprise Linux 9 or later is wanted",
		"alpine 3.20":                  `its system is "alpine"; Debian, Ubuntu, Fedora`,
		"fedora 41":                    "",
		"debian 12":                    "",
	} {
		f := strings.Fields(system)
		r := cloudOf(t, "")
		node := r.Hosts[1]
		node.Facts = Facts{OS: f[0], Release: f[1], Like: f[2:], Root: true, MemoryMB: 4000, DiskMB: 90000, KVM: true}
		said := fmt.Sprint(node.preflight(node.seen))
		if !strings.Contains(said, want) || want == "" && (strings.Contains(said, "system") || strings.Contains(said, "iSCSI")) {
			t.Errorf("%s: %s", system, said)
		}
	}
	if s := cloudOf(t, "").on("rocky", "9.4", "rhel").Hosts[0].settings(); s != "volume:\n  backends:\n  - {name: files, kind: file, target: none}\n" {
		t.Error(s)
	}
}

// Every script is one that bash can read, on every system.
func TestScriptsAreBash(t *testing.T) {
	for _, system := range []string{"debian", "fedora", "rocky rhel centos fedora"} {
		ids := strings.Fields(system)
		p, err := several(t, "")
		if err != nil {
			t.Fatal(err)
		}
		p.Infra, p.Answers["CONFIG_USE_EPEL"], p.Answers["CONFIG_REPO"] = "192.0.2.9", "y", "http://192.0.2.7/extra"
		r := &Run{Plan: p}
		for i, a := range p.Addresses() {
			r.Hosts = append(r.Hosts, &Host{Address: a, Name: fmt.Sprint("h", i), Tunnel: a, plan: p, all: r})
		}
		for _, h := range r.on(ids[0], "9", ids[1:]...).Hosts {
			f := h.family()
			for _, script := range []string{f.keeper.look(h), f.keeper.install(h, ""), f.keeper.source("127.0.0.1:1") + f.keeper.install(h, "$own"), f.keeper.lacks(h, f.keeper.source("127.0.0.1:1")), f.keeper.remove(),
				f.cluster.look(h), h.databaseFiles() + f.cluster.make(h) + databaseRole, f.cluster.remove(), h.bindLook(), h.bindMake(), f.names.remove(), f.clock.start(), f.clock.again(), f.clock.untell() + endChrony} {
				if out, err := exec.Command("bash", "-n", "-c", script).CombinedOutput(); err != nil {
					t.Errorf("%s: %v %s\n%s", system, err, out, script)
				}
			}
		}
	}
}

// What a release package brings is not lacking while that package is to be had.
func TestLacking(t *testing.T) {
	for out, want := range map[string]string{
		"": "[]", "lacks openvswitch\nlacks novnc\nrelease centos-release-nfv-openvswitch\n": "[novnc]",
		"lacks openvswitch\n": "[openvswitch]", "lacks bind\nrelease epel-release\n": "[bind]", "release epel-release\nlacks novnc\n": "[]",
	} {
		if got := fmt.Sprint(lacksOf(out)); got != want {
			t.Errorf("%q: %s", out, got)
		}
	}
	if s := told([]string{"novnc"}); !strings.Contains(s, "CONFIG_USE_EPEL=y") {
		t.Error(s)
	}
}

// The answers' repositories are the host's, and known before it is told of them.
func TestMoreRepositories(t *testing.T) {
	file, list := apt.keeper.repositories([]string{"http://192.0.2.7/flat", "deb http://192.0.2.7/debian bookworm main"})
	if file != "/etc/apt/sources.list.d/stackd.list" || list != "deb http://192.0.2.7/flat/ ./\ndeb http://192.0.2.7/debian bookworm main\n" {
		t.Error(file, list)
	}
	file, list = dnf.keeper.repositories([]string{"http://192.0.2.7/a"})
	if file != "/etc/yum.repos.d/stackd.repo" || !strings.Contains(list, "\nbaseurl=http://192.0.2.7/a\n") || !strings.Contains(list, "\ngpgcheck=1\n") {
		t.Error(file, list)
	}
	h := cloudOf(t, "CONFIG_REPO=http://192.0.2.7/a,http://192.0.2.7/b\n").on("rocky", "9.4", "rhel").Hosts[1]
	if s := h.family().keeper.lacks(h, ""); !strings.Contains(s, "--repofrompath=stackd-announced-2,http://192.0.2.7/b") {
		t.Error(s)
	}
}
