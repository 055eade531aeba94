package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
)

// Guests run as root and libvirt labels nothing: the data directory is ours alone.
const qemuConf = `user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
dynamic_ownership = 0
remember_owner = 0
stdio_handler = "file"
`

const libvirtdConf = `unix_sock_group = "root"
auth_unix_rw = "none"
auth_unix_ro = "none"
listen_tls = 0
listen_tcp = 0
max_client_requests = 32
log_outputs = "2:file:%s/libvirt/log/libvirtd.log"
host_uuid = "%s"
`

// libvirtd runs with its directories mounted over the host's in a mount
// namespace of its own, so that any number of them live on one machine. What
// QEMU can do takes seconds to find out; that cache is the host's, for all.
func (h *Host) libvirtd() process {
	var script strings.Builder
	fmt.Fprintf(&script, "set -e; hostname '%s'\n", h.Hostname)
	for at, ours := range map[string]string{
		"/etc/libvirt": "etc", "/run/libvirt": "run", "/var/lib/libvirt": "lib", "/var/log/libvirt": "log",
	} {
		fmt.Fprintf(&script, "mkdir -p %s; mount --bind '%s/libvirt/%s' %s\n", at, h.DataDir, ours, at)
	}
	for _, file := range accounts {
		ours := filepath.Join(h.DataDir, "libvirt/etc", filepath.Base(file))
		fmt.Fprintf(&script, "[ ! -f '%s' ] || mount --bind '%s' %s\n", ours, ours, file)
	}
	if h.Accel != "kvm" {
		script.WriteString(h.hideKVM())
	}
	fmt.Fprintf(&script, "exec libvirtd -p '%s'", h.pidfile("libvirtd"))
	return process{
		name: "libvirtd", pidfile: h.pidfile("libvirtd"), log: h.log("libvirtd"), ready: dials(h.Libvirt()),
		argv: []string{"unshare", "--mount", "--uts", "--propagation", "private", "sh", "-c", script.String()},
	}
}

func (h *Host) ensureLibvirt(ctx context.Context) error {
	if err := h.configureLibvirt(); err != nil {
		return err
	}
	return h.step("libvirtd", func() (bool, error) { return h.ensureProcess(ctx, h.libvirtd()) })
}

func (h *Host) configureLibvirt() error {
	etc := filepath.Join(h.DataDir, "libvirt/etc")
	id, err := os.ReadFile(filepath.Join(etc, "host-uuid"))
	if errors.Is(err, os.ErrNotExist) {
		id = []byte(uuid.NewString())
		err = os.WriteFile(filepath.Join(etc, "host-uuid"), id, 0o644)
	}
	if err != nil {
		return err
	}
	return errors.Join(
		h.ensureAccount(etc),
		os.WriteFile(filepath.Join(etc, "qemu.conf"), []byte(qemuConf), 0o600),
		os.WriteFile(filepath.Join(etc, "libvirtd.conf"), fmt.Appendf(nil, libvirtdConf, h.DataDir, id), 0o600))
}

// hideKVM covers a /dev/kvm that does not work with a file nobody can write to:
// libvirt then takes it for absent, and does not look into it for seconds.
func (h *Host) hideKVM() string {
	file := h.DataDir + "/libvirt/no-kvm"
	return fmt.Sprintf("[ ! -e /dev/kvm ] || { : > '%s'; mount --bind '%s' /dev/kvm; mount -o remount,bind,ro /dev/kvm; }\n", file, file)
}

// accounts are the files that must know the user libvirt-qemu: libvirtd looks it
// up before it reads that guests run as root. Where Debian's package has not
// made it, libvirtd alone sees it, in copies mounted over the files.
var accounts = []string{"/etc/passwd", "/etc/group"}

func (h *Host) ensureAccount(etc string) error {
	lines := []string{"libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin\n", "libvirt-qemu:x:64055:\n"}
	for i, file := range accounts {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if strings.Contains("\n"+string(text), "\nlibvirt-qemu:") {
			continue
		}
		if err := os.WriteFile(filepath.Join(etc, filepath.Base(file)), append(text, lines[i]...), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// stopGuests ends the cloud's QEMU processes; disks are flushed, guests see a power cut.
func (h *Host) stopGuests(ctx context.Context) error {
	files, err := filepath.Glob(filepath.Join(h.DataDir, "libvirt/run/qemu/*.pid"))
	for _, f := range files {
		mark := "guest=" + strings.TrimSuffix(filepath.Base(f), ".pid")
		if pid, ok := livePID(f, mark); ok {
			err = errors.Join(err, endProcess(ctx, mark, pid, mark))
		}
	}
	return err
}
