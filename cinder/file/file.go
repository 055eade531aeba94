package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"stackd/cinder"
	"stackd/internal/converge"
	"stackd/internal/inspect"
)

// Files is a cinder.Backend in a folder.
type Files struct{ dir string }

var _ cinder.Backend = (*Files)(nil)

// New is a backend in dir, which is made when missing, for its owner alone.
func New(dir string) (*Files, error) {
	return &Files{dir}, os.MkdirAll(dir, 0o711)
}

const gib = 1 << 30

var name = regexp.MustCompile(`^[0-9a-f-]{32,36}$`)

// path is a volume's or snapshot's file. Ids are our own, and still are looked at.
func (f *Files) path(kind, id string) (string, error) {
	if !name.MatchString(id) {
		return "", fmt.Errorf("%q is no id of a %s", id, kind)
	}
	return filepath.Join(f.dir, kind+"-"+id), nil
}

// Protocol is file.
func (f *Files) Protocol() string { return "file" }

// Capacity is that of the file system, in GiB.
func (f *Files) Capacity(context.Context) (total, free float64, err error) {
	var st syscall.Statfs_t
	err = syscall.Statfs(f.dir, &st)
	unit := float64(st.Bsize) / gib
	return float64(st.Blocks) * unit, float64(st.Bavail) * unit, err
}

func (f *Files) Has(_ context.Context, volume string) (int64, bool, error) {
	p, err := f.path("volume", volume)
	if err != nil {
		return 0, false, err
	}
	st, err := os.Stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	return st.Size() / gib, true, nil
}

func (f *Files) Create(ctx context.Context, volume string, size int64, from cinder.Source) error {
	p, err := f.path("volume", volume)
	if err != nil {
		return err
	}
	part := p + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	switch {
	case from.SnapshotID != "":
		err = f.clone(ctx, "snapshot", from.SnapshotID, part)
	case from.VolumeID != "":
		err = f.clone(ctx, "volume", from.VolumeID, part)
	case from.Image != nil:
		err = f.fill(ctx, part, size, from)
	}
	if err == nil {
		err = settle(part, p, size)
	}
	if err != nil {
		os.Remove(part)
	}
	return room(err)
}

// room makes a full disk a final fault: trying again is of no use.
func room(err error) error {
	if errors.Is(err, syscall.ENOSPC) || err != nil && strings.Contains(err.Error(), "No space left on device") {
		return converge.Final{Err: fmt.Errorf("the storage is full: %w", err)}
	}
	return err
}

// settle grows the file to its size, sees that it is on the disk, and gives it its name.
func settle(part, to string, size int64) error {
	file, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	st, err := file.Stat()
	if err == nil && st.Size() < size*gib {
		err = file.Truncate(size * gib)
	}
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(part, to)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (f *Files) clone(ctx context.Context, kind, id, to string) error {
	from, err := f.path(kind, id)
	if err != nil {
		return err
	}
	return run(ctx, "cp", "--reflink=auto", "--sparse=always", "--", from, to)
}

// fill writes an image into the file. A format that is not raw is inspected before
// any tool sees it, and converted.
func (f *Files) fill(ctx context.Context, part string, size int64, from cinder.Source) error {
	format := from.Format
	download := part
	if format != "raw" {
		download = part + ".image"
		defer os.Remove(download)
	}
	virtual, err := fetch(ctx, download, format, from.Image)
	if err != nil {
		return err
	}
	if virtual > size*gib {
		return converge.Final{Err: fmt.Errorf("the image is %d bytes, the volume %d GiB", virtual, size)}
	}
	if format == "raw" {
		return nil
	}
	return run(ctx, "qemu-img", "convert", "-f", format, "-O", "raw", "-S", "4k", download, part)
}

// fetch writes an image down, leaving holes for zeros, and looks at what it is.
func fetch(ctx context.Context, to, format string, body io.Reader) (virtual int64, err error) {
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	look := inspect.New(format)
	sparse := &sparse{file: file}
	if _, err := io.CopyBuffer(io.MultiWriter(look, sparse), reader{ctx, body}, make([]byte, 1<<20)); err != nil {
		return 0, err
	}
	if err := file.Truncate(sparse.at); err != nil {
		return 0, err
	}
	r, err := look.Result()
	if err != nil {
		return 0, converge.Final{Err: err}
	}
	return max(r.VirtualSize, sparse.at), nil
}

// A reader ends with its context.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// sparse writes what is not zero.
type sparse struct {
	file *os.File
	at   int64
}

func (s *sparse) Write(p []byte) (int, error) {
	const block = 64 << 10
	for off := 0; off < len(p); off += block {
		part := p[off:min(off+block, len(p))]
		if zero(part) {
			continue
		}
		if _, err := s.file.WriteAt(part, s.at+int64(off)); err != nil {
			return 0, err
		}
	}
	s.at += int64(len(p))
	return len(p), nil
}

func zero(p []byte) bool {
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}

func (f *Files) Extend(ctx context.Context, volume string, size int64) error {
	p, err := f.path("volume", volume)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(p, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Truncate(size * gib); err != nil {
		return room(err)
	}
	return file.Sync()
}

func (f *Files) Delete(_ context.Context, volume string) error { return f.drop("volume", volume) }

func (f *Files) drop(kind, id string) error {
	p, err := f.path(kind, id)
	if err != nil {
		return err
	}
	for _, name := range []string{p + ".part.image", p + ".part", p} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return syncDir(f.dir)
}

func (f *Files) HasSnapshot(_ context.Context, _, snapshot string) (bool, error) {
	p, err := f.path("snapshot", snapshot)
	if err != nil {
		return false, err
	}
	_, err = os.Stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (f *Files) CreateSnapshot(ctx context.Context, volume, snapshot string) error {
	p, err := f.path("snapshot", snapshot)
	if err != nil {
		return err
	}
	part := p + ".part"
	err = f.clone(ctx, "volume", volume, part)
	if err == nil {
		err = settle(part, p, 0)
	}
	if err != nil {
		os.Remove(part)
	}
	return room(err)
}

func (f *Files) DeleteSnapshot(_ context.Context, _, snapshot string) error {
	return f.drop("snapshot", snapshot)
}

func (f *Files) Connection(_ context.Context, volume string) (string, map[string]string, error) {
	p, err := f.path("volume", volume)
	return "file", map[string]string{"path": p, "format": "raw"}, err
}

func (f *Files) Read(_ context.Context, volume string) (io.ReadCloser, int64, error) {
	p, err := f.path("volume", volume)
	if err != nil {
		return nil, 0, err
	}
	file, err := os.Open(p)
	if err != nil {
		return nil, 0, err
	}
	st, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, st.Size(), nil
}

// run runs a tool; its own words are the error.
func run(ctx context.Context, tool string, args ...string) error {
	out, err := exec.CommandContext(ctx, tool, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", tool, err, strings.TrimSpace(string(out)))
	}
	return nil
}
