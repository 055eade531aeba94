package raw

import (
	"context"
	"errors"
	"hash/fnv"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Lock is one name held. It belongs to the open file: a tool that is given it
// (Tool.Files) holds it too, so that what a killed process left running still does.
type Lock struct{ *os.File }

// Take waits for a name; all who share the file at path exclude each other by it.
func Take(ctx context.Context, path, name string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	h := fnv.New64a()
	io.WriteString(h, name)
	at := int64(h.Sum64() >> 2)
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		l := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: at, Len: 1}
		err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &l)
		if err == nil {
			return &Lock{f}, nil
		}
		if !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EACCES) {
			f.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(wait):
		}
	}
}
