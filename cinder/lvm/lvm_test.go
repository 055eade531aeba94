//go:build e2e

package lvm

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"stackd/cinder"
	"stackd/cinder/backendtest"
	"stackd/cinder/iscsi"
	"stackd/internal/converge"
)

// open opens a volume group: its name, and "thick" after a space where no pool is to be made.
func open(spec string) (cinder.Backend, error) { return group(spec) }

func group(spec string) (*Volumes, error) {
	name, kind, _ := strings.Cut(spec, " ")
	return New(Options{Group: name, Thick: kind == "thick", Dir: filepath.Join(os.TempDir(), "lvm-"+name)})
}

func TestMain(m *testing.M) {
	backendtest.Child(open)
	os.Exit(m.Run())
}

func TestThin(t *testing.T)  { contract(t, "STACKD_TEST_VG", "") }
func TestThick(t *testing.T) { contract(t, "STACKD_TEST_VG_THICK", " thick") }

func contract(t *testing.T, env, kind string) {
	name := os.Getenv(env)
	if name == "" {
		t.Fatal(env + " names no volume group; make e2e TEST=backends makes one, in a guest")
	}
	b, err := group(name + kind)
	if err != nil {
		t.Fatal(err)
	}
	x, err := iscsi.Over(b, iscsi.Options{Address: "127.0.0.1:3260", Dir: "/run/tgt", Key: []byte("a key")})
	if err != nil {
		t.Fatal(err)
	}
	defer iscsi.Stop("/run/tgt")
	rig := backendtest.Rig{Backend: x, Spec: name + kind, Steps: 60,
		Litter:  func() []string { return litter(t, b) },
		Foreign: func(name string, content []byte) error { return foreign(b, name, content) },
		Reach: func(_ string, s map[string]string, n int) ([]byte, error) {
			return backendtest.ReadISCSI(t.TempDir(), s, n)
		},
	}
	small, err := group(os.Getenv("STACKD_TEST_VG_SMALL") + kind)
	if err != nil {
		t.Fatal(err)
	}
	if !small.Thick { // a thick one takes no volume at all there
		rig.Full = small
	}
	if n, err := strconv.Atoi(os.Getenv("STACKD_TEST_STEPS")); err == nil {
		rig.Steps = n
	}
	backendtest.Run(t, rig)
	if small.Thick {
		t.Run("no room", func(t *testing.T) { noRoom(t, small) })
	}
}

// noRoom: what a group has no room for is refused for good, and nothing is left of it.
func noRoom(t *testing.T, b *Volumes) {
	id := "00000000-0000-4000-8000-000000000001"
	err := b.Create(t.Context(), id, 1, cinder.Source{})
	if final := (converge.Final{}); !errors.Is(err, cinder.ErrFull) || !errors.As(err, &final) {
		t.Errorf("the error is %v", err)
	}
	if _, there, err := b.Has(t.Context(), id); there || err != nil {
		t.Error(there, err)
	}
}

// litter is every lv but the pool and foreign ones, and every file.
func litter(t *testing.T, b *Volumes) (left []string) {
	all, err := b.all(t.Context())
	if err != nil {
		t.Error(err)
	}
	for name := range all {
		if name != b.Pool && !strings.HasPrefix(name, "foreign-") {
			left = append(left, name)
		}
	}
	entries, _ := os.ReadDir(b.Dir)
	for _, e := range entries {
		if e.Name() != ".lock" {
			left = append(left, e.Name())
		}
	}
	return left
}

func foreign(b *Volumes, name string, content []byte) error {
	m := &making{b: b}
	out, err := exec.Command("lvcreate", "--yes", "-Zn", "-Wn", "-L", "1028M", "-n", name, b.Group).CombinedOutput()
	if err != nil {
		return errors.Join(err, errors.New(string(out)))
	}
	if err := m.clear(context.Background(), lv{Name: name, Active: "active"}); err != nil {
		return err
	}
	d, err := b.open(context.Background(), lv{Name: name, Active: "active"}, os.O_RDWR)
	if err != nil {
		return err
	}
	_, err = d.WriteAt(content, 0)
	return errors.Join(err, d.Close())
}
