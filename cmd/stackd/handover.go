package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// An upgrade holds the sockets that the old program listens on, from before it is told to
// end until the new one has them: whoever calls meanwhile waits for an answer, and is not
// refused. The old program need not know of it, so that it may be any version.

// held are listening sockets of another process.
type held struct {
	mu    sync.Mutex
	fds   []int         // plain: an os.File would have them block, in the other process too
	where string        // of the socket that they are given by
	gone  chan struct{} // closes when they were given, or nobody can come any more
	gave  bool
	l     *net.UnixListener
}

// handoverOf is where sockets are handed over to who starts on a data folder.
func handoverOf(o *options) string { return o.path("handover") }

// hold takes copies of the sockets that a process listens on for TCP, and gives them to
// whoever asks for them in its data folder, once.
func hold(o *options, pid int) (*held, error) {
	fds, err := listening(pid)
	if err != nil {
		return nil, err
	}
	h := &held{fds: fds, where: handoverOf(o), gone: make(chan struct{})}
	if err := os.Remove(h.where); err != nil && !errors.Is(err, os.ErrNotExist) {
		h.letGo()
		return nil, err
	}
	if h.l, err = net.ListenUnix("unix", &net.UnixAddr{Name: h.where, Net: "unix"}); err == nil {
		err = os.Chmod(h.where, 0o600)
	}
	if err != nil {
		h.letGo()
		return nil, err
	}
	go h.give()
	return h, nil
}

// listening are copies of a process's listening TCP sockets.
func listening(pid int) ([]int, error) {
	p, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("pidfd_open: %w", err)
	}
	defer unix.Close(p)
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		return nil, err
	}
	var fds []int
	for _, name := range names {
		fd, err := strconv.Atoi(filepath.Base(name))
		if to, e := os.Readlink(name); err != nil || e != nil || len(to) < 7 || to[:7] != "socket:" {
			continue
		}
		own, err := unix.PidfdGetfd(p, fd, 0)
		if errors.Is(err, unix.EBADF) { // closed since
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("pidfd_getfd: %w", err)
		}
		if !listens(own) {
			unix.Close(own)
			continue
		}
		unix.CloseOnExec(own)
		fds = append(fds, own)
	}
	return fds, nil
}

func listens(fd int) bool {
	on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	kind, err2 := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	return err == nil && err2 == nil && on == 1 && (kind == unix.AF_INET || kind == unix.AF_INET6)
}

// give sends the sockets to the first that asks; from then on they are his alone.
func (h *held) give() {
	defer close(h.gone)
	c, err := h.l.AcceptUnix()
	if err != nil {
		return // nobody came
	}
	defer c.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, _, err := c.WriteMsgUnix([]byte{byte(len(h.fds))}, unix.UnixRights(h.fds...), nil); err != nil {
		slog.Warn("the listening sockets are not handed over", "cause", err)
		return
	}
	h.gave = true
	h.close()
}

func (h *held) close() {
	for _, fd := range h.fds {
		unix.Close(fd)
	}
	h.fds = nil
}

// letGo ends the holding: from now on callers are refused, unless somebody else listens. It
// tells whether they were given to somebody.
func (h *held) letGo() (gave bool) {
	if h == nil {
		return true
	}
	if h.l != nil {
		h.l.Close() // and takes the file away
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.close()
	return h.gave
}

// holdCommand is for the deployer, whose scripts end the old program and start the new one.
func holdCommand() *cobra.Command {
	var data string
	c := &cobra.Command{Use: "hold", Short: "Hold the sockets of the stackd that runs, for the next that starts", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o := &options{Data: data}
			pid := running(o)
			if pid == 0 {
				return fmt.Errorf("nothing runs on %s", data)
			}
			h, err := hold(o, pid)
			if err != nil {
				return err
			}
			defer h.letGo()
			select {
			case <-h.gone:
			case <-c.Context().Done():
			case <-time.After(longestHold):
			}
			return nil
		}}
	c.Flags().StringVar(&data, "data", "/var/lib/stackd", "folder of the cloud or node")
	return c
}

// longestHold is how long callers may wait for a program that does not come.
const longestHold = 2 * time.Minute

// sockets are those that this process was given.
type sockets struct {
	mu sync.Mutex
	of []net.Listener
}

// given asks for sockets that are handed over in the data folder; mostly there are none.
func given(o *options) *sockets {
	s := &sockets{}
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: handoverOf(o), Net: "unix"})
	if err != nil {
		return s
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	rights := make([]byte, unix.CmsgSpace(4*250))
	_, n, _, _, err := c.ReadMsgUnix(make([]byte, 1), rights)
	var fds []int
	if err == nil {
		fds, err = rightsIn(rights[:n])
	}
	if err != nil {
		slog.Warn("the listening sockets were not taken over", "cause", err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		f := os.NewFile(uintptr(fd), "listener")
		if l, err := net.FileListener(f); err == nil {
			s.of = append(s.of, l)
		}
		f.Close()
	}
	return s
}

func rightsIn(b []byte) ([]int, error) {
	messages, err := unix.ParseSocketControlMessage(b)
	if err != nil || len(messages) == 0 {
		return nil, err
	}
	return unix.ParseUnixRights(&messages[0])
}

// listen is net.Listen for TCP, by a socket that was given if there is one.
func (s *sockets) listen(address string) (net.Listener, error) {
	if l := s.take(address); l != nil {
		return l, nil
	}
	return net.Listen("tcp", address)
}

// take is the socket of an address that was given, nil if none was.
func (s *sockets) take(address string) net.Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, l := range s.of {
		if sameAddress(l.Addr().String(), address) {
			s.of = append(s.of[:i:i], s.of[i+1:]...)
			return l
		}
	}
	return nil
}

// sameAddress tells whether two addresses are one; that of no host is any's.
func sameAddress(a, b string) bool {
	x, errX := netip.ParseAddrPort(a)
	y, errY := netip.ParseAddrPort(b)
	return errX == nil && errY == nil && x.Port() == y.Port() &&
		(x.Addr().Unmap() == y.Addr().Unmap() || x.Addr().IsUnspecified() && y.Addr().IsUnspecified())
}

// rest closes those that nobody wanted.
func (s *sockets) rest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.of {
		l.Close()
	}
	s.of = nil
}
