package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"stackd/cinder"
	"stackd/cinder/raw"
	"stackd/internal/converge"
)

// Files is a cinder.Backend in a folder.
type Files struct {
	dir    string
	clones bool // the file system shares blocks between files
}

var (
	_ cinder.Backend    = (*Files)(nil)
	_ cinder.NodeCopied = (*Files)(nil)
)

// New is a backend in dir, which is made when missing: others may pass it to a file
// that is theirs (QEMU's own user), but not look around.
func New(dir string) (*Files, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, err
	}
	f := &Files{dir: dir}
	f.clones, err = f.probe()
	return f, err
}

// probe tries whether two files can share a block.
func (f *Files) probe() (bool, error) {
	a, err := os.CreateTemp(f.dir, ".probe-*")
	if err != nil {
		return false, err
	}
	defer os.Remove(a.Name())
	defer a.Close()
	if _, err := a.Write(make([]byte, 64<<10)); err != nil {
		return false, err
	}
	b, err := os.CreateTemp(f.dir, ".probe-*")
	if err != nil {
		return false, err
	}
	defer os.Remove(b.Name())
	defer b.Close()
	return raw.Clone(&raw.Disk{File: b}, &raw.Disk{File: a}), nil
}

// Features of files; what shares blocks takes instants.
func (f *Files) Features() cinder.Features {
	return cinder.Features{Protocol: "file", Vendor: "stackd", Thin: true, Multiattach: true, ExtendInUse: true, SnapshotInUse: f.clones, FastClone: f.clones}
}

// Capacity is that of the file system, in GiB.
func (f *Files) Capacity(context.Context) (total, free float64, err error) {
	var st syscall.Statfs_t
	err = syscall.Statfs(f.dir, &st)
	unit := float64(st.Bsize) / cinder.GiB
	return float64(st.Blocks) * unit, float64(st.Bavail) * unit, err
}

// volume is a volume's file.
func (f *Files) volume(id string) (string, error) {
	name, err := raw.Named("volume", "volume-", id)
	return filepath.Join(f.dir, name), err
}

func (f *Files) snapshot(volume, id string) (string, error) {
	v, err := f.volume(volume)
	if err != nil {
		return "", err
	}
	name, err := raw.Named("snapshot", "_snapshot-", id)
	return filepath.Join(v+".snapshots", name), err
}

// place is the file of a snapshot when one is named, else of the volume.
func (f *Files) place(volume, snapshot string) (string, error) {
	if snapshot != "" {
		return f.snapshot(volume, snapshot)
	}
	return f.volume(volume)
}

// there tells whether a file is in its place, and its length.
func there(path string) (int64, bool, error) {
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", path)
	}
	if err != nil {
		return 0, false, err
	}
	return st.Size(), true, nil
}

func (f *Files) Has(_ context.Context, volume string) (int64, bool, error) {
	p, err := f.volume(volume)
	if err != nil {
		return 0, false, err
	}
	n, ok, err := there(p)
	return n / cinder.GiB, ok, err
}

// making is a file under its first name, to be filled and put in its place. No one
// else makes or takes away the same while it is held.
type making struct {
	f     *Files
	place string
	part  string
	lock  *raw.Lock
}

// hold takes what is made at a place, and clears what one who was cut off left.
func (f *Files) hold(ctx context.Context, place string) (*making, error) {
	base := filepath.Base(place)
	lock, err := raw.Take(ctx, filepath.Join(f.dir, ".lock"), base)
	if err != nil {
		return nil, err
	}
	m := &making{f, place, filepath.Join(f.dir, ".new-"+base), lock}
	return m, m.clear()
}

// clear removes the first name and all that stands beside it.
func (m *making) clear() error {
	return raw.Gone(m.part, m.part+".image", m.part+".raw", m.part+".plain", m.part+".luks")
}

func (m *making) release() { m.lock.Close() }

// make fills a new file and puts it in its place, unless something is there.
func (f *Files) make(ctx context.Context, place string, size int64, fill func(*making, *raw.Disk) error) error {
	m, err := f.hold(ctx, place)
	if err != nil {
		return err
	}
	defer m.release()
	if _, ok, err := there(place); ok || err != nil {
		return err
	}
	return m.replace(size, fill)
}

// replace fills a new file and puts it in its place, whatever was there.
func (m *making) replace(size int64, fill func(*making, *raw.Disk) error) error {
	d, err := raw.Open(m.part, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return raw.Room(err)
	}
	if err = d.Grow(size); err == nil {
		err = fill(m, d)
	}
	if err = errors.Join(err, d.Close()); err == nil {
		err = m.settle()
	}
	if err != nil {
		err = errors.Join(err, m.clear())
	}
	return raw.Room(err)
}

// settle gives what is whole and on the disk its name.
func (m *making) settle() error {
	dir := filepath.Dir(m.place)
	if dir != m.f.dir {
		if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err := os.Rename(m.part, m.place); err != nil {
		return err
	}
	return errors.Join(raw.SyncDir(dir), raw.SyncDir(m.f.dir))
}

func (f *Files) Create(ctx context.Context, volume string, size int64, from cinder.Source) error {
	p, err := f.volume(volume)
	if err != nil {
		return err
	}
	return f.make(ctx, p, size*cinder.GiB, func(m *making, d *raw.Disk) error {
		if from.VolumeID != "" {
			return f.copy(ctx, d, from.VolumeID, from.SnapshotID)
		}
		return raw.Fill{To: d, Path: m.part, Size: size * cinder.GiB, Scratch: m.part, Lock: m.lock.File}.From(ctx, from)
	})
}

// copy makes a file hold what another does, and zeros after that.
func (f *Files) copy(ctx context.Context, to *raw.Disk, volume, snapshot string) error {
	from, err := f.open(volume, snapshot)
	if err != nil {
		return err
	}
	defer from.Close()
	size := to.Size()
	if from.Size() > size {
		return converge.Finalf("the original has %d bytes, the copy %d", from.Size(), size)
	}
	if f.clones && raw.Clone(to, from) { // the clone is as long as what it is of
		return to.Truncate(size)
	}
	return raw.Copy(ctx, to, from)
}

func (f *Files) open(volume, snapshot string) (*raw.Disk, error) {
	p, err := f.place(volume, snapshot)
	if err != nil {
		return nil, err
	}
	d, err := raw.Open(p, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, raw.Missing("file", filepath.Base(p))
	}
	return d, err
}

func (f *Files) Extend(_ context.Context, volume string, size int64) error {
	d, err := f.edit(volume)
	if err != nil {
		return err
	}
	return raw.Room(errors.Join(d.Grow(size*cinder.GiB), d.Close()))
}

func (f *Files) edit(volume string) (*raw.Disk, error) {
	p, err := f.volume(volume)
	if err != nil {
		return nil, err
	}
	d, err := raw.Open(p, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, raw.Missing("volume", volume)
	}
	return d, err
}

func (f *Files) Delete(ctx context.Context, volume string) error {
	p, err := f.volume(volume)
	if err != nil {
		return err
	}
	m, err := f.hold(ctx, p)
	if err != nil {
		return err
	}
	defer m.release()
	err = os.Remove(p + ".snapshots")
	if errors.Is(err, syscall.ENOTEMPTY) {
		return converge.Final{Err: cinder.ErrHasSnapshots}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.Join(raw.Gone(p), raw.SyncDir(f.dir))
}

func (f *Files) Open(_ context.Context, volume, snapshot string) (cinder.Content, error) {
	d, err := f.open(volume, snapshot)
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (f *Files) Edit(_ context.Context, volume string) (cinder.Target, error) {
	d, err := f.edit(volume)
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (f *Files) Connect(_ context.Context, volume, _ string) (string, map[string]string, error) {
	p, err := f.volume(volume)
	if err != nil {
		return "", nil, err
	}
	if _, ok, err := there(p); err != nil || !ok {
		return "", nil, errors.Join(err, raw.Missing("volume", volume))
	}
	return "file", map[string]string{"path": p, "format": "raw"}, nil
}

// Disconnect has nothing to take away.
func (f *Files) Disconnect(_ context.Context, volume, _ string) error {
	_, err := f.volume(volume)
	return err
}
