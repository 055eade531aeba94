package file

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"stackd/glance/backendtest"
)

// What is being written stays, however old its file seems; what nobody writes goes.
func TestSweepLeavesWhatIsBeingWritten(t *testing.T) {
	f, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w, err := f.Create(t.Context(), "abcd", -1)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	left := f.dir + "/tmp/left.1"
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Sweep(t.Context(), nil, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("what an upload left behind is still there")
	}
	if err := w.Commit(); err != nil {
		t.Error("what was being written was swept away:", err)
	}
}

// Deleting takes what a dead writer and a dead tool have left, too.
func TestDeleteLeavesNothing(t *testing.T) {
	f, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Create(t.Context(), "abcd", -1); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{f.Path("abcd"), f.Path("abcd") + Part} {
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Delete(t.Context(), "abcd"); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(f.dir + "/*/*"); len(left) > 0 {
		t.Error(left)
	}
}

func TestContract(t *testing.T) {
	f, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	backendtest.Contract(t, f, 0, 1, 1_000_000)
}
