package iscsi

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"stackd/cinder/raw"
)

// Numbers of tgtd's own dialect (usr/tgtadm.h of tgt).
const (
	modeSystem, modeTarget, modeUnit, modeAccount = 0, 1, 2, 7

	opNew, opDelete, opShow, opBind = 0, 1, 2, 3

	noTarget, noUser = 4, 15
)

// A tgtd is a daemon by its socket.
type tgtd struct {
	dir     string // of the socket
	address string // host:port that it listens at
	netns   string // a file, "" for this process's
}

func (d tgtd) socket() string { return filepath.Join(d.dir, "tgtd") + ".0" }

// A tgtError is a number that tgtd refused something with.
type tgtError struct {
	what string
	code uint32
}

func (e *tgtError) Error() string { return fmt.Sprintf("tgtd: %s: error %d", e.what, e.code) }

func refused(err error, code uint32) bool {
	var e *tgtError
	return errors.As(err, &e) && e.code == code
}

// away tells whether no daemon answers, or only one that is ending.
func away(err error) bool {
	return errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET)
}

// A call is one request to tgtd.
type call struct {
	what     string // for errors: never what is secret
	mode, op uint32
	tid      int32 // -1 for none
	lun      uint64
	force    uint32
	args     string // name=value, by commas
}

const none = ^uint64(0)

func (c call) bytes() []byte {
	le := binary.LittleEndian
	args := []byte(c.args)
	if len(args) > 0 {
		args = append(args, 0)
	}
	b := le.AppendUint32(le.AppendUint32(nil, c.mode), c.op)
	b = append(b, append([]byte("iscsi"), make([]byte, 64-len("iscsi"))...)...)
	b = le.AppendUint32(le.AppendUint32(b, uint32(120+len(args))), uint32(c.tid))
	b = le.AppendUint64(le.AppendUint64(b, 0), c.lun) // session, unit
	for _, n := range []uint32{0, 0, 0, 0, 0, c.force} {
		b = le.AppendUint32(b, n) // connection, host, type, direction, pack
	}
	return append(b, args...)
}

// maxAnswer bounds what the daemon may say: a line or two for each of its targets.
const maxAnswer = 64 << 20

// do carries one request out and gives what the daemon said.
func (d tgtd) do(ctx context.Context, c call) (string, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", d.socket())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := conn.Write(c.bytes()); err != nil {
		return "", err
	}
	var head struct{ Code, Length uint32 }
	if err := binary.Read(conn, binary.LittleEndian, &head); err != nil {
		return "", err
	}
	if head.Code != 0 {
		return "", &tgtError{c.what, head.Code}
	}
	text, err := io.ReadAll(io.LimitReader(conn, min(maxAnswer, max(0, int64(head.Length)-8))))
	return string(text), err
}

// start starts the daemon unless it answers.
func (d tgtd) start(ctx context.Context) error {
	_, err := d.do(ctx, call{what: "show itself", mode: modeSystem, op: opShow, tid: -1, lun: none})
	if !away(err) {
		return err
	}
	argv := []string{"tgtd", "--control-port", "0", "--iscsi", "portal=" + d.address}
	if d.netns != "" {
		argv = append([]string{"nsenter", "--net=" + d.netns, "--"}, argv...)
	}
	t := raw.Tool{Argv: argv, Env: []string{"TGT_IPC_SOCKET=" + filepath.Join(d.dir, "tgtd")}}
	if _, err := t.Run(ctx); err != nil {
		return err
	}
	for {
		if _, err = d.do(ctx, call{what: "show itself", mode: modeSystem, op: opShow, tid: -1, lun: none}); !away(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the daemon whose socket is in a folder, and so all its exports, and waits
// until it is gone. It does not end when it is asked to.
func Stop(dir string) error {
	conn, err := net.DialTimeout("unix", tgtd{dir: dir}.socket(), time.Second)
	if err != nil {
		return nil
	}
	defer conn.Close()
	f, err := conn.(*net.UnixConn).File()
	if err != nil {
		return err
	}
	defer f.Close()
	who, err := unix.GetsockoptUcred(int(f.Fd()), unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return err
	}
	if who.Pid <= 1 || who.Uid != uint32(os.Getuid()) {
		return fmt.Errorf("the socket in %s is not ours", dir)
	}
	if err := syscall.Kill(int(who.Pid), syscall.SIGKILL); err != nil {
		return err
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		c, err := net.DialTimeout("unix", tgtd{dir: dir}.socket(), time.Second)
		if err != nil {
			return nil
		}
		c.Close()
	}
	return fmt.Errorf("the daemon in %s does not end", dir)
}
