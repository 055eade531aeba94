package sim

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"stackd/agent"
	"stackd/agent/wish"
)

// CopyDisk copies the file of an attached volume: nobody writes to it here.
func (h hypervisor) CopyDisk(ctx context.Context, id string, v, where wish.Disk) error {
	if v.Kind != "file" || where.Kind != "file" {
		return fmt.Errorf("a disk of kind %q cannot be copied to one of kind %q", v.Kind, where.Kind)
	}
	err := h.guest(ctx, Copied, id, func(*guest) error { return nil })
	if err != nil {
		return err
	}
	return copyFile(v.Source["path"], where.Source["path"])
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer out.Close()
	part, zeros := make([]byte, 1<<20), make([]byte, 1<<20)
	for at := int64(0); ; {
		n, err := in.ReadAt(part, at)
		if !bytes.Equal(part[:n], zeros[:n]) {
			if _, err := out.WriteAt(part[:n], at); err != nil {
				return err
			}
		}
		if at += int64(n); errors.Is(err, io.EOF) {
			return out.Sync()
		} else if err != nil {
			return err
		}
	}
}

// Capture is an empty disk of the size that the guest's root disk would have.
func (h hypervisor) Capture(_ context.Context, id string) (io.ReadCloser, error) {
	var b []byte
	err := error(agent.ErrNoGuest)
	h.look(id, func(t *thing) {
		if t.Guest != nil {
			b, err = emptyQcow2(uint64(max(1, t.Guest.Spec.RootGB))<<30), nil
		}
	})
	return io.NopCloser(bytes.NewReader(b)), err
}

// emptyQcow2 is a disk of zeros (QEMU, docs/interop/qcow2): header, refcount table,
// refcount block and L1 table, a cluster of 64 KiB each.
func emptyQcow2(size uint64) []byte {
	const cluster = 1 << 16
	b := make([]byte, 4*cluster)
	be := binary.BigEndian
	be.PutUint32(b[0:], 0x514649fb)
	be.PutUint32(b[4:], 3)
	be.PutUint32(b[20:], 16)
	be.PutUint64(b[24:], size)
	be.PutUint32(b[36:], uint32((size+(1<<29)-1)>>29))
	be.PutUint64(b[40:], 3*cluster)
	be.PutUint64(b[48:], cluster)
	be.PutUint32(b[56:], 1)
	be.PutUint32(b[96:], 4)
	be.PutUint32(b[100:], 104)
	be.PutUint64(b[cluster:], 2*cluster)
	for n := range 4 {
		be.PutUint16(b[2*cluster+2*n:], 1)
	}
	return b
}
