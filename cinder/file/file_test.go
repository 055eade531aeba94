package file_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"stackd/cinder"
	"stackd/cinder/backendtest"
	"stackd/cinder/file"
	"stackd/cinder/raw"
)

func open(dir string) (cinder.Backend, error) { return file.New(dir) }

func TestMain(m *testing.M) {
	backendtest.Child(open)
	os.Exit(m.Run())
}

func TestContract(t *testing.T) {
	dir := t.TempDir()
	b, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	backendtest.Run(t, backendtest.Rig{
		Backend: b, Spec: dir, Full: small(t),
		Litter:  func() []string { return litter(dir) },
		Foreign: func(name string, content []byte) error { return foreign(dir, name, content) },
		Reach:   reach,
	})
}

// litter is every name that is neither a volume, nor the lock, nor foreign.
func litter(dir string) (left []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.Name() != ".lock" && !strings.HasPrefix(e.Name(), "foreign-") {
			left = append(left, e.Name())
		}
	}
	return left
}

func foreign(dir, name string, content []byte) error {
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Truncate(1<<30+512), f.Close())
}

func reach(kind string, source map[string]string, n int) ([]byte, error) {
	f, err := os.Open(source["path"])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p := make([]byte, n)
	_, err = f.ReadAt(p, 0)
	return p, err
}

// small is a backend with 48 MiB of room: a memory file system, which root alone can mount.
func small(t *testing.T) cinder.Backend {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=48m"); err != nil {
		t.Logf("no small file system can be mounted here: %v", err)
		return nil
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	b, err := file.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Links and other things that are no files are neither listed nor adopted.
func TestOnlyFilesAreDisks(t *testing.T) {
	dir := t.TempDir()
	b, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	v := uuid.NewString()
	for name, do := range map[string]func(string) error{
		"link":   func(p string) error { return os.Symlink("/etc/passwd", p) },
		"folder": func(p string) error { return os.Mkdir(p, 0o700) },
		"pipe":   func(p string) error { return syscall.Mkfifo(p, 0o600) },
	} {
		if err := do(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Adopt(t.Context(), name, v); err == nil {
			t.Errorf("a %s was adopted", name)
		}
	}
	found, err := b.Manageable(t.Context(), "")
	if err != nil || len(found) > 0 {
		t.Errorf("%v %v", found, err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "volume-"+v)); err != nil {
		t.Fatal(err)
	}
	if c, err := b.Open(t.Context(), v, ""); err == nil {
		c.Close()
		t.Error("a link was opened")
	}
}

// A tool that outlives the process that took a lock holds it on.
func TestLocksOutliveTheProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	l, err := raw.Take(t.Context(), path, "a")
	if err != nil {
		t.Fatal(err)
	}
	tool := exec.Command("sleep", "0.4")
	tool.ExtraFiles = []*os.File{l.File}
	if err := tool.Start(); err != nil {
		t.Fatal(err)
	}
	defer tool.Wait()
	l.Close()
	other, err := raw.Take(t.Context(), path, "b") // another name is free
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := raw.Take(soon, path, "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the lock was free while the tool still ran: %v", err)
	}
	again, err := raw.Take(t.Context(), path, "a")
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}
