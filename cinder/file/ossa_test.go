package file_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"stackd/cinder"
	"stackd/internal/converge"
)

const hidden = "what is on the host\n"

// crafted is an image that QEMU's tools make, next to a file that is the host's own.
func crafted(t *testing.T, args func(host, image string) []string) (host string, image []byte) {
	t.Helper()
	dir := t.TempDir()
	host, out := filepath.Join(dir, "hidden"), filepath.Join(dir, "image")
	if err := os.WriteFile(host, []byte(strings.Repeat(hidden, 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command("qemu-img", args(host, out)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	image, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return host, image
}

// refused wants no volume to be made of an image, whatever format it is called, that has
// anything of the host in it; and a volume that is made to hold the image's bytes only.
func refused(t *testing.T, image []byte, formats ...string) {
	t.Helper()
	dir := t.TempDir()
	b, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range formats {
		v := uuid.NewString()
		err := b.Create(t.Context(), v, 1, cinder.Source{Image: bytes.NewReader(image), Format: format})
		if !converge.IsFinal(err) {
			t.Errorf("as %s: %v", format, err)
		}
		if _, there, err := b.Has(t.Context(), v); there || err != nil {
			t.Errorf("as %s: it is there: %v", format, err)
		}
	}
	if l := litter(dir); len(l) > 0 {
		t.Error("left over:", l)
	}
}

// A qcow2 image's backing file is a file of the host.
func TestOSSA_2015_011(t *testing.T) {
	_, image := crafted(t, func(host, image string) []string {
		return []string{"create", "-q", "-f", "qcow2", "-b", host, "-F", "raw", image, "1M"}
	})
	refused(t, image, "qcow2", "raw")
}

// A qcow2 image's data file is a file of the host.
func TestOSSA_2024_001(t *testing.T) {
	_, image := crafted(t, func(host, image string) []string {
		return []string{"create", "-q", "-f", "qcow2", "-o", "data_file=" + host + ",data_file_raw=on", image, "1M"}
	})
	refused(t, image, "qcow2", "raw")
}

// A VMDK descriptor's extent is a file of the host.
func TestOSSA_2023_002(t *testing.T) {
	for _, kind := range []string{"monolithicFlat", "twoGbMaxExtentFlat", "vmfs"} {
		image := []byte("# Disk DescriptorFile\nversion=1\nCID=7e1a6ab9\nparentCID=ffffffff\ncreateType=\"" + kind + "\"\n\n# Extent description\nRW 128 FLAT \"/etc/hostname\" 0\n")
		refused(t, append(image, make([]byte, 64<<10)...), "vmdk")
	}
}

// A small image that is a huge disk, or says so, takes neither the room nor the time of it.
func TestOSSA_2016_012(t *testing.T) {
	_, image := crafted(t, func(_, image string) []string {
		return []string{"create", "-q", "-f", "qcow2", image, "1P"}
	})
	refused(t, image, "qcow2")
	refused(t, append([]byte("KDMV"), make([]byte, 1<<20)...), "vmdk")
}

// What a guest wrote at the beginning of its disk does not make another format of it: a
// volume is raw, always, and its copy has its bytes and nothing of the host.
func TestOSSA_2014_033(t *testing.T) {
	_, image := crafted(t, func(host, image string) []string {
		return []string{"create", "-q", "-f", "qcow2", "-b", host, "-F", "raw", image, "1M"}
	})
	b, err := open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	v, c := uuid.NewString(), uuid.NewString()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(b.Create(t.Context(), v, 1, cinder.Source{}))
	to, err := b.Edit(t.Context(), v)
	must(err)
	_, err = to.WriteAt(image, 0)
	must(err)
	must(to.Close())
	must(b.Create(t.Context(), c, 1, cinder.Source{VolumeID: v}))
	for _, id := range []string{v, c} {
		kind, source, err := b.Connect(t.Context(), id, "h")
		must(err)
		if kind != "file" || source["format"] != "raw" {
			t.Errorf("a guest reaches it as %s %v", kind, source)
		}
		from, err := b.Open(t.Context(), id, "")
		must(err)
		got := make([]byte, 2<<20)
		_, err = io.ReadFull(io.NewSectionReader(from, 0, from.Size()), got)
		must(err)
		must(from.Close())
		if !bytes.Equal(got[:len(image)], image) || bytes.Contains(got, []byte(hidden)) {
			t.Error("it holds something else than was written")
		}
	}
}

// Nothing of a volume that was deleted is in one that is made in its place.
func TestOSSA_2013_021(t *testing.T) {
	b, err := open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	v := uuid.NewString()
	for range 2 {
		if err := b.Create(t.Context(), v, 1, cinder.Source{}); err != nil {
			t.Fatal(err)
		}
		from, err := b.Open(t.Context(), v, "")
		if err != nil {
			t.Fatal(err)
		}
		if start, _, err := from.Data(0); err != io.EOF {
			t.Error("there is data at", start, err)
		}
		from.Close()
		to, err := b.Edit(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.WriteAt([]byte(strings.Repeat(hidden, 4096)), 1<<20); err != nil {
			t.Fatal(err)
		}
		if err := to.Close(); err != nil {
			t.Fatal(err)
		}
		if err := b.Delete(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
}
