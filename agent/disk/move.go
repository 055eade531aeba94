package disk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"stackd/agent"
	"stackd/agent/wish"
	"stackd/internal/converge"
	"stackd/internal/fault"
	"stackd/internal/inspect"
)

// earlier are the files of a server's move before, which it may go back to.
func (s *Store) earlier(v wish.Server) []agent.File {
	if v.From == nil {
		return nil
	}
	v.DisksOf, v.From, v.Rescue = v.From.DisksOf, nil, nil
	v.EphemeralGB, v.SwapMB, v.ConfigDrive = 1, 1, true // also what the flavor has no more
	return s.Files(v)
}

// opening opens a disk where it is, by its role; nil when all is here.
type opening = func(ctx context.Context, role string) (io.ReadCloser, error)

// Bring makes what is missing of the disks of a server that moves. Each is whole or not
// there, and as large as the server's flavor is now.
func (s *Store) Bring(ctx context.Context, v wish.Server, open opening) error {
	if err := os.MkdirAll(s.dir(v.ID), 0o755); err != nil {
		return err
	}
	for _, f := range s.Files(v) {
		ok, err := there(f.Path)
		if err == nil && !ok {
			err = s.bringFile(ctx, v, f, open)
		}
		if err != nil {
			return err
		}
	}
	return syncDir(s.dir(v.ID))
}

func (s *Store) bringFile(ctx context.Context, v wish.Server, f agent.File, open opening) error {
	if f.Role == "config" || f.Role == "swap" {
		return s.makeFile(ctx, v, f)
	}
	tmp := f.Path + ".new"
	defer os.Remove(tmp)
	err := s.copyHere(ctx, v, f, tmp, open)
	if fault.Is(err, fault.NotFound) && f.Role == "ephemeral" { // the flavor had none before
		return s.makeFile(ctx, v, f)
	}
	if err == nil {
		err = s.fit(ctx, v, f, tmp)
	}
	if err == nil {
		err = syncFile(tmp)
	}
	if err != nil {
		return fmt.Errorf("bring the %s disk: %w", f.Role, err)
	}
	return os.Rename(tmp, f.Path)
}

// copyHere copies a disk of the move before, from here or from where open finds it.
func (s *Store) copyHere(ctx context.Context, v wish.Server, f agent.File, tmp string, open opening) error {
	if open != nil {
		return s.receive(ctx, f, tmp, open)
	}
	old := s.earlier(v)
	at := slices.IndexFunc(old, func(o agent.File) bool { return o.Role == f.Role })
	if at < 0 {
		return fault.New(fault.NotFound, "There is no %s disk.", f.Role)
	}
	if ok, err := there(old[at].Path); err != nil || !ok {
		return cmp.Or(err, error(fault.New(fault.NotFound, "There is no %s disk.", f.Role)))
	}
	return run(ctx, "cp", "--reflink=auto", "--sparse=always", old[at].Path, tmp)
}

// receive reads a disk from another host. What comes is looked at before a tool sees it:
// that host may not be what it was.
func (s *Store) receive(ctx context.Context, f agent.File, tmp string, open opening) error {
	from, err := open(ctx, f.Role)
	if err != nil {
		return err
	}
	defer from.Close()
	file, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if f.Role == "kernel" || f.Role == "ramdisk" {
		_, err := io.Copy(file, from)
		return errors.Join(err, file.Close())
	}
	look := inspect.New("qcow2")
	_, err = io.Copy(io.MultiWriter(file, look), from)
	if err == nil {
		_, err = look.Result()
	}
	if inspect.IsRefused(err) {
		return converge.Finalf("the disk that came is not good: %w", err)
	}
	if err != nil {
		return err
	}
	if f.Format == "qcow2" {
		return file.Close()
	}
	return errors.Join(file.Close(), run(ctx, "qemu-img", "convert", "-f", "qcow2", "-O", f.Format, tmp, tmp+".as"), os.Rename(tmp+".as", tmp))
}

// fit makes a disk as large as the flavor says, and never smaller.
func (s *Store) fit(ctx context.Context, v wish.Server, f agent.File, tmp string) error {
	wanted := map[string]int64{"root": int64(v.RootGB) * gib, "ephemeral": int64(v.EphemeralGB) * gib}[f.Role]
	if wanted == 0 {
		return nil
	}
	size, err := sizeOf(tmp, f.Format)
	if err != nil || size >= wanted {
		return err
	}
	return run(ctx, "qemu-img", "resize", "-q", "-f", f.Format, tmp, strconv.FormatInt(wanted, 10))
}

// sizeOf is the size of a disk as a guest sees it.
func sizeOf(path, format string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || format == "raw" {
		return st.Size(), err
	}
	head := make([]byte, 32)
	if _, err := io.ReadFull(f, head); err != nil {
		return 0, err
	}
	return qcow2Size(head), nil
}

// qcow2Size reads the size from a header: 8 bytes at 24 (QEMU, docs/interop/qcow2.txt).
func qcow2Size(head []byte) int64 {
	var n int64
	for _, b := range head[24:32] {
		n = n<<8 | int64(b)
	}
	return n
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Send is a disk of a server that has moved away, as it is here.
func (s *Store) Send(ctx context.Context, v wish.Server, role string) (io.ReadCloser, error) {
	all := s.Files(v)
	at := slices.IndexFunc(all, func(f agent.File) bool { return f.Role == role })
	if at < 0 {
		return nil, fault.New(fault.NotFound, "Server %s has no %s disk here.", v.ID, role)
	}
	if ok, err := there(all[at].Path); err != nil || !ok {
		return nil, cmp.Or(err, error(fault.New(fault.NotFound, "Server %s has no %s disk here.", v.ID, role)))
	}
	if role == "kernel" || role == "ramdisk" || role == "config" {
		return os.Open(all[at].Path)
	}
	return s.sendWhole(ctx, v, all[at])
}

// sendWhole makes a disk one file, without the image that it lies over, which the other
// host need not have. What others left behind who were cut off goes.
func (s *Store) sendWhole(ctx context.Context, v wish.Server, f agent.File) (io.ReadCloser, error) {
	old, _ := filepath.Glob(filepath.Join(s.dir(v.ID), "send-*"))
	for _, o := range old {
		if st, err := os.Stat(o); err == nil && time.Since(st.ModTime()) > tmpKept {
			os.Remove(o)
		}
	}
	tmp, err := os.CreateTemp(s.dir(v.ID), "send-*")
	if err != nil {
		return nil, err
	}
	if err := run(ctx, "qemu-img", "convert", "-f", f.Format, "-O", "qcow2", f.Path, tmp.Name()); err != nil {
		return nil, errors.Join(err, tmp.Close(), os.Remove(tmp.Name()))
	}
	tmp.Close()
	whole, err := os.Open(tmp.Name())
	if err := errors.Join(err, os.Remove(tmp.Name())); err != nil { // it goes when it is closed
		return nil, err
	}
	return whole, nil
}

// Sizes are those of a server's local disks that a guest writes to.
func (s *Store) Sizes(v wish.Server) (map[string]int64, error) {
	out := map[string]int64{}
	for _, f := range s.Files(v) {
		if f.Role != "root" && f.Role != "ephemeral" && f.Role != "swap" {
			continue
		}
		n, err := sizeOf(f.Path, f.Format)
		if err != nil {
			return nil, err
		}
		out[f.Role] = n
	}
	return out, nil
}

// Await makes empty disks of these sizes, anew each time: a guest that comes writes them
// from their beginning to their end. The others are brought as they are.
func (s *Store) Await(ctx context.Context, v wish.Server, sizes map[string]int64, open opening) error {
	if err := os.MkdirAll(s.dir(v.ID), 0o755); err != nil {
		return err
	}
	for _, f := range s.Files(v) {
		err := ignoreMissing(os.Remove(f.Path))
		if err == nil {
			err = awaitFile(ctx, f, sizes[f.Role], open)
		}
		if err != nil {
			return fmt.Errorf("make room for the %s disk: %w", f.Role, err)
		}
	}
	return nil
}

func awaitFile(ctx context.Context, f agent.File, size int64, open opening) error {
	switch f.Role {
	case "root":
		return run(ctx, "qemu-img", "create", "-q", "-f", "qcow2", f.Path, strconv.FormatInt(size, 10))
	case "ephemeral", "swap":
		return sparse(f.Path, size)
	}
	from, err := open(ctx, f.Role)
	if err != nil {
		return err
	}
	defer from.Close()
	file, err := os.OpenFile(f.Path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, from)
	return errors.Join(err, file.Sync(), file.Close())
}
