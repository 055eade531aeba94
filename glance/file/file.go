// Package file keeps images' bytes in files of one folder: FOLDER/ab/abcd…, named
// by the image's id. A file is written under FOLDER/tmp, synced and renamed, so it
// is there whole or not at all.
package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"stackd/glance"
)

// Files is a glance.Backend.
type Files struct {
	dir  string
	open sync.Map // the paths under tmp that this process is writing
}

var _ glance.Backend = (*Files)(nil)

// New makes the folder if it is missing.
func New(dir string) (*Files, error) {
	return &Files{dir: dir}, os.MkdirAll(filepath.Join(dir, "tmp"), 0o700)
}

func (f *Files) path(id string) string { return filepath.Join(f.dir, id[:2], id) }

func (f *Files) Create(_ context.Context, id string) (glance.Writer, error) {
	t, err := os.CreateTemp(filepath.Join(f.dir, "tmp"), id+".*")
	if err != nil {
		return nil, err
	}
	f.open.Store(t.Name(), true)
	return &writer{t, f, f.path(id)}, nil
}

type writer struct {
	*os.File
	files *Files
	to    string
}

// Commit makes the bytes the image's, also after a power cut.
func (w *writer) Commit() error {
	if err := w.Sync(); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(w.to), 0o700); err != nil {
		return err
	}
	if err := os.Rename(w.Name(), w.to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(w.to))
}

// Abort removes what was written; after Commit there is nothing to remove.
func (w *writer) Abort() {
	w.Close()
	os.Remove(w.Name())
	w.files.open.Delete(w.Name())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (f *Files) Open(_ context.Context, id string) (io.ReadSeekCloser, int64, error) {
	r, err := os.Open(f.path(id))
	if err != nil {
		return nil, 0, err
	}
	s, err := r.Stat()
	if err != nil {
		r.Close()
		return nil, 0, err
	}
	return r, s.Size(), nil
}

func (f *Files) Delete(_ context.Context, id string) error {
	err := os.Remove(f.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// ours tells whether a file is where only Files puts them.
func ours(p string) bool {
	dir := filepath.Base(filepath.Dir(p))
	return dir == "tmp" || strings.HasPrefix(filepath.Base(p), dir)
}

// Sweep goes by files' times, which lag behind the clock by a tick of the kernel: what
// this process is writing is kept whatever its time.
func (f *Files) Sweep(_ context.Context, ids []string, before time.Time) error {
	files, err := filepath.Glob(filepath.Join(f.dir, "*", "*"))
	if err != nil {
		return err
	}
	slices.Sort(ids)
	for _, p := range files {
		_, known := slices.BinarySearch(ids, filepath.Base(p))
		s, err := os.Stat(p)
		_, written := f.open.Load(p)
		if err != nil || known || written || !ours(p) || !s.ModTime().Before(before) {
			continue
		}
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
