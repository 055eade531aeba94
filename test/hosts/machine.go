package hosts

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A Kernel is how a host is a machine of QEMU's, with a kernel of its own.
type Kernel struct {
	Tree   string // its root file system, as test/hosts/tree makes it
	Append string // more words for its kernel
	Disk   bool   // it has a second, empty disk
	Tools  string // the folder of seed
}

// most is how long an emulated machine may take to come up.
const most = 6 * time.Minute

// plain has no checksums left to others: the links' other ends may be user space.
const plain = ",csum=off,guest_csum=off,gso=off,host_tso4=off,host_tso6=off,host_ufo=off,guest_tso4=off,guest_tso6=off,guest_ufo=off"

// Emulated is a Host with a kernel of its own and all of systemd, which is spoken to by
// SSH. It is emulated: what takes a second elsewhere takes ten.
func (l *Lab) Emulated(k Kernel, name string, links ...string) *Host {
	l.t.Helper()
	at := func(ending string) string { return filepath.Join(l.dir, name+ending) }
	args := []string{k.Tree, at(".disk"), name, l.key() + ".pub"}
	qemu := []string{"nice", "-n", "5", "qemu-system-x86_64", "-accel", "tcg,thread=multi,tb-size=512", "-M", "q35", "-cpu", "max", "-smp", "2", "-m", "3072",
		"-display", "none", "-nodefaults", "-serial", "file:" + at(".serial"), "-drive", "file=" + at(".disk") + ",format=raw,if=virtio,cache=unsafe,discard=unmap",
		"-object", "rng-random,id=r,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=r"}
	for i, link := range links {
		sw, address, _ := strings.Cut(link, " ")
		end := fmt.Sprintf("%s-%d", name, i)
		l.run("ip", "-n", l.ns("sw"), "tuntap", "add", end, "mode", "tap")
		l.run("ip", "-n", l.ns("sw"), "link", "set", end, "master", sw, "up")
		qemu = append(qemu, "-netdev", fmt.Sprintf("tap,id=n%d,ifname=%s,script=no,downscript=no", i, end), "-device", fmt.Sprintf("virtio-net-pci,netdev=n%d,mac=52:54:00:00:%02x:%02x%s", i, len(name), i, plain))
		args = append(args, address)
	}
	l.run(append([]string{filepath.Join(k.Tools, "seed")}, args...)...)
	if k.Disk {
		l.run("truncate", "-s", "8G", at(".disk2"))
		qemu = append(qemu, "-drive", "file="+at(".disk2")+",format=raw,if=virtio,cache=unsafe,discard=unmap")
	}
	address, _, _ := strings.Cut(args[4], "/")
	h := &Host{Name: name, lab: l, address: address}
	h.power(append(qemu, "-kernel", only(l, k.Tree+"/boot/vmlinuz-*"), "-initrd", only(l, k.Tree+"/boot/initrd.img-*"),
		"-append", "root=LABEL=root rw console=ttyS0 net.ifnames=0 no_timer_check mitigations=off rcupdate.rcu_expedited=1 "+k.Append))
	h.up("")
	return h
}

func only(l *Lab, pattern string) string {
	found, _ := filepath.Glob(pattern)
	if len(found) != 1 {
		l.t.Fatalf("%s: one file is wanted; make e2e TEST=machine makes the tree", pattern)
	}
	return found[0]
}

// key lets the lab into its machines.
func (l *Lab) key() string {
	file := filepath.Join(l.dir, "key")
	if _, err := os.Stat(file); err != nil {
		l.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file)
	}
	return file
}

// power switches the machine on, until the test ends.
func (h *Host) power(qemu []string) {
	cmd := h.lab.Outside(qemu...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		h.lab.t.Fatal(err)
	}
	h.lab.t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
}

// up waits until the machine is up, in another boot than one.
func (h *Host) up(boot string) {
	h.lab.t.Helper()
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(time.Second) {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		out, err := h.Command(ctx, "cat", bootID).Output()
		cancel()
		if err == nil && string(out) != boot {
			return
		}
	}
	b, _ := os.ReadFile(filepath.Join(h.lab.dir, h.Name+".serial"))
	h.lab.t.Fatalf("machine %s is not up after %s:\n%s", h.Name, most, b[max(0, len(b)-3000):])
}

const bootID = "/proc/sys/kernel/random/boot_id"

// Reboot boots a machine again.
func (h *Host) Reboot() {
	h.lab.t.Helper()
	boot := h.Shell("cat "+bootID) + "\n"
	_ = h.Command(context.Background(), "systemctl", "reboot").Run() // the connection may end first
	h.up(boot)
}

// ssh is a command on a machine.
func (h *Host) ssh(ctx context.Context, args []string) *exec.Cmd {
	for i, a := range args {
		args[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", h.lab.ns("sw"), "ssh", "-n", "-F", "none", "-i", h.lab.key(), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
		"-o", "LogLevel=ERROR", "-o", "ConnectTimeout=30", "-o", "ServerAliveInterval=30", "root@" + h.address}, args...)...)
}
