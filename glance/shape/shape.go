// Package shape changes images' bytes on their way in: it unpacks what is packed,
// within bounds, and has qemu-img convert what was inspected before.
package shape

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"stackd/glance"
	"stackd/internal/fault"
)

// Tools are a glance.Shaper by the programs of this host.
type Tools struct{}

var _ glance.Shaper = Tools{}

// part is what a file's name ends with until it is whole; the file store knows it.
const part = ".part"

// whole writes a file that is there when f has succeeded, and not otherwise.
func whole(to string, f func(*os.File) error) error {
	w, err := os.OpenFile(to+part, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err = f(w); err == nil {
		err = w.Sync()
	}
	if err = errors.Join(err, w.Close()); err == nil {
		err = os.Rename(to+part, to)
	}
	if err != nil {
		os.Remove(to + part)
	}
	return err
}

// Unpack knows gzip, xz and zip by their first bytes.
func (Tools) Unpack(ctx context.Context, from, to string, most int64) (bool, error) {
	f, err := os.Open(from)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head, err := bufio.NewReaderSize(io.NewSectionReader(f, 0, 16), 16).Peek(6)
	if err != nil && err != io.EOF {
		return false, err
	}
	unpack := unpacker(head)
	if unpack == nil {
		return false, nil
	}
	err = whole(to, func(w *os.File) error { return unpack(ctx, f, &bounded{w, most}) })
	var broken packed
	if errors.As(err, &broken) {
		err = fault.New(fault.Unsupported, "The image was refused: its compressed data is broken").Because(err)
	}
	return true, err
}

func unpacker(head []byte) func(context.Context, *os.File, io.Writer) error {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return unzipGz
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return unxz
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return unzip
	}
	return nil
}

// A packed error is of the data, not of the host.
type packed struct{ error }

// bounded takes so many bytes and no more, so that a small file cannot fill a disk.
type bounded struct {
	w    io.Writer
	left int64
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, fault.New(fault.TooLarge, "The image was refused: unpacked it is too large")
	}
	return b.w.Write(p)
}

// pour copies, and tells broken data from a full disk.
func pour(ctx context.Context, w io.Writer, r io.Reader) error {
	buf := make([]byte, 1<<20)
	for ctx.Err() == nil {
		n, err := r.Read(buf)
		if _, e := w.Write(buf[:n]); e != nil {
			return e
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return packed{err}
		}
	}
	return ctx.Err()
}

func unzipGz(ctx context.Context, f *os.File, w io.Writer) error {
	z, err := gzip.NewReader(f)
	if err != nil {
		return packed{err}
	}
	return pour(ctx, w, z)
}

// unzip takes an archive of one file; what it is called does not matter.
func unzip(ctx context.Context, f *os.File, w io.Writer) error {
	s, err := f.Stat()
	if err != nil {
		return err
	}
	z, err := zip.NewReader(f, s.Size())
	if err != nil {
		return packed{err}
	}
	if len(z.File) != 1 || z.File[0].FileInfo().IsDir() {
		return fault.New(fault.Unsupported, "The image was refused: the archive has not exactly one file")
	}
	r, err := z.File[0].Open()
	if err != nil {
		return packed{err}
	}
	defer r.Close()
	return pour(ctx, w, r)
}

// unxz has xz do it, with little memory.
func unxz(ctx context.Context, f *os.File, w io.Writer) error {
	cmd := bound(ctx, 512<<20, "xz", "--decompress", "--stdout", "--memlimit-decompress=256MiB", "--threads=1")
	var says bytes.Buffer
	cmd.Stdin, cmd.Stderr = f, &says
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := pour(ctx, w, out); err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return err
	}
	if err := cmd.Wait(); err != nil {
		return packed{fmt.Errorf("xz: %w: %s", err, tail(says.String()))}
	}
	return nil
}

// drivers are QEMU's names of formats.
var drivers = map[string]string{"raw": "raw", "ami": "raw", "aki": "raw", "ari": "raw", "qcow2": "qcow2", "vmdk": "vmdk", "vdi": "vdi", "vhd": "vpc", "vhdx": "vhdx", "ploop": "parallels"}

// Convert always names the format that the image was found to have: qemu-img guesses
// nothing.
func (Tools) Convert(ctx context.Context, from, format, to, as string) error {
	in, out := drivers[format], drivers[as]
	if in == "" || out == "" {
		return fault.New(fault.Unsupported, "Images of format %s cannot be converted to %s.", format, as)
	}
	defer os.Remove(to + part) // does nothing once it has its name
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	cmd := bound(ctx, 4<<30, "qemu-img", "convert", "-f", in, "-O", out, "--", from, to+part)
	var says bytes.Buffer
	cmd.Stderr = &says
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("qemu-img convert: %w: %s", err, tail(says.String()))
	}
	f, err := os.OpenFile(to+part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(to+part, to)
}

// bound runs a program with so much address space, in a plain environment.
func bound(ctx context.Context, memory int64, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "prlimit", append([]string{fmt.Sprintf("--as=%d", memory), "--core=0", "--", name}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	return cmd
}

func tail(s string) string {
	s = strings.TrimSpace(s)
	return s[max(0, len(s)-300):]
}
