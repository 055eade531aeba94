package disk

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stackd/agent/wish"
	"stackd/internal/converge"
	"stackd/internal/fault"
)

const serverID = "11111111-2222-4333-8444-555555555555"

func store(t *testing.T) *Store {
	t.Helper()
	dir := t.TempDir()
	s := &Store{Images: filepath.Join(dir, "images"), Instances: filepath.Join(dir, "instances")}
	for _, d := range []string{s.Images, s.Instances} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// image makes a qcow2 image of so many MiB and says how to open it.
func image(t *testing.T, format string, mib string) (wish.Image, []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "i")
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", format, file, mib+"M").CombinedOutput(); err != nil {
		t.Fatalf("qemu-img: %s", out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512(data)
	return wish.Image{ID: "aaaaaaaa-0000-4000-8000-00000000000" + mib[:1], Format: format, Size: int64(len(data)), SHA512: hex.EncodeToString(sum[:])}, data
}

func opener(data []byte, calls *atomic.Int32) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) {
		calls.Add(1)
		time.Sleep(50 * time.Millisecond)
		return io.NopCloser(bytes.NewReader(data)), nil
	}
}

func TestFetchIsSharedAndChecked(t *testing.T) {
	s := store(t)
	i, data := image(t, "qcow2", "8")
	var calls atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := s.FetchImage(t.Context(), i, opener(data, &calls)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := calls.Load(); n != 1 || !s.HasImage(i) {
		t.Errorf("%d transfers, in the cache: %v", n, s.HasImage(i))
	}
	if st, err := os.Stat(s.imagePath(i)); err != nil || st.Mode().Perm() != 0o444 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}

func TestFetchRefuses(t *testing.T) {
	i, data := image(t, "qcow2", "8")
	var calls atomic.Int32
	for name, c := range map[string]struct {
		image wish.Image
		open  func(context.Context) (io.ReadCloser, error)
		final bool
	}{
		"other bytes":   {wish.Image{ID: "x", Format: "qcow2", SHA512: strings.Repeat("0", 128)}, opener(data, &calls), true},
		"other format":  {wish.Image{ID: "x", Format: "raw"}, opener(data, &calls), true},
		"no such image": {i, func(context.Context) (io.ReadCloser, error) { return nil, fault.New(fault.NotFound, "no") }, true},
		"no format":     {wish.Image{ID: "x", Format: "floppy"}, opener(data, &calls), true},
		"cut short":     {i, opener(data[:1000], &calls), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := store(t)
			err := s.FetchImage(t.Context(), c.image, c.open)
			if err == nil || converge.IsFinal(err) != c.final {
				t.Errorf("%v; want final %v", err, c.final)
			}
			if left, _ := os.ReadDir(s.Images); len(left) > 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

// A transfer that stands still is given up, to be tried again.
func TestStalledFetch(t *testing.T) {
	s := store(t)
	s.Stall = 50 * time.Millisecond
	i, data := image(t, "qcow2", "8")
	for name, open := range map[string]func(context.Context) (io.ReadCloser, error){
		"on opening": func(ctx context.Context) (io.ReadCloser, error) { <-ctx.Done(); return nil, ctx.Err() },
		"in the middle": func(context.Context) (io.ReadCloser, error) {
			r, w := io.Pipe()
			go func() { _, _ = w.Write(data[:1000]) }()
			return r, nil
		},
	} {
		if err := s.FetchImage(t.Context(), i, open); !errors.Is(err, errStalled) || converge.IsFinal(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var calls atomic.Int32
	if err := s.FetchImage(t.Context(), i, opener(data, &calls)); err != nil {
		t.Error(err)
	}
}

func TestForeignFormatsBecomeQcow2(t *testing.T) {
	s := store(t)
	i, data := image(t, "vmdk", "8")
	var calls atomic.Int32
	if err := s.FetchImage(t.Context(), i, opener(data, &calls)); err != nil {
		t.Fatal(err)
	}
	if size, err := s.imageSize(i); err != nil || size != 8<<20 {
		t.Errorf("size %d, %v", size, err)
	}
}

func TestGuestDisks(t *testing.T) {
	s := store(t)
	i, data := image(t, "qcow2", "8")
	var calls atomic.Int32
	if err := s.FetchImage(t.Context(), i, opener(data, &calls)); err != nil {
		t.Fatal(err)
	}
	v := wish.Server{ID: serverID, Image: &i, RootGB: 1, EphemeralGB: 1, SwapMB: 16}
	if ok, err := s.Made(v); ok || err != nil {
		t.Fatalf("made before it was: %v, %v", ok, err)
	}
	if err := s.Make(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.Made(v); !ok || err != nil {
		t.Fatalf("not made: %v, %v", ok, err)
	}
	var info struct {
		Size    int64  `json:"virtual-size"`
		Backing string `json:"backing-filename"`
		Format  string `json:"backing-filename-format"`
	}
	out, err := exec.Command("qemu-img", "info", "--output=json", "-f", "qcow2", s.Files(v)[0].Path).Output()
	if err != nil || json.Unmarshal(out, &info) != nil {
		t.Fatalf("qemu-img info: %v\n%s", err, out)
	}
	if info.Size != gib || info.Backing != s.imagePath(i) || info.Format != "qcow2" {
		t.Errorf("root: %+v", info)
	}
	if owners, err := s.Owners(); err != nil || len(owners) != 1 || owners[0] != serverID {
		t.Errorf("owners %v, %v", owners, err)
	}
	if err := s.Remove(t.Context(), serverID); err != nil {
		t.Fatal(err)
	}
	if owners, _ := s.Owners(); len(owners) != 0 {
		t.Errorf("left over: %v", owners)
	}
}

func TestRootSmallerThanImageIsFinal(t *testing.T) {
	s := store(t)
	i, data := image(t, "qcow2", "2048")
	var calls atomic.Int32
	if err := s.FetchImage(t.Context(), i, opener(data, &calls)); err != nil {
		t.Fatal(err)
	}
	err := s.Make(t.Context(), wish.Server{ID: serverID, Image: &i, RootGB: 1})
	if !converge.IsFinal(err) {
		t.Errorf("%v; want a final error", err)
	}
}

func TestConfigDrive(t *testing.T) {
	s := store(t)
	v := wish.Server{ID: serverID, ConfigDrive: true, Metadata: wish.Metadata{
		"openstack/latest/meta_data.json":                           []byte(`{"uuid":"x"}`),
		"openstack/latest/user_data":                                []byte("#!/bin/sh\n"),
		"ec2/latest/meta-data/instance-id":                          []byte("i-1"),
		"ec2/latest/meta-data/public-keys/0/openssh-key":            []byte("ssh-rsa x"),
		"openstack/latest/" + strings.Repeat("long-name-", 6) + "x": []byte("y"),
	}}
	if err := s.Make(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	if err := s.Configure(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	iso := s.configPath(v)
	if out, err := exec.Command("blkid", "-p", "-o", "value", "-s", "LABEL", iso).Output(); err != nil || strings.TrimSpace(string(out)) != "config-2" {
		t.Errorf("label %q, %v", out, err)
	}
	for name, want := range map[string]string{
		"/openstack/latest/meta_data.json":                           `{"uuid":"x"}`,
		"/openstack/latest/user_data":                                "#!/bin/sh\n",
		"/ec2/latest/meta-data.json":                                 `{"instance-id":"i-1","public-keys":{"0":{"openssh-key":"ssh-rsa x"}}}`,
		"/openstack/latest/" + strings.Repeat("long-name-", 6) + "x": "y",
	} {
		out, err := exec.Command("isoinfo", "-R", "-i", iso, "-x", name).Output()
		if err != nil || string(out) != want {
			t.Errorf("%s: %q, %v; want %q", name, out, err, want)
		}
	}
}

func TestSweepDropsWhatIsLongUnused(t *testing.T) {
	s := store(t)
	old := time.Now().Add(-48 * time.Hour)
	for _, name := range []string{"used", "unused", "fresh"} {
		if err := os.WriteFile(filepath.Join(s.Images, name), nil, 0o444); err != nil {
			t.Fatal(err)
		}
		if name != "fresh" {
			_ = os.Chtimes(filepath.Join(s.Images, name), old, old)
		}
	}
	if err := os.MkdirAll(s.dir(serverID), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(s.Images, "used"), filepath.Join(s.dir(serverID), "base")); err != nil {
		t.Fatal(err)
	}
	log := s.Console(serverID)
	if err := os.WriteFile(log, bytes.Repeat([]byte("x"), 5<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(filepath.Join(s.Images, "*"))
	if len(left) != 2 || filepath.Base(left[0]) != "fresh" || filepath.Base(left[1]) != "used" {
		t.Errorf("images left: %v", left)
	}
	f, err := os.ReadFile(log)
	if err != nil || len(f) != 5<<20 || f[0] != 0 || f[len(f)-1] != 'x' {
		t.Errorf("log of %d bytes begins with %q, %v", len(f), f[:1], err)
	}
}

// A rebuild's disks are made beside those that the guest has, and then those go; a kept
// ephemeral disk is the same file.
func TestRebuiltDisks(t *testing.T) {
	s := store(t)
	i, data := image(t, "qcow2", "8")
	var calls atomic.Int32
	if err := s.FetchImage(t.Context(), i, opener(data, &calls)); err != nil {
		t.Fatal(err)
	}
	v := wish.Server{ID: serverID, Image: &i, RootGB: 1, EphemeralGB: 1, SwapMB: 16, ConfigDrive: true}
	names := func() (out []string) {
		found, err := os.ReadDir(s.dir(serverID))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			out = append(out, e.Name())
		}
		return out
	}
	build := func() {
		t.Helper()
		if err := errors.Join(s.Make(t.Context(), v), s.Configure(t.Context(), v)); err != nil {
			t.Fatal(err)
		}
	}
	build()
	if err := os.WriteFile(s.Console(serverID), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := names()
	v.Rebuilds = 1
	if ok, err := s.Made(v); ok || err != nil {
		t.Fatal("rebuilt before it was", err)
	}
	build()
	if got := names(); len(got) != len(before)+3 || !slices.Contains(got, "disk") || !slices.Contains(got, "disk.r1") {
		t.Errorf("beside each other: %v", got)
	}
	if err := s.Trim(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	if got := names(); !slices.Equal(got, []string{"base.r1", "console.log", "disk.config.r1", "disk.eph0", "disk.r1", "disk.swap"}) {
		t.Errorf("left: %v", got)
	}
	if ok, err := s.Made(v); !ok || err != nil {
		t.Error("not made", err)
	}
}

// A rescue's disk is over the image it was asked with, as large as the root at least, and
// comes before it; it goes when the rescue is over.
func TestRescueDisks(t *testing.T) {
	s := store(t)
	i, data := image(t, "qcow2", "8")
	var calls atomic.Int32
	if err := s.FetchImage(t.Context(), i, opener(data, &calls)); err != nil {
		t.Fatal(err)
	}
	v := wish.Server{ID: serverID, Image: &i, RootGB: 1, HardReboots: 3, Rescue: &i}
	if err := s.Make(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	f := s.Files(v)
	if len(f) != 2 || f[0].Role != "rescue" || f[1].Role != "root" || filepath.Base(f[0].Path) != "disk.rescue3" {
		t.Fatal(f)
	}
	if out, err := exec.Command("qemu-img", "info", f[0].Path).CombinedOutput(); err != nil || !strings.Contains(string(out), "1 GiB") || !strings.Contains(string(out), i.ID) {
		t.Error(string(out), err)
	}
	v.Rescue = nil
	if err := s.Trim(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(s.dir(serverID), "*"))
	if err != nil || len(left) != 2 {
		t.Error(left, err)
	}
}
