package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"stackd/cinder"
	"stackd/cinder/raw"
	"stackd/internal/converge"
)

func (f *Files) Manageable(_ context.Context, volume string) ([]cinder.Found, error) {
	dir, prefix := f.dir, "volume-"
	if volume != "" {
		p, err := f.volume(volume)
		if err != nil {
			return nil, err
		}
		dir, prefix = p+".snapshots", "_snapshot-"
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []cinder.Found
	for _, e := range entries {
		if st, err := e.Info(); err == nil && st.Mode().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			all = append(all, cinder.Found{Name: e.Name(), ID: raw.IDOf(prefix, e.Name()), Bytes: st.Size()})
		}
	}
	return all, nil
}

// Adopt takes a file of the folder, whatever is in it, as a raw disk.
func (f *Files) Adopt(ctx context.Context, name, volume string) (int64, error) {
	p, err := f.volume(volume)
	if err != nil {
		return 0, err
	}
	return f.adopt(ctx, name, p)
}

func (f *Files) AdoptSnapshot(ctx context.Context, volume, name, snapshot string) (int64, error) {
	p, err := f.snapshot(volume, snapshot)
	if err != nil {
		return 0, err
	}
	return f.adopt(ctx, name, p)
}

// adopt renames a file of a folder within it; when that was done before, it finds so.
func (f *Files) adopt(ctx context.Context, name, place string) (int64, error) {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return 0, converge.Finalf("%q is no name of a file here: %w", name, cinder.ErrMissing)
	}
	m, err := f.hold(ctx, place)
	if err != nil {
		return 0, err
	}
	defer m.release()
	from := filepath.Join(filepath.Dir(place), name)
	_, done, err := there(place)
	if err == nil && !done {
		err = m.rename(from)
	}
	if err != nil {
		return 0, err
	}
	return round(place)
}

func (m *making) rename(from string) error {
	if _, ok, err := there(from); err != nil || !ok {
		return errors.Join(raw.Missing("file", filepath.Base(from)), err)
	}
	if err := os.Chmod(from, 0o600); err != nil {
		return err
	}
	if err := moveSnapshots(from, m.place); err != nil {
		return err
	}
	if err := os.Rename(from, m.place); err != nil {
		return err
	}
	return raw.SyncDir(filepath.Dir(m.place))
}

// moveSnapshots takes along the snapshots of a volume that was one of ours.
func moveSnapshots(from, to string) error {
	err := os.Rename(from+".snapshots", to+".snapshots")
	if errors.Is(err, fs.ErrNotExist) || from == to {
		return nil
	}
	return err
}

// round makes a file's length whole GiB.
func round(path string) (int64, error) {
	d, err := raw.Open(path, os.O_RDWR)
	if err != nil {
		return 0, err
	}
	size := max(1, (d.Size()+cinder.GiB-1)/cinder.GiB)
	return size, errors.Join(d.Grow(size*cinder.GiB), d.Close())
}
