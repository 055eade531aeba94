package disk

import (
	"cmp"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"stackd/agent"
	"stackd/agent/wish"
	"stackd/internal/converge"
	"stackd/internal/fault"
	"stackd/internal/inspect"
)

// A Store is the directories of one node. It implements agent.Disks.
type Store struct {
	Images    string // the cache
	Instances string // a directory per server
	Log       *slog.Logger
	// Stall is how long a transfer may stand still before it is given up; 0 is a minute.
	Stall time.Duration

	fetches singleflight.Group
}

var _ agent.Disks = (*Store)(nil)

// kept are the formats that guests run on as they came; others are turned into
// qcow2 once, with the name QEMU has for them.
var (
	kept      = map[string]string{"qcow2": "qcow2", "raw": "raw", "iso": "raw", "ami": "raw", "aki": "raw", "ari": "raw"}
	converted = map[string]string{"vmdk": "vmdk", "vdi": "vdi", "vhd": "vpc", "vhdx": "vhdx"}
)

// baseFormat is the format of a cached image.
func baseFormat(i wish.Image) string {
	if f := kept[i.Format]; f != "" {
		return f
	}
	return "qcow2"
}

func (s *Store) imagePath(i wish.Image) string { return filepath.Join(s.Images, filepath.Base(i.ID)) }

// HasImage reports whether the image is in the cache, whole and checked.
func (s *Store) HasImage(i wish.Image) bool {
	_, err := os.Stat(s.imagePath(i))
	return err == nil
}

// FetchImage brings the image into the cache. One transfer serves all who ask
// for it at the same time, and goes on when the one who asked first gives up.
func (s *Store) FetchImage(ctx context.Context, i wish.Image, open func(context.Context) (io.ReadCloser, error)) error {
	if kept[i.Format] == "" && converted[i.Format] == "" {
		return converge.Finalf("images of the format %q do not boot here", i.Format)
	}
	done := s.fetches.DoChan(i.ID, func() (any, error) {
		if s.HasImage(i) {
			return nil, nil
		}
		return nil, s.fetch(context.WithoutCancel(ctx), i, open)
	})
	select {
	case r := <-done:
		return r.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) fetch(ctx context.Context, i wish.Image, open func(context.Context) (io.ReadCloser, error)) error {
	from, err := openLive(ctx, cmp.Or(s.Stall, time.Minute), open)
	if fault.Is(err, fault.NotFound) {
		return converge.Finalf("image %s is gone", i.ID)
	}
	if err != nil {
		return fmt.Errorf("image %s: %w", i.ID, err)
	}
	defer from.Close()
	tmp, err := os.CreateTemp(s.Images, ".fetch-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	if err := download(tmp, from, i); err != nil {
		return err
	}
	if f := converted[i.Format]; f != "" {
		return s.convert(ctx, tmp.Name(), f, i)
	}
	return s.keep(tmp.Name(), i)
}

// download writes the bytes to disk and checks that they are the image.
func download(to *os.File, from io.Reader, i wish.Image) error {
	sum, insp := sha512.New(), inspect.New(i.Format)
	n, err := io.Copy(io.MultiWriter(to, sum, insp), from)
	if inspect.IsRefused(err) {
		return converge.Finalf("image %s: %w", i.ID, err)
	}
	if err != nil {
		return fmt.Errorf("image %s: %w", i.ID, err)
	}
	if i.Size > 0 && n < i.Size {
		return fmt.Errorf("image %s: the transfer ended after %d of %d bytes", i.ID, n, i.Size)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); i.SHA512 != "" && !strings.EqualFold(got, i.SHA512) {
		return converge.Finalf("image %s is corrupt: its sha512 is %s, not %s", i.ID, got, i.SHA512)
	}
	if _, err := insp.Result(); err != nil {
		return converge.Finalf("image %s: %w", i.ID, err)
	}
	return to.Sync()
}

func (s *Store) convert(ctx context.Context, file, format string, i wish.Image) error {
	out := file + ".qcow2"
	defer os.Remove(out)
	if err := run(ctx, "qemu-img", "convert", "-f", format, "-O", "qcow2", file, out); err != nil {
		return fmt.Errorf("image %s: %w", i.ID, err)
	}
	return s.keep(out, i)
}

// keep puts a checked file into its place. From then on nobody writes to it.
func (s *Store) keep(file string, i wish.Image) error {
	if err := os.Chmod(file, 0o444); err != nil {
		return err
	}
	if err := os.Rename(file, s.imagePath(i)); err != nil {
		return err
	}
	return syncDir(s.Images)
}

// imageSize is the size of the disk that a cached image is.
func (s *Store) imageSize(i wish.Image) (int64, error) {
	f, err := os.Open(s.imagePath(i))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if baseFormat(i) == "raw" {
		return st.Size(), nil
	}
	r, err := inspect.File(f, st.Size(), "qcow2")
	return r.VirtualSize, err
}

// use keeps the sweep from dropping the image for a while.
func (s *Store) use(i wish.Image) error {
	now := time.Now()
	return os.Chtimes(s.imagePath(i), now, now)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// run runs a tool to its end; the error holds what it said.
func run(ctx context.Context, argv ...string) error {
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err == nil {
		return nil
	}
	if said := strings.TrimSpace(string(out)); said != "" {
		err = errors.New(said)
	}
	return fmt.Errorf("%s: %w", argv[0], err)
}
