package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"stackd/cinder"
	"stackd/cinder/raw"
)

func (f *Files) HasSnapshot(_ context.Context, volume, snapshot string) (bool, error) {
	p, err := f.snapshot(volume, snapshot)
	if err != nil {
		return false, err
	}
	_, ok, err := there(p)
	return ok, err
}

func (f *Files) CreateSnapshot(ctx context.Context, volume, snapshot string) error {
	p, err := f.snapshot(volume, snapshot)
	if err != nil {
		return err
	}
	return f.make(ctx, p, 0, func(_ *making, d *raw.Disk) error {
		size, err := f.size(volume)
		if err == nil {
			err = d.Grow(size)
		}
		if err != nil {
			return err
		}
		return f.copy(ctx, d, volume, "")
	})
}

func (f *Files) size(volume string) (int64, error) {
	p, err := f.volume(volume)
	if err != nil {
		return 0, err
	}
	n, ok, err := there(p)
	if err == nil && !ok {
		err = raw.Missing("volume", volume)
	}
	return n, err
}

func (f *Files) DeleteSnapshot(ctx context.Context, volume, snapshot string) error {
	p, err := f.snapshot(volume, snapshot)
	if err != nil {
		return err
	}
	m, err := f.hold(ctx, p)
	if err != nil {
		return err
	}
	defer m.release()
	if err := raw.Gone(p); err != nil && !errors.Is(err, syscall.ENOTDIR) {
		return err
	}
	err = os.Remove(filepath.Dir(p)) // with the last one
	if err != nil && !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return raw.SyncDir(f.dir)
}

func (f *Files) Revert(ctx context.Context, volume, snapshot string) error {
	p, err := f.volume(volume)
	if _, bad := f.snapshot(volume, snapshot); bad != nil {
		err = bad
	}
	if err != nil {
		return err
	}
	m, err := f.hold(ctx, p)
	if err != nil {
		return err
	}
	defer m.release()
	size, err := f.size(volume)
	if err != nil {
		return err
	}
	return m.replace(size, func(_ *making, d *raw.Disk) error { return f.copy(ctx, d, volume, snapshot) })
}

// BeginSnapshot makes the file that the node copies a running guest's disk to.
func (f *Files) BeginSnapshot(ctx context.Context, volume, snapshot string) (string, map[string]string, error) {
	p, err := f.snapshot(volume, snapshot)
	if err != nil {
		return "", nil, err
	}
	m, err := f.hold(ctx, p)
	if err != nil {
		return "", nil, err
	}
	defer m.release()
	size, err := f.size(volume)
	if err != nil {
		return "", nil, err
	}
	d, err := raw.Open(m.part, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err == nil {
		err = errors.Join(d.Grow(size), d.Close())
	}
	return "file", map[string]string{"path": m.part, "format": "raw"}, raw.Room(err)
}

// FinishSnapshot gives what the node copied its place.
func (f *Files) FinishSnapshot(ctx context.Context, volume, snapshot string) error {
	p, err := f.snapshot(volume, snapshot)
	if err != nil {
		return err
	}
	lock, err := raw.Take(ctx, filepath.Join(f.dir, ".lock"), filepath.Base(p))
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, ok, err := there(p); ok || err != nil {
		return err
	}
	m := &making{f, p, filepath.Join(f.dir, ".new-"+filepath.Base(p)), lock}
	d, err := raw.Open(m.part, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		return raw.Missing("copy of volume", volume)
	}
	if err == nil {
		err = d.Close()
	}
	if err == nil {
		err = m.settle()
	}
	return err
}

var _ cinder.NodeCopied = (*Files)(nil)
