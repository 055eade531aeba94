package backup_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"stackd/cinder"
	"stackd/cinder/backup"
	"stackd/cinder/raw"
	"stackd/internal/converge"
	"stackd/internal/s3"
	"stackd/internal/s3/s3test"

	"github.com/google/uuid"
)

const (
	mib   = 1 << 20
	chunk = 2 * mib
	disk  = 24*mib + 12345 // the last chunk is shorter
)

// each runs a test over every place for backups; left lists what is in it.
func each(t *testing.T, f func(t *testing.T, b backup.Blobs, left func() []string)) {
	t.Run("folder", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "backups")
		b, err := backup.NewFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		f(t, b, func() (all []string) {
			filepath.WalkDir(dir, func(p string, _ fs.DirEntry, _ error) error { all = append(all, p); return nil })
			return all[1:]
		})
	})
	t.Run("s3", func(t *testing.T) {
		web := s3test.New(t)
		b, err := s3.New(web.Options)
		if err != nil {
			t.Fatal(err)
		}
		f(t, backup.Bucket{Bucket: b}, web.Left)
	})
}

func vault(t *testing.T, b backup.Blobs) *backup.Vault {
	t.Helper()
	v, err := backup.New(b)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// volume is a sparse file.
func volume(t *testing.T) *raw.Disk {
	t.Helper()
	d, err := raw.Open(filepath.Join(t.TempDir(), "volume"), os.O_RDWR|os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.File.Close() })
	if err := d.Grow(disk); err != nil {
		t.Fatal(err)
	}
	return d
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func write(t *testing.T, d *raw.Disk, at int64, b []byte) {
	t.Helper()
	if _, err := d.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func sum(t *testing.T, c cinder.Content) string {
	t.Helper()
	h := sha256.New()
	p := make([]byte, mib+17)
	for at := int64(0); at < c.Size(); at += int64(len(p)) {
		k := min(int64(len(p)), c.Size()-at)
		if _, err := c.ReadAt(p[:k], at); err != nil {
			t.Fatal(err)
		}
		h.Write(p[:k])
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// restored is the sum of a backup that was written over another disk.
func restored(t *testing.T, v *backup.Vault, id string) string {
	t.Helper()
	c, err := v.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	to := volume(t)
	write(t, to, 5*mib, noise(3*mib))
	if err := raw.Overwrite(t.Context(), to, to.Size(), c); err != nil {
		t.Fatal(err)
	}
	if a, b := sum(t, to), sum(t, c); a != b {
		t.Fatal("the disk holds", a, "the backup", b)
	}
	return sum(t, to)
}

func keep(t *testing.T, v *backup.Vault, id, parent string, d *raw.Disk) int64 {
	t.Helper()
	n, err := v.Keep(t.Context(), id, parent, d)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A chain of backups holds what the volume held at each time, and keeps only what differs.
func TestChain(t *testing.T) {
	each(t, func(t *testing.T, b backup.Blobs, left func() []string) {
		v, d := vault(t, b), volume(t)
		write(t, d, 100, noise(3*chunk))                    // 4 chunks
		write(t, d, 8*mib, make([]byte, 3*chunk))           // zeros that are there: none
		write(t, d, disk-5, []byte("tail!"))                // the last one
		write(t, d, 16*mib, bytes.Repeat([]byte{7}, chunk)) // two that are alike: one
		write(t, d, 20*mib, bytes.Repeat([]byte{7}, chunk))
		ids, sums := []string{}, []string{}
		for n, step := range []struct {
			change  func()
			objects int64
		}{
			{func() {}, 4 + 1 + 1 + 1},
			{func() { write(t, d, chunk, []byte("changed")) }, 1 + 1},
			{func() { d.Zero(0, chunk) }, 1},
			{func() { write(t, d, 22*mib, bytes.Repeat([]byte{7}, chunk)) }, 1}, // an ancestor has it
			{func() { d.Grow(disk + 3*chunk); write(t, d, disk+chunk, noise(10)) }, 1 + 1 + 1},
		} {
			step.change()
			parent := ""
			if n > 0 {
				parent = ids[n-1]
			}
			ids, sums = append(ids, uuid.NewString()), append(sums, sum(t, d))
			for range 2 { // again changes nothing
				if got := keep(t, v, ids[n], parent, d); got != step.objects {
					t.Errorf("step %d: %d objects, want %d", n, got, step.objects)
				}
			}
			if ok, err := v.Has(t.Context(), ids[n]); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
		for n, id := range ids[:4] {
			if got := restored(t, vault(t, b), id); got != sums[n] {
				t.Errorf("backup %d holds something else", n)
			}
		}
		for n := len(ids) - 1; n >= 0; n-- {
			for range 2 {
				if err := v.Delete(t.Context(), ids[n]); err != nil {
					t.Fatal(err)
				}
			}
			if ok, err := v.Has(t.Context(), ids[n]); ok || err != nil {
				t.Error(ok, err)
			}
			if n > 0 && n < 4 && restored(t, v, ids[n-1]) != sums[n-1] {
				t.Error("deleting a backup spoils its parent")
			}
		}
		if l := left(); len(l) > 0 {
			t.Error("left over:", l)
		}
	})
}

// mortal is a place whose process ends at the n-th act: before it or after it.
type mortal struct {
	backup.Blobs
	left   atomic.Int64
	after  bool
	writes atomic.Int64
}

var errKilled = errors.New("killed")

func (m *mortal) act(f func() error) error {
	n := m.left.Add(-1)
	if n < 0 && !(n == -1 && m.after) {
		return errKilled
	}
	err := f()
	if n < 0 {
		return errKilled
	}
	return err
}

func (m *mortal) Put(ctx context.Context, name string, b []byte) error {
	return m.act(func() error { m.writes.Add(1); return m.Blobs.Put(ctx, name, b) })
}

func (m *mortal) Delete(ctx context.Context, name string) error {
	return m.act(func() error { return m.Blobs.Delete(ctx, name) })
}

// Wherever keeping or deleting ends, it is not half there; the next try finishes it, and
// writes nothing that is there already.
func TestKilledAnywhere(t *testing.T) {
	each(t, func(t *testing.T, b backup.Blobs, left func() []string) {
		d := volume(t)
		write(t, d, 0, noise(4*chunk))
		want := sum(t, d)
		for n := range int64(10) {
			id := uuid.NewString()
			m := &mortal{Blobs: b, after: n%2 == 1}
			m.left.Store(n / 2)
			_, err := vault(t, m).Keep(t.Context(), id, "", d)
			whole, _ := vault(t, b).Has(t.Context(), id)
			if err == nil || whole != (m.writes.Load() == 5) {
				t.Fatalf("place %d: %v, there: %v after %d writes", n, err, whole, m.writes.Load())
			}
			if n == 4 { // cancelled
				if err := vault(t, b).Delete(t.Context(), id); err != nil || len(left()) > 0 {
					t.Fatal(err, left())
				}
				continue
			}
			m.left.Store(1 << 30)
			keep(t, vault(t, m), id, "", d)
			if m.writes.Load() != 5 {
				t.Errorf("place %d: %d objects were written, not 5", n, m.writes.Load())
			}
			if restored(t, vault(t, b), id) != want {
				t.Errorf("place %d: it holds something else", n)
			}
			m.left.Store(n / 2)
			err = vault(t, m).Delete(t.Context(), id)
			if whole, _ := vault(t, b).Has(t.Context(), id); err == nil || whole && n > 0 {
				t.Errorf("place %d: half deleted: %v, there: %v", n, err, whole)
			}
			m.left.Store(1 << 30)
			if err := vault(t, m).Delete(t.Context(), id); err != nil || len(left()) > 0 {
				t.Fatal(err, left())
			}
		}
	})
}

// What a process left that ended while it wrote a file is found, and not believed.
func TestHalfWritten(t *testing.T) {
	dir := t.TempDir()
	b, err := backup.NewFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	d, id := volume(t), uuid.NewString()
	write(t, d, 0, noise(chunk))
	v := vault(t, b)
	keep(t, v, id, "", d)
	at := filepath.Join(dir, "backup-"+id)
	files, err := filepath.Glob(filepath.Join(at, strings.Repeat("?", 64)))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	for _, left := range []string{"", ".new-1", ".new-2"} { // the machine went down: a chunk is empty
		if err := os.WriteFile(files[0]+left, []byte{}, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(at, "manifest")); err != nil {
		t.Fatal(err)
	}
	keep(t, v, id, "", d)
	if restored(t, v, id) != sum(t, d) {
		t.Error("it holds something else")
	}
	if err := v.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if l, _ := os.ReadDir(dir); len(l) > 0 {
		t.Error("left over:", l)
	}
}

// A backup that was damaged says so, whatever is damaged, and is not restored as if it were whole.
func TestDamage(t *testing.T) {
	each(t, func(t *testing.T, b backup.Blobs, left func() []string) {
		ctx, d, full, next := t.Context(), volume(t), uuid.NewString(), uuid.NewString()
		write(t, d, 0, noise(2*chunk))
		v := vault(t, b)
		keep(t, v, full, "", d)
		write(t, d, chunk, noise(chunk))
		keep(t, v, next, full, d)
		var names []string
		if err := b.List(ctx, "backup-"+full, func(n string) error { names = append(names, n); return nil }); err != nil || len(names) != 3 {
			t.Fatal(names, err)
		}
		for _, name := range names {
			was, err := b.Get(ctx, name, 4*chunk)
			if err != nil {
				t.Fatal(err)
			}
			flipped := bytes.Clone(was)
			flipped[len(was)/2] ^= 1
			for what, spoil := range map[string]func() error{
				"flipped": func() error { return b.Put(ctx, name, flipped) },
				"cut":     func() error { return b.Put(ctx, name, was[:len(was)-1]) },
				"gone":    func() error { return b.Delete(ctx, name) },
			} {
				if err := spoil(); err != nil {
					t.Fatal(err)
				}
				err := read(ctx, v, full)
				if err == nil || !converge.IsFinal(err) || !strings.Contains(err.Error(), full) {
					t.Errorf("%s %s: %v", name, what, err)
				}
			}
			if err := b.Put(ctx, name, was); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(read(ctx, v, full), read(ctx, v, next)); err != nil {
			t.Error(err)
		}
		if err := v.Delete(ctx, full); err != nil {
			t.Fatal(err)
		}
		if err := read(ctx, v, next); !converge.IsFinal(err) {
			t.Error("read without its parent:", err)
		}
		if _, err := v.Keep(ctx, uuid.NewString(), full, d); !converge.IsFinal(err) {
			t.Error("kept without its parent:", err)
		}
		for _, bad := range []string{"", "../x", strings.ToUpper(full)} {
			if err := v.Delete(ctx, bad); err == nil {
				t.Errorf("%q is an id", bad)
			}
		}
	})
}

func read(ctx context.Context, v *backup.Vault, id string) error {
	c, err := v.Open(ctx, id)
	if err != nil {
		return err
	}
	defer c.Close()
	for at := int64(0); at < 3*chunk; at += chunk {
		if _, err := c.ReadAt(make([]byte, 100), at); err != nil {
			return err
		}
	}
	return nil
}

// A service that does not answer for a while is no damage: trying again mends it.
func TestBusyService(t *testing.T) {
	web := s3test.New(t)
	s, err := s3.New(web.Options)
	if err != nil {
		t.Fatal(err)
	}
	v, d, id := vault(t, backup.Bucket{Bucket: s}), volume(t), uuid.NewString()
	write(t, d, 0, noise(chunk))
	web.Refuse(1)
	if _, err := v.Keep(t.Context(), id, "", d); err == nil || converge.IsFinal(err) {
		t.Fatal(err)
	}
	keep(t, v, id, "", d)
	web.Refuse(1)
	if err := read(t.Context(), v, id); err == nil || converge.IsFinal(err) {
		t.Fatal(err)
	}
	if err := read(t.Context(), v, id); err != nil {
		t.Fatal(err)
	}
}
