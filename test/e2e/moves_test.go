//go:build e2e

package e2e

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"stackd/test/hosts"
)

// A server with a volume and a floating IP moves between two nodes: off and on again,
// to another flavor and back, and while it runs and is pinged; then its node is drained. What it
// wrote is there after each.
func TestMoves(t *testing.T) {
	file := image(t)
	lab := hosts.New(t, "mv", "mgmt", "tun")
	start := time.Now()
	ctl, nodes, program := planeAndNodes(t, lab, `volume:
  backends:
  - {name: far, kind: file, target: iscsi, target_address: "192.168.2.10:3260"}
`)
	t.Logf("a control plane and two nodes after %s", time.Since(start).Round(100*time.Millisecond))

	pub, key := newKey(t, t.TempDir())
	osc := clientOn(t, ctl, "/var/lib/stackd/keystonerc_admin")
	at, _ := twoGuests(t, ctl, osc, file, pub, "", "c1", "c2")
	osc("server delete --wait on-c2")
	osc("flavor create bigger --ram 160 --vcpus 2 --disk 2")
	osc("volume create --size 1 v")
	until(t, "the volume to be available", time.Minute, func() (bool, string) {
		s := osc("volume show v -f value -c status")
		return s == "available", s
	})
	m := &mover{t: t, lab: lab, nodes: nodes, program: program, osc: osc, g: far{t, lab, at["c1"], key}}
	m.g.says("hostname", "on-c1")
	osc("server add volume on-c1 v")
	m.volume = osc("volume show v -f value -c id")
	m.write()
	m.is("c1", "1")
	t.Logf("a server with a volume after %s", time.Since(start).Round(time.Second))

	m.step("cold migrated", func() {
		osc("server migrate --host c2 --os-compute-api-version 2.56 --wait on-c1")
		m.status("VERIFY_RESIZE")
	})
	m.is("c2", "1")
	m.step("confirmed", func() { osc("server migration confirm on-c1"); m.status("ACTIVE") })
	m.is("c2", "1")
	m.step("resized", func() { osc("server resize --flavor bigger --wait on-c1"); m.status("VERIFY_RESIZE") })
	m.is("c2", "2")
	m.step("reverted", func() { osc("server resize revert on-c1"); m.status("ACTIVE") })
	m.is("c2", "1")
	m.step("migrated", func() { osc("server migrate --wait on-c1"); m.status("VERIFY_RESIZE") })
	m.is("c1", "1")
	m.step("taken back", func() { osc("server migration revert on-c1"); m.status("ACTIVE") })
	m.is("c2", "1")
	m.clean("c1")
	m.live("c1")
	m.clean("c2")
	m.live("c2")
	m.is("c2", "1")
	osc("server create off --wait --image tiny --flavor tiny --network n --availability-zone nova:c2")
	osc("server stop off")
	m.step("drained", func() { t.Log(ctl.Run(program, "node", "drain", "c2")) })
	m.is("c1", "1")
	m.clean("c2")
	osc("server delete --wait off")
	osc("compute service set --enable c2 nova-compute")
	m.step("agents were killed in live migrations", func() { m.cutShort() })
	m.step("evacuated", func() { m.evacuated() })
	osc("server delete --wait on-c1")
	m.clean("c1")
	m.clean("c2")
}

// A mover is a server that moves.
type mover struct {
	t       *testing.T
	lab     *hosts.Lab
	nodes   map[string]*hosts.Host
	program string
	osc     func(string) string
	g       far
	volume  string
}

func (m *mover) step(what string, do func()) {
	m.t.Helper()
	began := time.Now()
	do()
	m.t.Logf("%s in %s", what, time.Since(began).Round(100*time.Millisecond))
}

func (m *mover) status(want string) {
	m.t.Helper()
	until(m.t, "on-c1 to be "+want, 3*time.Minute, func() (bool, string) {
		s := m.osc("server show on-c1 -f value -c status -c fault -c OS-EXT-STS:task_state")
		return strings.Contains(s, want), s
	})
}

// dev finds the volume in the guest, by its serial.
func (m *mover) dev() string {
	return `$(cd /sys/block; for d in vd*; do [ "$(cat $d/serial)" = ` + m.volume[:20] + ` ] && echo /dev/$d; done)`
}

// write leaves marks on the root disk and on the volume.
func (m *mover) write() {
	m.t.Helper()
	m.g.says("echo marked-root | sudo dd of=/dev/vda bs=1024 seek=900000 conv=notrunc 2>/dev/null; echo marked-volume | sudo dd of="+m.dev()+" bs=1024 seek=1000 conv=notrunc 2>/dev/null; sync; echo done", "done")
}

// is says on which host the server is, how many CPUs it has, and that its marks are there.
func (m *mover) is(host, cpus string) {
	m.t.Helper()
	if got := m.osc("server show on-c1 -f value -c OS-EXT-SRV-ATTR:host"); got != host {
		m.t.Fatalf("it is on %s, want %s", got, host)
	}
	m.g.says("grep -c ^processor /proc/cpuinfo; sudo dd if=/dev/vda bs=1024 skip=900000 count=1 2>/dev/null | head -c 11; sudo dd if="+m.dev()+" bs=1024 skip=1000 count=1 2>/dev/null | head -c 13", cpus+"\nmarked-rootmarked-volume")
}

// clean waits until a host has nothing of any server.
func (m *mover) clean(host string) {
	m.t.Helper()
	until(m.t, host+" to be clean", time.Minute, func() (bool, string) {
		left := m.nodes[host].Shell("ls /var/lib/stackd/instances; virsh -q -c 'qemu+unix:///system?socket='$(ls -d /run/stackd*/libvirt/run/libvirt-sock) list --all; ip -br link | grep '^tap'; true")
		return strings.TrimSpace(left) == "", left
	})
}

// live migrates the server to a host while it is pinged, and says how many packets are lost.
func (m *mover) live(host string) {
	m.t.Helper()
	boot := m.says("cat /proc/sys/kernel/random/boot_id")
	ping := m.lab.Outside("ping", "-i", "0.05", "-W", "1", m.g.address)
	out := &strings.Builder{}
	ping.Stdout = out
	if err := ping.Start(); err != nil {
		m.t.Fatal(err)
	}
	time.Sleep(time.Second)
	m.step("live migrated", func() {
		m.osc("server migrate --live-migration --host " + host + " --os-compute-api-version 2.30 on-c1")
		until(m.t, "it to be on "+host, 4*time.Minute, func() (bool, string) {
			s := m.osc("server show on-c1 -f value -c OS-EXT-SRV-ATTR:host -c status")
			return strings.Contains(s, host) && strings.Contains(s, "ACTIVE"), s
		})
	})
	time.Sleep(2 * time.Second)
	ping.Process.Signal(os.Interrupt)
	ping.Wait()
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "packets transmitted") {
			m.t.Log(strings.TrimSpace(line))
		}
	}
	if got := m.says("cat /proc/sys/kernel/random/boot_id"); got != boot {
		m.t.Errorf("the guest was started anew: %s, and before %s", got, boot)
	}
	m.is(host, "1")
}

// says gives what a command in the guest says, once it says anything.
func (m *mover) says(command string) (said string) {
	m.t.Helper()
	until(m.t, command, time.Minute, func() (bool, string) {
		c, err := m.lab.Dial(net.JoinHostPort(m.g.address, "22"), 4*time.Second)
		if err != nil {
			return false, err.Error()
		}
		said, err = over(c, m.g.address, m.g.key, command)
		said = strings.TrimSpace(said)
		return err == nil && said != "", said
	})
	return said
}
