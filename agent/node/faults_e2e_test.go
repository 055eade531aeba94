//go:build e2e

package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"stackd/agent/daemon"
	"stackd/agent/netns"
	"stackd/agent/vif"
	"stackd/agent/wish"
)

// Daemons are killed under a running guest; the guest does not notice, or not
// for long, and all works after.
func TestDaemonsDie(t *testing.T) {
	c := newCloud(t, "")
	watch, stop := context.WithCancel(t.Context())
	watched := make(chan struct{})
	go func() { c.host.Watch(watch, func(err error) { t.Log("watch:", err) }); close(watched) }()
	defer func() { stop(); <-watched }()
	c.wish(func(w *wish.Wishes) {
		w.Servers = append(w.Servers, c.server(t, first, "first", c.port(t, portA, 11)))
	})
	c.await(t, first, wish.Running)
	boot := c.ssh(t, 11, bootID)
	c.reachesOutside(t)
	for _, name := range []string{"libvirtd", "ovn-controller", "vswitchd", "conf", "northd", "nb", "sb"} {
		t.Logf("== %s", name)
		c.killDaemon(t, name)
		c.same(t, boot)
	}
	t.Log("== all at once")
	for _, name := range []string{"libvirtd", "ovn-controller", "vswitchd", "conf", "northd", "nb", "sb"} {
		syscall.Kill(c.pid(t, name), syscall.SIGKILL)
	}
	time.Sleep(5 * time.Second)
	c.same(t, boot)
	for !c.host.Chassis(t.Context()) {
		time.Sleep(100 * time.Millisecond)
	}
	c.change(first, func(s *wish.Server) { s.HardReboots++ })
	c.await(t, first, wish.Running)
	c.other(t, boot)
	c.change(first, func(s *wish.Server) { s.Power = wish.Gone })
	c.await(t, first, wish.Gone)
	c.nothingLeft(t, first, portA)
}

func (c *cloud) pid(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.host.DataDir, "run", name+".pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// killDaemon kills it and waits for its successor.
func (c *cloud) killDaemon(t *testing.T, name string) {
	t.Helper()
	pid := c.pid(t, name)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if now := c.pid(t, name); now != pid && syscall.Kill(now, 0) == nil {
			return
		}
	}
	t.Fatalf("%s was not started again", name)
}

// reachesOutside joins another namespace to the host, as the world outside, and
// lets the guest talk to it: it must come from the host's own address there.
func (c *cloud) reachesOutside(t *testing.T) {
	t.Helper()
	const world, link = "e2e-world", "e2e-up"
	pair := netns.Pair{Link: link, PeerNS: world, PeerLink: "eth0"}
	t.Cleanup(func() { _ = netns.RemoveLink("", link); _ = netns.Remove(world) })
	if err := netns.Make(world); err != nil {
		t.Fatal(err)
	}
	if err := netns.MakePair(pair); err != nil {
		t.Fatal(err)
	}
	give := func(link, address string) error {
		l, err := netlink.LinkByName(link)
		if err != nil {
			return err
		}
		a, err := netlink.ParseAddr(address)
		if err != nil {
			return err
		}
		return netlink.AddrReplace(l, a)
	}
	if err := give(link, "198.51.100.1/24"); err != nil {
		t.Fatal(err)
	}
	var listener net.Listener
	err := netns.Do(world, func() (err error) {
		if err = give("eth0", "198.51.100.2/24"); err == nil {
			listener, err = net.Listen("tcp", "198.51.100.2:7777")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			fmt.Fprintf(conn, "you are %s\n", conn.RemoteAddr().(*net.TCPAddr).IP)
			conn.Close()
		}
	}()
	if got := c.ssh(t, 11, "nc 198.51.100.2 7777 </dev/null"); got != "you are 198.51.100.1" {
		t.Errorf("the world outside says %q", got)
	}
}

// Volumes: one from the start, one attached to the running guest and taken away
// again, and a guest that boots from one.
func TestVolumes(t *testing.T) {
	c := newCloud(t, "")
	dir := t.TempDir()
	volume := func(n int, format string, how ...string) wish.Disk {
		t.Helper()
		file := filepath.Join(dir, fmt.Sprint(n))
		for i := range how {
			how[i] = strings.ReplaceAll(how[i], "FILE", file)
		}
		if out, err := exec.Command("qemu-img", how...).CombinedOutput(); err != nil {
			t.Fatalf("qemu-img %v: %s", how, out)
		}
		return wish.Disk{VolumeID: fmt.Sprintf("%08d-0000-4000-8000-000000000000", n), Kind: "file", Source: map[string]string{"path": file, "format": format}}
	}
	early := volume(1, "raw", "create", "-q", "-f", "raw", "FILE", "8M")
	late := volume(2, "qcow2", "create", "-q", "-f", "qcow2", "FILE", "16M")
	root := volume(3, "raw", "convert", "-f", "qcow2", "-O", "raw", c.image, "FILE")

	s := c.server(t, first, "first", c.port(t, portA, 11))
	root.Boot = true
	s.Image, s.Volumes = nil, []wish.Disk{root, early}
	c.wish(func(w *wish.Wishes) { w.Servers = append(w.Servers, s) })
	c.await(t, first, wish.Running)
	const serials = "for d in /sys/block/vd?; do cat $d/serial; echo; done"
	if got := strings.Fields(c.ssh(t, 11, serials)); len(got) != 2 || got[0] != root.VolumeID[:20] || got[1] != early.VolumeID[:20] {
		t.Errorf("serials %v", got)
	}
	c.change(first, func(s *wish.Server) { s.Volumes = append(s.Volumes, late) })
	if v := c.await(t, first, wish.Running); len(v.Volumes) != 3 {
		t.Errorf("volumes seen: %v", v.Volumes)
	}
	if got := c.ssh(t, 11, "for i in 1 2 3 4 5; do [ -e /sys/block/vdc ] && break; sleep 1; done; cat /sys/block/vdc/serial; echo; cat /sys/block/vdc/size; dd if=/dev/zero of=/dev/vdc bs=1M count=1 2>/dev/null && echo written"); strings.Join(strings.Fields(got), " ") != late.VolumeID[:20]+" 32768 written" {
		t.Errorf("the late volume: %q", got)
	}
	t.Log("== a volume over the network")
	c.change(first, func(s *wish.Server) {
		s.Volumes = append(s.Volumes, c.nbd(t, volume(4, "raw", "create", "-q", "-f", "raw", "FILE", "4M")))
	})
	c.await(t, first, wish.Running)
	if got := c.ssh(t, 11, "for i in 1 2 3 4 5; do [ -e /sys/block/vdd ] && break; sleep 1; done; cat /sys/block/vdd/size; echo hello > /dev/vdd; sync; head -c5 /dev/vdd"); got != "8192\nhello" {
		t.Errorf("the volume over the network: %q", got)
	}
	c.change(first, func(s *wish.Server) { s.Volumes = s.Volumes[:2] })
	if v := c.await(t, first, wish.Running); len(v.Volumes) != 2 {
		t.Errorf("volumes seen: %v", v.Volumes)
	}
	if got := strings.Fields(c.ssh(t, 11, serials)); len(got) != 2 {
		t.Errorf("serials after the detach: %v", got)
	}
	c.change(first, func(s *wish.Server) { s.Power = wish.Gone })
	c.await(t, first, wish.Gone)
	c.nothingLeft(t, first, portA)
}

// nbd exports a file volume by a server on a unix socket.
func (c *cloud) nbd(t *testing.T, v wish.Disk) wish.Disk {
	t.Helper()
	sock := v.Source["path"] + ".sock"
	server := exec.Command("qemu-nbd", "-t", "-f", "raw", "-x", "export", "-k", sock, v.Source["path"])
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(sock); err == nil {
			break
		}
	}
	v.Kind, v.Source = "nbd", map[string]string{"socket": sock, "export": "export"}
	return v
}

// In the host's own namespace all is the same, and Down leaves none of our links.
func TestHostNamespace(t *testing.T) {
	c := newCloud(t, daemon.HostNetns)
	c.wish(func(w *wish.Wishes) {
		w.Servers = append(w.Servers, c.server(t, first, "first", c.port(t, portA, 11)))
	})
	c.await(t, first, wish.Running)
	c.looksRight(t)
	c.reachesOutside(t)
	c.stop()
	if err := daemon.Down(t.Context(), c.host.Options); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{vif.TapName(portA), "br-int", "br-ex"} {
		if netns.HasLink("", link) {
			t.Errorf("link %s is left", link)
		}
	}
}

// All is taken down and brought up again on the same data, as after the host's
// own restart: the guest is off, is said to be, and starts on its network again.
func TestDownAndUp(t *testing.T) {
	c := newCloud(t, "")
	c.wish(func(w *wish.Wishes) {
		w.Servers = append(w.Servers, c.server(t, first, "first", c.port(t, portA, 11)))
	})
	c.await(t, first, wish.Running)
	c.ssh(t, 11, bootID)
	c.stop()
	if err := daemon.Down(t.Context(), c.host.Options); err != nil {
		t.Fatal(err)
	}
	host, err := daemon.Up(t.Context(), c.host.Options, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.host = host
	c.startAgent(t)
	c.awaitThat(t, first, "off", func(s wish.Seen) bool { return s.Power == wish.Stopped || s.Power == wish.Crashed })
	c.change(first, func(*wish.Server) {})
	c.await(t, first, wish.Running)
	c.looksRight(t)

	t.Log("== a tap is removed behind our back")
	c.change(first, func(s *wish.Server) { s.Power = wish.Stopped })
	c.await(t, first, wish.Stopped)
	if err := netns.RemoveLink(c.host.NS(), vif.TapName(portA)); err != nil {
		t.Fatal(err)
	}
	c.change(first, func(s *wish.Server) { s.Power = wish.Running })
	c.await(t, first, wish.Running)
	c.ssh(t, 11, bootID)
}

// The host's disk is full: the guest stands still, and goes on when there is room.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=80m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	c := newCloudIn(t, "", dir)
	c.wish(func(w *wish.Wishes) {
		w.Servers = append(w.Servers, c.server(t, first, "first", c.port(t, portA, 11)))
	})
	c.await(t, first, wish.Running)
	boot := c.ssh(t, 11, bootID)
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, int64(st.Bavail)*st.Bsize-8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	c.ssh(t, 11, "(dd if=/dev/urandom of=/filled bs=1M count=24; sync; touch /done) >/dev/null 2>&1 &")
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		g, err := c.agent.Hypervisor.Guest(t.Context(), first)
		if err == nil && g.Stalled {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the guest never stood still: %+v, %v", g, err)
		}
	}
	if s, _ := c.seen(first); s.Power != wish.Running {
		t.Errorf("seen: %+v", s)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if got := c.ssh(t, 11, "for i in 1 2 3 4 5 6 7 8 9; do [ -e /done ] && break; sleep 1; done; ls /done; "+bootID); got != "/done\n"+boot {
		t.Errorf("after there was room again: %q", got)
	}
}

// A guest whose image is a bare file system starts with a kernel and a ramdisk.
func TestKernelAndRamdisk(t *testing.T) {
	c := newCloud(t, "")
	dir := filepath.Dir(c.image)
	c.files = map[string]string{"kernel": dir + "/tiny-vmlinuz", "ramdisk": dir + "/tiny-initrd", "root": dir + "/tiny-rootfs.img"}
	s := c.server(t, first, "first", c.port(t, portA, 11))
	s.Image = &wish.Image{ID: "root", Format: "ami", KernelID: "kernel", RamdiskID: "ramdisk"}
	c.wish(func(w *wish.Wishes) { w.Servers = append(w.Servers, s) })
	c.await(t, first, wish.Running)
	if got := c.ssh(t, 11, "cat /proc/cmdline; awk '$2==\"/\" && $1!=\"rootfs\" {print $1}' /proc/mounts"); got != "root=/dev/vda console=tty0 console=ttyS0\n/dev/vda" {
		t.Errorf("started with %q", got)
	}
	c.change(first, func(s *wish.Server) { s.Power = wish.Gone })
	c.await(t, first, wish.Gone)
	c.nothingLeft(t, first, portA)
}
