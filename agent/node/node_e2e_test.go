//go:build e2e

package node

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"stackd/agent/netns"
	"stackd/agent/vif"
	"stackd/agent/wish"
)

const (
	first  = "7b1f7c52-1f1e-4f0e-9a55-7f3f8f3b0001"
	second = "7b1f7c52-1f1e-4f0e-9a55-7f3f8f3b0002"
	portA  = "c0ffee00-aaaa-4f0e-9a55-7f3f8f3b0011"
	portB  = "c0ffee00-bbbb-4f0e-9a55-7f3f8f3b0012"
	portC  = "c0ffee00-cccc-4f0e-9a55-7f3f8f3b0013"
)

const bootID = "cat /proc/sys/kernel/random/boot_id"

// The life of a real guest on a real network, as root.
func TestGuest(t *testing.T) {
	c := newCloud(t, "")
	c.wish(func(w *wish.Wishes) {
		w.Servers = append(w.Servers, c.server(t, first, "first", c.port(t, portA, 11)))
	})
	c.await(t, first, wish.Running)
	c.looksRight(t)
	boot := c.ssh(t, 11, bootID)

	t.Log("== the agent is replaced")
	c.stop()
	c.startAgent(t)
	c.await(t, first, wish.Running)
	c.same(t, boot)

	t.Log("== another port while running, and away again")
	extra := c.port(t, portB, 112)
	c.change(first, func(s *wish.Server) { s.Ports = append(s.Ports, extra) })
	c.await(t, first, wish.Running)
	if got := c.ssh(t, 11, "for i in 1 2 3 4 5 6 7 8 9; do [ -e /sys/class/net/eth1 ] && break; sleep 1; done; cat /sys/class/net/eth1/address"); got != extra.MAC {
		t.Errorf("the guest's second NIC is %q, not %s", got, extra.MAC)
	}
	c.change(first, func(s *wish.Server) { s.Ports = s.Ports[:1] })
	if s := c.await(t, first, wish.Running); len(s.Ports) != 1 {
		t.Errorf("ports seen: %v", s.Ports)
	}
	if netns.HasLink(c.host.NS(), vif.TapName(portB)) {
		t.Error("the tap of a detached port is left")
	}

	t.Log("== pause and suspend")
	c.change(first, func(s *wish.Server) { s.Power = wish.Paused })
	c.await(t, first, wish.Paused)
	c.change(first, func(s *wish.Server) { s.Power = wish.Running })
	c.await(t, first, wish.Running)
	c.change(first, func(s *wish.Server) { s.Power = wish.Suspended })
	c.await(t, first, wish.Suspended)
	c.change(first, func(s *wish.Server) { s.Power = wish.Running })
	c.await(t, first, wish.Running)
	c.same(t, boot)

	t.Log("== reboots")
	c.change(first, func(s *wish.Server) { s.SoftReboots++ })
	if s := c.await(t, first, wish.Running); s.SoftReboots != 1 {
		t.Errorf("soft reboots done: %d", s.SoftReboots)
	}
	boot = c.other(t, boot)
	c.change(first, func(s *wish.Server) { s.HardReboots++ })
	c.await(t, first, wish.Running)
	boot = c.other(t, boot)

	t.Log("== stop and start")
	c.change(first, func(s *wish.Server) { s.Power = wish.Stopped })
	c.await(t, first, wish.Stopped)
	c.change(first, func(s *wish.Server) { s.Power = wish.Running })
	c.await(t, first, wish.Running)
	c.other(t, boot)

	t.Log("== the guest turns itself off, and is left so")
	c.ssh(t, 11, "poweroff")
	c.awaitThat(t, first, "off by itself", func(s wish.Seen) bool { return s.Power == wish.Stopped })
	time.Sleep(3 * time.Second)
	if s, _ := c.seen(first); s.Power != wish.Stopped {
		t.Errorf("the agent started a guest that turned itself off: %+v", s)
	}
	c.change(first, func(*wish.Server) {})
	c.await(t, first, wish.Running)

	t.Log("== QEMU is killed")
	c.killGuest(t, first)
	c.awaitThat(t, first, "crashed", func(s wish.Seen) bool { return s.Power == wish.Crashed })
	c.change(first, func(s *wish.Server) { s.HardReboots++ })
	c.await(t, first, wish.Running)

	t.Log("== removal while the agent is away")
	c.stop()
	c.change(first, func(s *wish.Server) { s.Power = wish.Gone })
	c.startAgent(t)
	c.await(t, first, wish.Gone)
	c.nothingLeft(t, first, portA, portB)
}

// looksRight asks the guest what cloud it is in.
func (c *cloud) looksRight(t *testing.T) {
	t.Helper()
	for command, want := range map[string]string{
		"hostname":                           "first.e2e",
		"cat /sys/class/dmi/id/product_name": "OpenStack Nova",
		"cat /sys/class/dmi/id/product_uuid": first,
		"cat /sys/class/dmi/id/chassis_asset_tag; ip -4 -o addr show eth0 | awk '{print $4}'": "\n10.0.0.11/24",
		"cat /sys/class/net/eth0/mtu":                                            "1442",
		"wget -qO- http://169.254.169.254/latest/meta-data/instance-id":          "i-" + first[:8],
		"wget -qO- http://169.254.169.254/2009-04-04/meta-data/public-keys/":     "0=key-0",
		"wget -qO- http://169.254.169.254/latest/meta-data/":                     "instance-id\nplacement/\npublic-keys/",
		"wget -qO- http://169.254.169.254/openstack/latest/":                     "meta_data.json\nuser_data",
		"wget -qO- 'http://[fe80::a9fe:a9fe%eth0]/latest/meta-data/instance-id'": "i-" + first[:8],
		"wget -qO- http://169.254.169.254/latest/none 2>&1 | tail -1":            "wget: server returned error: HTTP/1.1 404 Not Found",
		"ping -c1 -W2 " + outside + ".1 | grep -c '1 packets received'":          "1",
	} {
		if got := c.ssh(t, 11, command); got != strings.TrimSpace(want) {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
	c.livesUp(t)
}

// livesUp tries what a user waits for: console, display, counters.
func (c *cloud) livesUp(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	log, err := c.agent.ConsoleLog(ctx, first, -1)
	if err != nil || !strings.Contains(log, "user data was here") {
		t.Errorf("console: %v\n%s", err, log)
	}
	if short, _ := c.agent.ConsoleLog(ctx, first, 3); strings.Count(strings.TrimRight(short, "\n"), "\n") != 2 {
		t.Errorf("three lines of console: %q", short)
	}
	screen, err := c.agent.VNC(ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	hello := make([]byte, 12)
	if _, err := screen.Read(hello); err != nil || !strings.HasPrefix(string(hello), "RFB 003.") {
		t.Errorf("VNC says %q, %v", hello, err)
	}
	screen.Close()
	d, err := c.agent.Diagnostics(ctx, first)
	if err != nil || d.State != wish.Running || len(d.CPUTimesNS) != 1 || d.CPUTimesNS[0] == 0 || len(d.NICs) != 1 || d.NICs[0].RxBytes == 0 || len(d.Disks) != 1 {
		t.Errorf("diagnostics: %+v, %v", d, err)
	}
	s, node := c.seen(first)
	if !node.OVN || node.Hypervisor != "QEMU" || node.VCPUs == 0 || node.Version < 7000000 || len(s.Ports) != 1 || s.Ports[0] != portA {
		t.Errorf("node %+v, server %+v", node, s)
	}
}

func (c *cloud) same(t *testing.T, boot string) {
	t.Helper()
	if got := c.ssh(t, 11, bootID); got != boot {
		t.Errorf("the guest was started again")
	}
}

// other waits for the guest to answer from another boot.
func (c *cloud) other(t *testing.T, boot string) string {
	t.Helper()
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if got := c.ssh(t, 11, bootID); got != boot {
			return got
		}
	}
	t.Fatal("the guest was not started again")
	return ""
}

func (c *cloud) killGuest(t *testing.T, id string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.host.DataDir, "libvirt/run/qemu/instance-"+id[:8]+".pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid := 0
	for _, b := range strings.TrimSpace(string(text)) {
		pid = pid*10 + int(b-'0')
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// nothingLeft looks for any trace of a removed server.
func (c *cloud) nothingLeft(t *testing.T, id string, ports ...string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(c.host.Instances(), id)); err == nil {
		t.Error("the server's directory is left")
	}
	if _, err := os.Stat(filepath.Join(c.host.VNC(), id+".sock")); err == nil {
		t.Error("the display's socket is left")
	}
	found, _ := filepath.Glob(filepath.Join(c.host.DataDir, "libvirt/*/qemu/*"+id[:8]+"*"))
	xml, _ := filepath.Glob(filepath.Join(c.host.DataDir, "libvirt/etc/qemu/*"+id[:8]+"*"))
	for _, f := range append(found, xml...) {
		if !strings.Contains(f, "/log/") {
			t.Errorf("libvirt's file is left: %s", f)
		}
	}
	out, err := exec.Command("ovs-vsctl", "--db="+c.host.OVSDB(), "list-ports", "br-int").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ports {
		if strings.Contains(string(out), vif.TapName(p)) || netns.HasLink(c.host.NS(), vif.TapName(p)) {
			t.Errorf("port %s is left", p)
		}
	}
}

// A guest with a config drive, ephemeral disk and swap needs no metadata server.
func TestConfigDrive(t *testing.T) {
	c := newCloud(t, "")
	s := c.server(t, second, "second", c.port(t, portC, 12))
	s.ConfigDrive, s.EphemeralGB, s.SwapMB = true, 1, 16
	c.wish(func(w *wish.Wishes) { w.Networks, w.Servers = nil, append(w.Servers, s) })
	c.await(t, second, wish.Running)
	if got := c.ssh(t, 12, "hostname; lsblk -nbdo SIZE /dev/vda /dev/vdb /dev/vdc"); strings.Join(strings.Fields(got), " ") != "second.e2e 1073741824 1073741824 16777216" {
		t.Errorf("hostname and disks: %q", got)
	}
	log, err := c.agent.ConsoleLog(t.Context(), second, -1)
	if err != nil || !strings.Contains(log, "config drive on") || !strings.Contains(log, "user data was here") {
		t.Errorf("console: %v\n%s", err, log)
	}
	c.change(second, func(s *wish.Server) { s.Power = wish.Gone })
	c.await(t, second, wish.Gone)
	c.nothingLeft(t, second, portC)
	if spaces, _ := netns.List(c.host.Name + "-md-"); len(spaces) > 0 {
		t.Errorf("metadata namespaces are left: %v", spaces)
	}
}
