// Package file keeps images' bytes in files of one folder: FOLDER/ab/abcd…, named
// by the image's id. It is a store, the staging area, and the cache of a host. A file is written under FOLDER/tmp, synced and renamed, so it
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

// Path is where a name's file is, in a folder that is there.
func (f *Files) Path(name string) string {
	p := f.path(name)
	os.MkdirAll(filepath.Dir(p), 0o700) // whoever uses the path sees that it failed
	return p
}

func (f *Files) path(id string) string { return filepath.Join(f.dir, (id + "--")[:2], id) }

// URL is as glance's file store has it.
func (f *Files) URL(name string) string { return "file://" + f.path(name) }

func (f *Files) Create(_ context.Context, id string, _ int64) (glance.Writer, error) {
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

// Delete also removes what writers of that name that died have left.
func (f *Files) Delete(_ context.Context, id string) error {
	left, err := filepath.Glob(filepath.Join(f.dir, "tmp", id+".*"))
	for _, p := range append(left, f.path(id)+Part, f.path(id)) {
		if e := os.Remove(p); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// Part is what a file's name ends with while a tool writes it.
const Part = ".part"

// ours tells whether a file is where only Files puts them.
func ours(p string) bool {
	dir := filepath.Base(filepath.Dir(p))
	return dir == "tmp" || strings.HasPrefix(filepath.Base(p)+"--", dir)
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
