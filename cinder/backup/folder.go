package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"stackd/cinder/raw"
)

// A Folder is Blobs in a folder: an object is a file.
type Folder struct{ dir string }

var _ Blobs = (*Folder)(nil)

// NewFolder makes the folder when it is missing; nobody else may look into it.
func NewFolder(dir string) (*Folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{dir}, os.MkdirAll(dir, 0o700)
}

// unfinished is between a file's name and what makes it the writer's own.
const unfinished = ".new-"

func (f *Folder) place(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// Put writes a file under a name of its own first, and gives it its place once it is on
// the disk.
func (f *Folder) Put(_ context.Context, name string, body []byte) error {
	at := f.place(name)
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		return raw.Room(err)
	}
	t, err := os.CreateTemp(filepath.Dir(at), filepath.Base(at)+unfinished)
	if err != nil {
		return raw.Room(err)
	}
	_, err = t.Write(body)
	if err = errors.Join(err, t.Sync(), t.Close()); err == nil {
		err = os.Rename(t.Name(), at)
	}
	if err != nil {
		return errors.Join(raw.Room(err), os.Remove(t.Name()))
	}
	return errors.Join(raw.SyncDir(filepath.Dir(at)), raw.SyncDir(f.dir))
}

// Get reads a file.
func (f *Folder) Get(_ context.Context, name string, most int64) ([]byte, error) {
	st, err := os.Lstat(f.place(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrMissing
	case err == nil && (!st.Mode().IsRegular() || st.Size() > most):
		err = fmt.Errorf("%s is no file of at most %d bytes", name, most)
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(f.place(name))
}

// List walks the folder that the prefix is in.
func (f *Folder) List(ctx context.Context, prefix string, each func(name string) error) error {
	return filepath.WalkDir(filepath.Dir(f.place(prefix+"x")), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(f.dir, path)
		if err != nil {
			return err
		}
		name, _, _ = strings.Cut(filepath.ToSlash(name), unfinished)
		if !strings.HasPrefix(name, prefix) {
			return nil
		}
		return each(name)
	})
}

// Delete takes a file away, what was begun under its name, and its folder with the last.
func (f *Folder) Delete(_ context.Context, name string) error {
	at := f.place(name)
	begun, err := filepath.Glob(at + unfinished + "*")
	if err != nil {
		return err
	}
	if err := raw.Gone(append(begun, at)...); err != nil {
		return err
	}
	if dir := filepath.Dir(at); dir != f.dir {
		os.Remove(dir) // stays while something is in it
	}
	return raw.SyncDir(f.dir)
}
