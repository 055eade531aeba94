package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"stackd/agent/netns"
)

// A Host is the daemons of one cloud on this machine.
type Host struct {
	Options
	// Run is a short path to DataDir: a socket's path has no more than 107 bytes.
	Run      string
	Datapath string // netdev or system: OVS's own, or the kernel's
	Accel    string // kvm or tcg

	progress Progress
}

// Progress is told of each step: state is "starting", then "started",
// "running" (it did already), or what went wrong.
type Progress func(step, state string, took time.Duration)

// NB and SB are where ovsdb clients find OVN's databases, OVSDB the switch's.
func (h *Host) NB() string    { return "unix:" + h.sock("nb") }
func (h *Host) SB() string    { return "unix:" + h.sock("sb") }
func (h *Host) OVSDB() string { return "unix:" + h.sock("db") }

// Libvirt is the path of libvirtd's socket.
func (h *Host) Libvirt() string { return h.Run + "/libvirt/run/libvirt-sock" }

// Instances, Images and VNC are the directories of guests' disks, of the image
// cache, and of display sockets.
func (h *Host) Instances() string { return filepath.Join(h.DataDir, "instances") }
func (h *Host) Images() string    { return filepath.Join(h.DataDir, "image-cache") }
func (h *Host) VNC() string       { return h.Run + "/vnc" }

// NS is the name of the network namespace all this is in; "" is the host's own.
func (h *Host) NS() string {
	if h.Netns == HostNetns {
		return ""
	}
	return h.Netns
}

func (h *Host) sock(name string) string    { return h.Run + "/run/" + name + ".sock" }
func (h *Host) pidfile(name string) string { return h.Run + "/run/" + name + ".pid" }
func (h *Host) log(name string) string     { return h.Run + "/log/" + name + ".log" }

// Up starts what does not run, adopts what does, and returns when all answer.
func Up(ctx context.Context, o Options, progress Progress) (*Host, error) {
	h, err := newHost(o)
	if err != nil {
		return nil, err
	}
	if h.progress = progress; progress == nil {
		h.progress = func(string, string, time.Duration) {}
	}
	if err := h.makeDirs(); err != nil {
		return nil, err
	}
	if err := h.ensure(ctx); err != nil {
		return nil, err
	}
	return h, nil
}

func newHost(o Options) (*Host, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Host{Options: o, Run: "/run/stackd-" + o.Name, Datapath: datapath(), Accel: o.Accel}, nil
}

// makeDirs makes the directories and the short path to them.
func (h *Host) makeDirs() error {
	for _, d := range []string{"run", "log", "ovn", "vnc", "instances", "image-cache", "libvirt/etc", "libvirt/run", "libvirt/lib", "libvirt/log/qemu"} {
		top := filepath.Join(h.DataDir, strings.Split(d, "/")[0])
		if err := errors.Join(os.MkdirAll(filepath.Join(h.DataDir, d), 0o755), os.Chmod(top, 0o700)); err != nil {
			return err
		}
	}
	if at, err := os.Readlink(h.Run); err == nil && at != h.DataDir {
		if _, err := os.Stat(at); err == nil {
			return fmt.Errorf("another cloud on this machine is named %s: its data is in %s", h.Name, at)
		}
		_ = os.Remove(h.Run)
	}
	if err := os.Symlink(h.DataDir, h.Run); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// ensure is one pass over all that must be there. It is what Up does first and
// what Watch repeats when something died.
func (h *Host) ensure(ctx context.Context) error {
	if err := h.step("network namespace", func() (bool, error) { return netns.Exists(h.NS()), netns.Make(h.NS()) }); err != nil {
		return err
	}
	if h.guests() {
		if err := h.chooseAccel(ctx); err != nil {
			return err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	if h.guests() {
		g.Go(func() error { return h.ensureLibvirt(ctx) })
	}
	g.Go(func() error { return h.ensureOVN(ctx) })
	return g.Wait()
}

// step runs f and tells of it; f says whether all was so already.
func (h *Host) step(name string, f func() (already bool, err error)) error {
	start := time.Now()
	h.progress(name, "starting", 0)
	already, err := f()
	state := "started"
	switch {
	case err != nil:
		state, err = err.Error(), fmt.Errorf("%s: %w", name, err)
	case already:
		state = "running"
	}
	h.progress(name, state, time.Since(start))
	return err
}

// Watch starts again whatever dies, until the context ends.
func (h *Host) Watch(ctx context.Context, warn func(error)) {
	tick, said := time.NewTicker(2*time.Second), ""
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if h.Cluster != nil {
			err := h.tend(ctx)
			if err != nil && ctx.Err() == nil && err.Error() != said {
				warn(err)
			}
			said = fmt.Sprint(err)
		}
		for _, p := range h.processes() {
			if _, ok := p.pid(); ok {
				continue
			}
			warn(fmt.Errorf("%s is dead, starting it again", p.name))
			if err := h.ensure(ctx); err != nil && ctx.Err() == nil {
				warn(err)
			}
			break
		}
	}
}

func (h *Host) processes() []process {
	if !h.guests() {
		return h.ovnProcesses()
	}
	return append(h.ovnProcesses(), h.libvirtd())
}

// Down ends the guests and daemons of the cloud and takes its network away.
// The data stays. Of another cloud of the same name nothing is touched.
func Down(ctx context.Context, o Options) error {
	h, err := newHost(o)
	if err != nil {
		return err
	}
	if at, err := os.Readlink(h.Run); err != nil || at != h.DataDir {
		if _, gone := os.Stat(at); err == nil && gone == nil {
			return nil // the name is another cloud's: nothing of ours runs
		}
		_ = os.Remove(h.Run)
		if err := os.Symlink(h.DataDir, h.Run); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	var errs []error
	libvirtd := h.libvirtd()
	errs = append(errs, libvirtd.stop(ctx), h.stopGuests(ctx))
	errs = append(errs, h.release(ctx))
	h.dismantle(ctx)
	ps := h.ovnProcesses()
	for i := len(ps) - 1; i >= 0; i-- {
		errs = append(errs, ps[i].stop(ctx))
	}
	errs = append(errs, h.removeNetwork())
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return os.Remove(h.Run)
}
