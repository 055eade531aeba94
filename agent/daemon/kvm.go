package daemon

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// probeKernel is probe/probe.S, assembled.
//
//go:embed probe/probe.bin
var probeKernel []byte

const (
	probeWord  = "stackd: guests run" // what the probe guest says when all is well
	probeLimit = 5 * time.Second      // a processor needs 0.1 s; a KVM that emulates, minutes
)

// qemu is the path of QEMU: Enterprise Linux has it aside, and runs it by libvirt alone.
// libvirt looks in the same places.
func qemu() string {
	for _, f := range []string{"/usr/bin/qemu-system-x86_64", "/usr/libexec/qemu-kvm"} {
		if !missing(f) {
			return f
		}
	}
	return "qemu-system-x86_64" // which says that it is not there
}

// chooseAccel finds out whether guests really run under KVM; that /dev/kvm is
// there does not say so. The answer is kept for as long as kernel and QEMU stay.
func (h *Host) chooseAccel(ctx context.Context) error {
	if h.Accel != "" {
		return nil
	}
	start := time.Now()
	h.progress("virtualization", "starting", 0)
	why := h.keptAnswer()
	if why == "" {
		err := probeKVM(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if why = "kvm"; err != nil {
			why = "tcg: guests are emulated: " + err.Error()
		}
		if err := os.WriteFile(h.answerFile(), []byte(platform()+"\n"+why), 0o644); err != nil {
			return err
		}
	}
	h.Accel, _, _ = strings.Cut(why, ":")
	h.progress("virtualization", why, time.Since(start))
	return nil
}

func (h *Host) answerFile() string { return filepath.Join(h.DataDir, "kvm-probe") }

// keptAnswer is what an earlier probe on the same platform found.
func (h *Host) keptAnswer() string {
	text, err := os.ReadFile(h.answerFile())
	if err != nil {
		return ""
	}
	on, why, _ := strings.Cut(string(text), "\n")
	if on != platform() {
		return ""
	}
	return why
}

// platform names kernel, KVM and QEMU.
func platform() string {
	var u unix.Utsname
	_ = unix.Uname(&u)
	name := unix.ByteSliceToString(u.Release[:])
	for _, f := range []string{"/dev/kvm", qemu()} {
		if st, err := os.Stat(f); err == nil {
			name += fmt.Sprintf(" %s@%d", f, st.ModTime().Unix())
		}
	}
	return name
}

// probeKVM boots the probe guest. Its error says what is wrong, in a few words.
func probeKVM(ctx context.Context) error {
	if missing("/dev/kvm") {
		return errors.New("there is no /dev/kvm")
	}
	return runProbe(ctx, "kvm", "host")
}

func runProbe(ctx context.Context, accel, cpu string) error {
	dir, err := os.MkdirTemp("", "stackd-probe-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	kernel := filepath.Join(dir, "probe.bin")
	if err := os.WriteFile(kernel, probeKernel, 0o644); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, qemu(), "-nodefaults", "-machine", "q35", "-accel", accel, "-cpu", cpu, "-m", "32", "-display", "none",
		"-no-reboot", "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4", "-kernel", kernel)
	out, err := cmd.CombinedOutput() // the exit status is the debug device's, never 0
	switch said := strings.TrimSpace(string(out)); {
	case strings.Contains(said, probeWord):
		return nil
	case strings.Contains(said, "emulation fail"), ctx.Err() != nil:
		return errors.New("a probe guest does not run under KVM here")
	case said != "":
		first, _, _ := strings.Cut(strings.TrimPrefix(said, filepath.Base(qemu())+": "), "\n")
		return fmt.Errorf("QEMU does not start under KVM: %s", first)
	default:
		return fmt.Errorf("QEMU does not start under KVM: %w", err)
	}
}
