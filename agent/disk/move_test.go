package disk

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"stackd/agent/wish"
	"stackd/internal/converge"
)

// written writes a pattern into a disk that is off, and reads it again.
func written(t *testing.T, format, path, pattern string, write bool) {
	t.Helper()
	verb := "read -P " + pattern + " 4096 8192"
	if write {
		verb = "write -P " + pattern + " 4096 8192"
	}
	if out, err := exec.Command("qemu-io", "-f", format, "-c", verb, path).CombinedOutput(); err != nil || strings.Contains(string(out), "verification failed") {
		t.Fatalf("%s of %s: %v %s", verb, path, err, out)
	}
}

func pathOf(t *testing.T, s *Store, v wish.Server, role string) string {
	t.Helper()
	for _, f := range s.Files(v) {
		if f.Role == role {
			return f.Path
		}
	}
	t.Fatalf("no %s disk", role)
	return ""
}

// built is a server with a root disk over an image, and an ephemeral one, both written to.
func built(t *testing.T, s *Store) wish.Server {
	t.Helper()
	i, data := image(t, "qcow2", "8")
	var calls atomic.Int32
	v := wish.Server{ID: serverID, Image: &i, RootGB: 1, EphemeralGB: 1, SwapMB: 16}
	if err := errors.Join(s.FetchImage(t.Context(), i, opener(data, &calls)), s.Make(t.Context(), v)); err != nil {
		t.Fatal(err)
	}
	written(t, "qcow2", pathOf(t, s, v, "root"), "7", true)
	written(t, "raw", pathOf(t, s, v, "ephemeral"), "9", true)
	return v
}

// names are the files of the server, links aside.
func names(t *testing.T, s *Store) []string {
	t.Helper()
	all, err := os.ReadDir(s.dir(serverID))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range all {
		if e.Type().IsRegular() {
			out = append(out, e.Name())
		}
	}
	return out
}

// Disks that move to another host hold what they held, need no image there, and are as
// large as the new flavor; swap is made anew.
func TestDisksMoveToAnotherHost(t *testing.T) {
	a, b := store(t), store(t)
	v := built(t, a)
	kept := v
	v.DisksOf, v.From, v.RootGB, v.EphemeralGB, v.SwapMB = 3, &wish.Where{Host: "a"}, 2, 2, 32
	open := func(ctx context.Context, role string) (io.ReadCloser, error) { return a.Send(ctx, kept, role) }
	for range 2 { // and is not touched again
		if err := b.Bring(t.Context(), v, open); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := b.Made(v); !ok || err != nil {
		t.Fatal(ok, err)
	}
	written(t, "qcow2", pathOf(t, b, v, "root"), "7", false)
	written(t, "raw", pathOf(t, b, v, "ephemeral"), "9", false)
	for role, format := range map[string]string{"root": "qcow2", "ephemeral": "raw"} {
		if n, err := sizeOf(pathOf(t, b, v, role), format); n != 2*gib || err != nil {
			t.Errorf("the %s disk has %d bytes, %v", role, n, err)
		}
	}
	if got := names(t, b); !slices.Equal(got, []string{"disk.eph0.m3", "disk.m3", "disk.swap.m3"}) {
		t.Error(got)
	}
	if got := names(t, a); !slices.Equal(got, []string{"disk", "disk.eph0", "disk.swap"}) {
		t.Error("at the source", got)
	}
	v.EphemeralGB, v.DisksOf = 0, 4
	kept.EphemeralGB = 0
	v.EphemeralGB = 1 // the flavor before had none
	if err := b.Bring(t.Context(), v, open); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("qemu-io", "-f", "raw", "-c", "read -P 9 4096 8192", pathOf(t, b, v, "ephemeral")).CombinedOutput(); err == nil && !strings.Contains(string(out), "verification failed") {
		t.Errorf("a new ephemeral disk holds what one of another flavor held: %s", out)
	}
}

// A server that changes its flavor where it is has new disks beside the old, and goes back
// to those as they were.
func TestDisksOfAResizeStay(t *testing.T) {
	s := store(t)
	v := built(t, s)
	was := v
	v.DisksOf, v.From, v.RootGB, v.EphemeralGB = 5, &wish.Where{Host: "here"}, 2, 0
	if err := errors.Join(s.Bring(t.Context(), v, nil), s.Trim(t.Context(), v)); err != nil {
		t.Fatal(err)
	}
	root := pathOf(t, s, v, "root")
	written(t, "qcow2", root, "7", false)
	written(t, "qcow2", root, "8", true)
	if n, err := sizeOf(root, "qcow2"); n != 2*gib || err != nil {
		t.Error(n, err)
	}
	if got := names(t, s); !slices.Equal(got, []string{"disk", "disk.eph0", "disk.m5", "disk.swap", "disk.swap.m5"}) {
		t.Error(got)
	}
	if err := s.Trim(t.Context(), was); err != nil {
		t.Fatal(err)
	}
	if v.From = nil; !converge.IsFinal(s.Make(t.Context(), v)) {
		t.Error("disks that are lost are made anew")
	}
	written(t, "qcow2", pathOf(t, s, was, "root"), "7", false)
	written(t, "raw", pathOf(t, s, was, "ephemeral"), "9", false)
	if got := names(t, s); !slices.Equal(got, []string{"disk", "disk.eph0", "disk.swap"}) {
		t.Error(got)
	}
}

// What another host sends is looked at: a disk that lies over a file of this host is refused.
func TestDisksThatLieAreRefused(t *testing.T) {
	s := store(t)
	i, _ := image(t, "qcow2", "8")
	bad := filepath.Join(t.TempDir(), "bad")
	if err := run(t.Context(), "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd", bad); err != nil {
		t.Fatal(err)
	}
	v := wish.Server{ID: serverID, Image: &i, DisksOf: 1, From: &wish.Where{Host: "a"}}
	err := s.Bring(t.Context(), v, func(context.Context, string) (io.ReadCloser, error) { return os.Open(bad) })
	if !converge.IsFinal(err) || len(names(t, s)) > 0 {
		t.Error(err, names(t, s))
	}
	err = s.Bring(t.Context(), v, func(context.Context, string) (io.ReadCloser, error) { return nil, errors.New("the host is away") })
	if err == nil || converge.IsFinal(err) || len(names(t, s)) > 0 {
		t.Error(err, names(t, s))
	}
}
