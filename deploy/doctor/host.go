package doctor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"stackd/internal/lookup"
)

// Disk sees that the folder of the cloud has room.
func Disk(dir string) Check {
	return Check{Name: "disk", Look: func(context.Context) (string, string) {
		var s syscall.Statfs_t
		if err := syscall.Statfs(dir, &s); err != nil {
			return Ill, fmt.Sprintf("%s: %v", dir, err)
		}
		free, share := s.Bavail*uint64(s.Bsize)>>20, 100*float64(s.Bavail)/float64(max(s.Blocks, 1))
		words := fmt.Sprintf("%s has %d MiB free, %.0f %%", dir, free, share)
		switch {
		case free < 1024 || share < 3:
			return Ill, words + ": make room, or servers and the database stop"
		case share < 10:
			return Warning, words + ": make room soon"
		}
		return Well, words
	}}
}

// KVM sees whether guests can run on the processor itself; must says that they are to.
func KVM(must bool) Check {
	return Check{Name: "kvm", Look: func(context.Context) (string, string) {
		f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
		if err == nil {
			f.Close()
			return Well, "guests run under KVM"
		}
		if must {
			return Ill, "guests are to run under KVM, but /dev/kvm cannot be opened; switch virtualization on in the firmware"
		}
		return Warning, "there is no /dev/kvm: guests are emulated, which is slow"
	}, Mend: func(ctx context.Context) error {
		if command(ctx, "modprobe", "kvm_intel") == nil || command(ctx, "modprobe", "kvm_amd") == nil {
			return nil
		}
		return errors.New("neither kvm_intel nor kvm_amd can be loaded")
	}}
}

func command(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// offset is how far from the time servers a clock may be: tokens and certificates bear more.
const offset = 0.5

// Time sees that chrony, or whatever else there is, keeps the clock.
func Time() Check {
	return Check{Name: "time", Look: func(ctx context.Context) (string, string) {
		if _, err := exec.LookPath("chronyc"); err != nil {
			return otherClock(ctx)
		}
		out, err := exec.CommandContext(ctx, "chronyc", "-n", "-c", "tracking").Output()
		if err != nil {
			return Ill, "chronyd does not run: nothing keeps the clock"
		}
		return tracking(string(out))
	}, Mend: func(ctx context.Context) error {
		if _, err := os.Stat("/run/systemd/system"); err == nil {
			return command(ctx, "systemctl", "restart", chronyUnit())
		}
		if exec.CommandContext(ctx, "chronyc", "-n", "activity").Run() == nil {
			_ = command(ctx, "chronyc", "online")
			_ = command(ctx, "chronyc", "burst", "2/4")
			return command(ctx, "chronyc", "waitsync", "15", "0.5", "0", "1")
		}
		if err := os.MkdirAll("/run/chrony", 0o750); err != nil {
			return err
		}
		if err := command(ctx, "chronyd"); err != nil {
			return err
		}
		return command(ctx, "chronyc", "waitsync", "15", "0.5", "0", "1")
	}}
}

// chronyUnit is chrony's name among systemd's units: Fedora's, or Debian's.
func chronyUnit() string {
	if _, err := os.Stat("/usr/lib/systemd/system/chronyd.service"); err == nil {
		return "chronyd"
	}
	return "chrony"
}

// tracking judges chronyc's line for programs.
func tracking(line string) (string, string) {
	f := strings.Split(strings.TrimSpace(line), ",")
	if len(f) < 14 {
		return Ill, "chronyd does not say how the clock is"
	}
	off, err := strconv.ParseFloat(f[4], 64)
	switch {
	case err != nil || f[13] == "Not synchronised":
		return Ill, "the clock follows no time server; see that one of `chronyc sources` is reached"
	case math.Abs(off) > offset:
		return Ill, fmt.Sprintf("the clock is %.3f seconds off; set it: chronyc makestep", off)
	}
	return Well, fmt.Sprintf("the clock follows %s, %.6f seconds off", f[1], off)
}

func otherClock(ctx context.Context) (string, string) {
	out, err := exec.CommandContext(ctx, "timedatectl", "show", "-p", "NTPSynchronized", "--value").Output()
	if err == nil && strings.TrimSpace(string(out)) == "yes" {
		return Well, "the clock is kept by this system's own means"
	}
	return Warning, "nothing is known to keep the clock; install chrony"
}

// Names sees that servers of names answer, and that the host finds itself.
func Names(host, resolvConf string) Check {
	return Check{Name: "dns", Look: func(ctx context.Context) (string, string) {
		if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
			return Ill, fmt.Sprintf("the host does not find its own name %s; put it into /etc/hosts or the DNS", host)
		}
		var silent []string
		all := lookup.System(resolvConf).Servers()
		for _, s := range all {
			a := lookup.Asker{Servers: []string{s}, Tries: 2, Timeout: 2 * time.Second, Lone: true} // it answers also when it is cut off itself
			if _, err := a.Ask(ctx, lookup.Root); err != nil {
				silent = append(silent, s)
			}
		}
		switch {
		case len(silent) == len(all):
			return Warning, fmt.Sprintf("no server of %s answers (%s): only names in /etc/hosts are found", resolvConf, strings.Join(silent, ", "))
		case len(silent) > 0:
			return Warning, fmt.Sprintf("name servers that do not answer: %s", strings.Join(silent, ", "))
		}
		return Well, "name servers answer: " + strings.Join(all, ", ")
	}, Mend: func(context.Context) error {
		f, err := os.OpenFile("/etc/hosts", os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(f, "127.0.1.1 %s\n", host)
		return errors.Join(err, f.Close())
	}}
}
