package raw

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"stackd/cinder"
	"stackd/internal/converge"
	"stackd/internal/inspect"
)

// ErrTooLong is the error of an image that has more bytes than its volume may take.
var ErrTooLong = errors.New("the image is larger than the volume")

// A Fill is how a new disk's content comes into its place.
type Fill struct {
	To      cinder.Target
	Path    string   // of To, when it has one that QEMU's tools can write
	Size    int64    // bytes of the volume
	Scratch string   // names begin with this; what is made is removed
	Lock    *os.File // held by the tools, too
}

// formats are QEMU's names of glance's formats.
var formats = map[string]string{"raw": "raw", "iso": "raw", "ami": "raw", "aki": "raw", "ari": "raw",
	"qcow2": "qcow2", "vmdk": "vmdk", "vdi": "vdi", "vhd": "vpc", "vhdx": "vhdx"}

// From writes what a source holds. The place reads as zeros before.
func (f Fill) From(ctx context.Context, s cinder.Source) error {
	switch {
	case s.Content != nil:
		return f.content(ctx, s.Content)
	case s.Image != nil && len(s.Passphrase) > 0:
		return f.encrypted(ctx, s)
	case s.Image != nil:
		return f.image(ctx, s)
	case len(s.Passphrase) > 0:
		return f.blankLUKS(ctx, s.Passphrase)
	}
	return nil
}

func (f Fill) content(ctx context.Context, c cinder.Content) error {
	if c.Size() > f.Size {
		return converge.Finalf("the content has %d bytes, the volume %d", c.Size(), f.Size)
	}
	return Copy(ctx, f.To, c)
}

// image writes a raw image as it comes; others are kept aside and converted.
func (f Fill) image(ctx context.Context, s cinder.Source) error {
	format := formats[s.Format]
	switch {
	case format == "":
		return badFormat(s)
	case format == "raw":
		_, _, err := f.take(ctx, f.To, f.Size, s)
		return err
	case f.Path != "":
		return f.convert(ctx, s, format, f.Path)
	}
	out := f.Scratch + ".raw"
	defer os.Remove(out)
	if err := blank(out, f.Size); err != nil {
		return err
	}
	if err := f.convert(ctx, s, format, out); err != nil {
		return err
	}
	return f.copyFrom(ctx, out)
}

func (f Fill) copyFrom(ctx context.Context, path string) error {
	d, err := Open(path, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer d.Close()
	return f.content(ctx, d)
}

// blank makes a file anew.
func blank(path string, size int64) error {
	if err := Gone(path); err != nil {
		return err
	}
	d, err := Open(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	return errors.Join(d.Grow(size), d.Close())
}

func badFormat(s cinder.Source) error {
	return converge.Finalf("images of the format %q become no volumes", s.Format)
}

// take writes an image's bytes to a place while they are looked at. Nothing is
// believed before all have passed. Given are the image's length and its disk's.
func (f Fill) take(ctx context.Context, to io.WriterAt, room int64, s cinder.Source) (length, disk int64, err error) {
	look := inspect.New(s.Format)
	out := &Stream{To: to, Max: room}
	_, err = io.CopyBuffer(io.MultiWriter(look, out), Reader(ctx, s.Image), make([]byte, chunk))
	var r inspect.Result
	if err == nil {
		r, err = look.Result()
	}
	if err == nil && max(r.VirtualSize, 0) > f.Size {
		err = converge.Finalf("the image is a disk of %d bytes, the volume has %d", r.VirtualSize, f.Size)
	}
	if inspect.IsRefused(err) || errors.Is(err, ErrTooLong) {
		err = converge.Final{Err: err}
	}
	return out.At, r.VirtualSize, err
}

// convert keeps an image aside and writes the disk that it is to a raw file.
func (f Fill) convert(ctx context.Context, s cinder.Source, format, to string) error {
	aside := f.Scratch + ".image"
	defer os.Remove(aside)
	if _, err := f.aside(ctx, aside, s); err != nil {
		return err
	}
	return f.qemuImg(ctx, nil, "convert", "-n", "--target-is-zero", "-f", format, "-O", "raw", aside, to)
}

// aside may be larger than the volume, as a format's own tables and snapshots take
// room. Given is the disk's size, in whole sectors.
func (f Fill) aside(ctx context.Context, path string, s cinder.Source) (int64, error) {
	if err := blank(path, 0); err != nil {
		return 0, err
	}
	d, err := Open(path, os.O_RDWR)
	if err != nil {
		return 0, err
	}
	defer d.File.Close()
	n, disk, err := f.take(ctx, d.File, 2*f.Size+64<<20, s)
	if err != nil {
		return 0, err
	}
	if formats[s.Format] == "raw" {
		disk = n
	}
	return sectors(disk), d.Truncate(sectors(n))
}

func sectors(n int64) int64 { return (n + 511) / 512 * 512 }

// qemuImg runs qemu-img with bounds: 4 GiB of memory, an hour of CPU time, and no
// file larger than the volume with a container's header.
func (f Fill) qemuImg(ctx context.Context, passphrase []byte, args ...string) error {
	argv := []string{"prlimit", "--as=4294967296", "--cpu=3600", "--fsize=" + strconv.FormatInt(f.Size+64<<20, 10), "--", "qemu-img"}
	t := Tool{Argv: append(argv, args...)}
	if f.Lock != nil {
		t.Files = []*os.File{f.Lock}
	}
	t.Stdin = passphrase
	_, err := t.Run(ctx)
	if err != nil && strings.Contains(err.Error(), "accurate CPU usage") { // QEMU times its key derivation, which a busy machine spoils
		return err
	}
	var failed *ToolError
	if errors.As(err, &failed) && failed.Code == 1 && Room(err) == err {
		return converge.Final{Err: fmt.Errorf("the image cannot be converted: %w", err)}
	}
	return err
}
