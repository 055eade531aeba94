package lvm

import (
	"context"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"stackd/cinder"
	"stackd/cinder/raw"
)

// zero has the kernel write zeros, a part at a time: a disk that can does so by itself.
func zero(ctx context.Context, d *raw.Disk, from, to int64) error {
	const part, blkzeroout = 256 << 20, 0x127f
	for ; from < to; from += part {
		if err := ctx.Err(); err != nil {
			return err
		}
		span := [2]uint64{uint64(from), uint64(min(part, to-from))}
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, d.Fd(), blkzeroout, uintptr(unsafe.Pointer(&span))); errno != 0 {
			return os.NewSyscallError("BLKZEROOUT", errno)
		}
	}
	return nil
}

func (b *Volumes) Open(ctx context.Context, volume, snapshot string) (cinder.Content, error) {
	name, err := b.originalName(volume, snapshot)
	if err != nil {
		return nil, err
	}
	v, err := b.find(ctx, name)
	if err == nil && snapshot != "" && !v.of("volume-"+volume) {
		err = raw.Missing("snapshot", snapshot)
	}
	if err != nil {
		return nil, err
	}
	return b.open(ctx, v, os.O_RDONLY)
}

func (b *Volumes) Edit(ctx context.Context, volume string) (cinder.Target, error) {
	name, err := volumeName(volume)
	if err != nil {
		return nil, err
	}
	v, err := b.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return b.open(ctx, v, os.O_RDWR)
}

// Connect says where this machine has the volume: who is not on it reaches it over
// iSCSI.
func (b *Volumes) Connect(ctx context.Context, volume, _ string) (string, map[string]string, error) {
	name, err := volumeName(volume)
	if err != nil {
		return "", nil, err
	}
	v, err := b.find(ctx, name)
	if err != nil {
		return "", nil, err
	}
	d, err := b.open(ctx, v, os.O_RDONLY) // it is made active
	if err != nil {
		return "", nil, err
	}
	return "file", map[string]string{"path": b.path(v.Name), "format": "raw"}, d.Close()
}

// Disconnect has nothing to take away.
func (b *Volumes) Disconnect(_ context.Context, volume, _ string) error {
	_, err := volumeName(volume)
	return err
}
