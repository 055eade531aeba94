package raw

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"stackd/cinder"
)

// A Disk is a file or a block device as a content and a target.
type Disk struct {
	*os.File
	size int64
}

var (
	_ cinder.Content = (*Disk)(nil)
	_ cinder.Target  = (*Disk)(nil)
)

// Open opens a disk; nothing but a file or a block device is one, and no link is followed.
func Open(path string, flags int) (*Disk, error) {
	f, err := os.OpenFile(path, flags|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() && st.Mode()&(os.ModeDevice|os.ModeCharDevice) != os.ModeDevice {
		err = errors.New(path + " is no disk")
	}
	size := int64(0)
	if err == nil {
		size, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Disk{f, size}, nil
}

// Size is what it was when it was opened, or Grow made it.
func (d *Disk) Size() int64 { return d.size }

// Grow makes a file at least so long.
func (d *Disk) Grow(size int64) error {
	if size <= d.size {
		return nil
	}
	if err := d.Truncate(size); err != nil {
		return err
	}
	d.size = size
	return nil
}

// ErrOutside is the error of a write past a disk's end.
var ErrOutside = errors.New("past the end of the disk")

// WriteAt writes within the disk.
func (d *Disk) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > d.size {
		return 0, ErrOutside
	}
	return d.File.WriteAt(p, off)
}

// Data finds the next run by the file system's own map of holes.
func (d *Disk) Data(off int64) (start, end int64, err error) {
	if off >= d.size {
		return 0, 0, io.EOF
	}
	start, err = unix.Seek(int(d.Fd()), off, unix.SEEK_DATA)
	switch {
	case errors.Is(err, syscall.ENXIO):
		return 0, 0, io.EOF
	case errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.EOPNOTSUPP): // no map: all is data
		return off, d.size, nil
	case err != nil:
		return 0, 0, err
	case start >= d.size:
		return 0, 0, io.EOF
	}
	if end, err = unix.Seek(int(d.Fd()), start, unix.SEEK_HOLE); err != nil {
		return 0, 0, err
	}
	return start, min(end, d.size), nil
}

// Zero punches a hole where that can be, and writes zeros elsewhere.
func (d *Disk) Zero(off, n int64) error {
	if off < 0 || off+n > d.size {
		return ErrOutside
	}
	if n <= 0 {
		return nil
	}
	err := unix.Fallocate(int(d.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	if err == nil || errors.Is(err, syscall.ENOSPC) {
		return err
	}
	for n > 0 {
		p := zeros[:min(block, n)]
		if _, err := d.WriteAt(p, off); err != nil {
			return err
		}
		off, n = off+int64(len(p)), n-int64(len(p))
	}
	return nil
}

// Close sees that what was written is on the disk.
func (d *Disk) Close() error {
	flags, err := unix.FcntlInt(d.Fd(), unix.F_GETFL, 0)
	if err == nil && flags&unix.O_ACCMODE != unix.O_RDONLY {
		err = d.Sync()
	}
	return errors.Join(err, d.File.Close())
}

// Clone shares the blocks of one file with another, where the file system can.
func Clone(to, from *Disk) bool {
	return unix.IoctlFileClone(int(to.Fd()), int(from.Fd())) == nil
}

// SyncDir sees that names given and taken in a folder are on the disk.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
