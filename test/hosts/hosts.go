package hosts

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netns"
)

// A Lab is hosts and the switches between them.
type Lab struct {
	t    testing.TB
	name string // namespaces begin with it
	dir  string
}

// New is a lab without hosts. Name is short: links are named after it.
func New(t testing.TB, name string, switches ...string) *Lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("hosts need root")
	}
	dir, err := os.MkdirTemp("", "hosts-"+name+"-")
	if err != nil {
		t.Fatal(err)
	}
	l := &Lab{t, name, dir}
	t.Cleanup(func() {
		l.try("ip", "netns", "del", l.ns("sw"))
		os.RemoveAll(dir)
	})
	l.try("ip", "netns", "del", l.ns("sw"))
	l.run("ip", "netns", "add", l.ns("sw"))
	for _, s := range switches {
		l.run("ip", "-n", l.ns("sw"), "link", "add", s, "type", "bridge")
		l.run("ip", "-n", l.ns("sw"), "link", "set", s, "up")
		l.run("ip", "netns", "exec", l.ns("sw"), "ethtool", "-K", s, "tx", "off") // OVS's own datapath wants whole checksums
	}
	return l
}

func (l *Lab) ns(host string) string { return l.name + "-" + host }

func (l *Lab) run(args ...string) {
	l.t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		l.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (l *Lab) try(args ...string) { _ = exec.Command(args[0], args[1:]...).Run() }

// Address gives a switch an address, so that the test itself is on its network by Outside.
func (l *Lab) Address(sw, prefix string) {
	l.t.Helper()
	l.run("ip", "-n", l.ns("sw"), "addr", "add", prefix, "dev", sw)
}

// Outside is a command that runs where the switches are.
func (l *Lab) Outside(args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", l.ns("sw")}, args...)...)
}

// A Host is one of them.
type Host struct {
	Name  string
	lab   *Lab
	pid   int
	links []string
	rest  string // of its first process, after boot
	first string // what that becomes
	gone  chan struct{}

	address string // of one with a kernel of its own
}

// boot is a host's first process, in new namespaces: it makes its root, and waits for
// what has lost its parent: a process that nobody buries is one that does not end.
const boot = `set -e
mount --make-rprivate /
mkdir -p "$1/up" "$1/root"
rm -rf "$1/work"
mkdir "$1/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/root"
mkdir -p "$1/root/var/lib/stackd"
mount --bind "$2" "$1/root/var/lib/stackd"
mount --rbind /dev "$1/root/dev"
mount --rbind /sys "$1/root/sys"
mount -t proc proc "$1/root/proc"
mount -t tmpfs -o mode=755 tmpfs "$1/root/run"
mkdir "$1/root/run/netns"
hostname "$3"
echo "$3" > "$1/root/etc/hostname"
ip link set lo up
cd "$1/root"
pivot_root . mnt
umount -l /mnt
`

// waiting is the rest of a host's first process.
const waiting = `exec bash -c 'while sleep 1000 & do wait; done'`

// system is that of a machine's: systemd, as in a container, without what would see to
// devices and settings that are not its own.
const system = `mount -t cgroup2 cgroup2 /sys/fs/cgroup
ln -sf /dev/null /etc/tmpfiles.d/tmp.conf # which would empty /tmp
sed -i /pam_systemd/d /etc/pam.d/common-session # its sessions' jobs get stuck here, and who logs in with them
for u in systemd-udevd.service systemd-udev-trigger.service systemd-sysctl.service systemd-modules-load.service systemd-tmpfiles-setup-dev.service systemd-binfmt.service apparmor.service NetworkManager-wait-online.service; do ln -sf /dev/null /etc/systemd/system/$u; done
exec env -i container=lab PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=basic.target`

// Host boots a host. Links are eth0, eth1, … on these switches, with these addresses:
// "mgmt 192.168.4.10/24".
func (l *Lab) Host(name string, links ...string) *Host {
	l.t.Helper()
	return l.host(name, waiting, "bash", links)
}

// Machine is a Host with systemd, which has started nothing but itself.
func (l *Lab) Machine(name string, links ...string) *Host {
	l.t.Helper()
	return l.host(name, system, "/lib/systemd", links)
}

// settled waits until systemd has done what it does first.
func (h *Host) settled() {
	h.lab.t.Helper()
	h.Shell("for i in $(seq 300); do [ \"$(systemctl is-active basic.target 2>/dev/null)\" = active ] && exit 0; sleep .1; done; systemctl list-jobs; exit 1")
}

func (l *Lab) host(name, rest, first string, links []string) *Host {
	l.t.Helper()
	h := &Host{Name: name, lab: l, links: links, rest: rest, first: first}
	for _, d := range []string{h.root(), h.data()} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			l.t.Fatal(err)
		}
	}
	l.run("mount", "-t", "tmpfs", "tmpfs", h.root())
	l.t.Cleanup(func() {
		h.Off()
		l.try("umount", "-l", h.root())
	})
	h.On()
	return h
}

func (h *Host) root() string { return filepath.Join(h.lab.dir, h.Name+".root") }
func (h *Host) data() string { return filepath.Join(h.lab.dir, h.Name+".data") }

// wire makes its network and links.
func (h *Host) wire() {
	l, ns := h.lab, h.lab.ns(h.Name)
	l.t.Helper()
	l.try("ip", "netns", "del", ns)
	l.run("ip", "netns", "add", ns)
	for i, link := range h.links {
		sw, address, _ := strings.Cut(link, " ")
		eth, end := fmt.Sprintf("eth%d", i), h.end(i)
		l.run("ip", "link", "add", eth, "address", l.mac(end), "netns", ns, "type", "veth", "peer", "name", end, "netns", l.ns("sw"))
		l.run("ip", "-n", l.ns("sw"), "link", "set", end, "master", sw, "up")
		l.run("ip", "-n", ns, "addr", "add", address, "dev", eth)
		l.run("ip", "-n", ns, "link", "set", eth, "up")
		l.run("ip", "netns", "exec", ns, "ethtool", "-K", eth, "tx", "off")
	}
}

// mac is that of a link, each time that its host boots: neighbours know it.
func (l *Lab) mac(end string) string {
	s := crc32.ChecksumIEEE([]byte(l.ns(end)))
	return fmt.Sprintf("02:4c:%02x:%02x:%02x:%02x", byte(s>>24), byte(s>>16), byte(s>>8), byte(s))
}

// end is the switch's end of a link.
func (h *Host) end(i int) string { return fmt.Sprintf("%s-%d", h.Name, i) }

// boot starts its first process; it is up once that is what it is to become.
func (h *Host) boot() {
	t := h.lab.t
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command("ip", "netns", "exec", h.lab.ns(h.Name), "unshare", "--mount", "--uts", "--pid", "--cgroup", "--fork", "--kill-child", "sh", "-c", boot+h.rest, "sh", h.root(), h.data(), h.Name)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h.gone = make(chan struct{})
	go func() { cmd.Wait(); close(h.gone) }()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if pid := first(cmd.Process.Pid); pid > 0 {
			if line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); bytes.HasPrefix(line, []byte(h.first)) {
				h.pid = pid
				return
			}
		}
		if time.Now().After(end) {
			cmd.Process.Kill()
			<-h.gone
			t.Fatalf("host %s does not come up: %s", h.Name, said.String())
		}
	}
}

// first is a process's first child.
func first(pid int) (child int) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	fmt.Sscan(string(b), &child)
	return child
}

// Command is one that runs on the host.
func (h *Host) Command(ctx context.Context, args ...string) *exec.Cmd {
	if h.address != "" {
		return h.ssh(ctx, slices.Clone(args))
	}
	return exec.CommandContext(ctx, "nsenter", append([]string{"--target", fmt.Sprint(h.pid), "--mount", "--uts", "--pid", "--net", "--root", "--wd", "--"}, args...)...)
}

// Run runs a command on the host; its output, or the end of the test.
func (h *Host) Run(args ...string) string {
	h.lab.t.Helper()
	out, err := h.Command(context.Background(), args...).CombinedOutput()
	if err != nil {
		h.lab.t.Fatalf("%s: %s: %v\n%s", h.Name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// Shell runs a line of shell on the host.
func (h *Host) Shell(line string) string { h.lab.t.Helper(); return h.Run("sh", "-c", line) }

// Dial connects to an address from where the switches are.
func (l *Lab) Dial(address string, most time.Duration) (net.Conn, error) {
	type result struct {
		c   net.Conn
		err error
	}
	done := make(chan result, 1)
	go func() { // its thread stays in the other namespace and ends with it
		runtime.LockOSThread()
		ns, err := netns.GetFromName(l.ns("sw"))
		if err == nil {
			defer ns.Close()
			err = netns.Set(ns)
		}
		if err != nil {
			done <- result{nil, err}
			return
		}
		c, err := (&net.Dialer{Timeout: most}).Dial("tcp", address)
		done <- result{c, err}
	}()
	r := <-done
	return r.c, r.err
}
