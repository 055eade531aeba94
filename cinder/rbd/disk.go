package rbd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"stackd/cinder"
	"stackd/cinder/raw"
	"stackd/internal/nbd"
)

func (p *Pool) Open(ctx context.Context, volume, snapshot string) (cinder.Content, error) {
	name, snap, err := names(volume, snapshot)
	if err == nil {
		_, err = p.find(ctx, name, snap)
	}
	if err != nil {
		return nil, err
	}
	return p.open(ctx, name, snap, false)
}

func (p *Pool) Edit(ctx context.Context, volume string) (cinder.Target, error) {
	name, err := volumeName(volume)
	if err == nil {
		_, err = p.find(ctx, name, "")
	}
	if err != nil {
		return nil, err
	}
	return p.open(ctx, name, "", true)
}

// A disk is an image behind a QEMU of its own.
type disk struct {
	*nbd.Conn
	write bool
	room  *room
	tool  *exec.Cmd
	says  bytes.Buffer
	gone  chan struct{} // closed when the tool has ended
}

// open starts qemu-nbd on one end of a connection whose other end nobody else ever has:
// the socket's name is gone before the tool starts.
func (p *Pool) open(ctx context.Context, image, snapshot string, write bool) (*disk, error) {
	ours, theirs, err := ends()
	if err != nil {
		return nil, err
	}
	d := &disk{write: write, room: &room{ask: p.free}, gone: make(chan struct{})}
	d.tool = exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec qemu-nbd "$@"`, "qemu-nbd"}, p.nbdArgs(image, snapshot, write)...)...)
	d.tool.Stderr, d.tool.ExtraFiles = &d.says, []*os.File{theirs}
	// With this process it ends. A gentler signal is lost while it opens the image.
	d.tool.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	err = d.start()
	theirs.Close()
	if err == nil {
		stop := context.AfterFunc(ctx, func() { ours.Close() })
		d.Conn, err = nbd.New(ours, "")
		stop()
		if err != nil {
			d.end()
			err = errors.Join(ctx.Err(), fmt.Errorf("qemu-nbd: %w: %s", err, strings.TrimSpace(d.says.String())))
		}
	}
	if err != nil {
		ours.Close()
		return nil, err
	}
	return d, nil
}

// start starts the tool on a thread that lives as long as it does: the kernel signals it
// when its parent thread ends.
func (d *disk) start() error {
	began := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(d.gone)
		err := d.tool.Start()
		began <- err
		if err == nil {
			d.tool.Wait()
		}
	}()
	return <-began
}

// ends are a client's connection and the socket that its server takes it from.
func ends() (ours net.Conn, theirs *os.File, err error) {
	dir, err := os.MkdirTemp("", "nbd-") // a socket's path is short
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"})
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if ours, err = net.Dial("unix", filepath.Join(dir, "s")); err != nil {
		return nil, nil, err
	}
	if theirs, err = l.File(); err != nil {
		ours.Close()
	}
	return ours, theirs, err
}

func (p *Pool) nbdArgs(image, snapshot string, write bool) []string {
	node := "driver=rbd,pool=" + raw.Comma(p.Pool) + ",image=" + raw.Comma(image)
	for _, o := range [][2]string{{"snapshot", snapshot}, {"user", p.User}, {"conf", p.Conf}} {
		if o[1] != "" {
			node += "," + o[0] + "=" + raw.Comma(o[1])
		}
	}
	args := []string{"--discard=unmap", "--image-opts"}
	if !write {
		args = append(args, "--read-only")
	}
	return append(args, node)
}

// Close sees that all is on the disk, and that nobody has it open any more.
func (d *disk) Close() error {
	var err error
	if d.write {
		err = d.Flush()
	}
	d.Conn.Close()
	d.end()
	return err
}

// end waits for the tool, and then does not wait any longer.
func (d *disk) end() {
	for _, sig := range []syscall.Signal{0, syscall.SIGTERM, syscall.SIGKILL} {
		if sig != 0 {
			syscall.Kill(-d.tool.Process.Pid, sig)
		}
		select {
		case <-d.gone:
			return
		case <-time.After(5 * time.Second):
		}
	}
}
