package backendtest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"stackd/cinder"
)

var errBroken = errors.New("broken off")

// image makes a disk of 24 MiB with the marks, in a format.
func (e *env) image(format string, opts ...string) []byte {
	e.Helper()
	dir := e.TempDir()
	disk, out := filepath.Join(dir, "disk"), filepath.Join(dir, "image")
	e.ok(os.WriteFile(disk, imageBody.at(0, imageBody.size), 0o600))
	e.tool("qemu-img", append(append([]string{"convert", "-f", "raw", "-O", format}, opts...), disk, out)...)
	b, err := os.ReadFile(out)
	e.ok(err)
	return b
}

var imageBody = body{24 * mib, []mark{head, {20 * mib, 300 * kib, 61}}}

func (e *env) tool(argv0 string, args ...string) {
	e.Helper()
	if out, err := exec.Command(argv0, args...).CombinedOutput(); err != nil {
		e.Fatalf("%s: %v: %s", argv0, err, out)
	}
}

func (e *env) fromImage(format string, image []byte, size int64) (string, error) {
	v := e.vol()
	return v, e.b.Create(e.ctx, v, size, cinder.Source{Image: bytes.NewReader(image), Format: format})
}

// noImage wants an image refused for good, with nothing left.
func (e *env) noImage(format string, image []byte) {
	e.Helper()
	v, err := e.fromImage(format, image, 1)
	e.final(err)
	e.has(v, 0)
}

func becomes(format, qemu string, opts ...string) test {
	return test{"an image of " + format + " becomes a volume", func(e *env) {
		v, err := e.fromImage(format, e.image(qemu, opts...), 1)
		e.ok(err)
		e.holds(v, "", 1, imageBody.marks...)
	}}
}

var images = []test{
	becomes("raw", "raw"), becomes("qcow2", "qcow2"), becomes("qcow2", "qcow2", "-c"), becomes("vdi", "vdi"),
	becomes("vhd", "vpc"), becomes("vhdx", "vhdx"), becomes("vmdk", "vmdk", "-o", "subformat=streamOptimized"),
	{"an image of odd length", func(e *env) {
		odd := mark{0, 100*kib + 8, 62}
		v, err := e.fromImage("raw", odd.bytes(), 1)
		e.ok(err)
		e.holds(v, "", 1, odd)
	}},
	{"an image that ends in zeros", func(e *env) {
		v, err := e.fromImage("raw", append(head.bytes(), make([]byte, 3*mib)...), 1)
		e.ok(err)
		e.holds(v, "", 1, head)
	}},
	{"a large disk in a small image", func(e *env) {
		v, err := e.fromImage("qcow2", e.qcow2(gib), 1)
		e.ok(err)
		e.holds(v, "", 1)
	}},
	{"a larger disk than the volume", func(e *env) { e.noImage("qcow2", e.qcow2(gib+64*kib)) }},
	{"a longer image than the volume", func(e *env) {
		v := e.vol()
		long := io.MultiReader(bytes.NewReader(head.bytes()), io.LimitReader(nothing{}, gib))
		e.final(e.b.Create(e.ctx, v, 1, cinder.Source{Image: long, Format: "raw"}))
		e.has(v, 0)
	}},
	{"an image that leans on another file", func(e *env) {
		e.noImage("qcow2", e.qcow2(24*mib, "-b", "/etc/hostname", "-F", "raw", "-u"))
	}},
	{"an image whose data are in another file", func(e *env) {
		data := filepath.Join(e.TempDir(), "data")
		e.noImage("qcow2", e.qcow2(24*mib, "-o", "data_file="+data+",data_file_raw=on"))
	}},
	{"an image that is another format than it says", func(e *env) {
		e.noImage("raw", e.image("qcow2"))
		e.noImage("qcow2", e.image("raw"))
		e.noImage("vdi", e.image("vmdk", "-o", "subformat=streamOptimized"))
	}},
	{"an image of no known format", func(e *env) {
		for _, f := range []string{"", "ploop", "dmg", "luks", "raw,file.filename=/etc/passwd", "nbd"} {
			e.noImage(f, e.image("raw"))
		}
	}},
	{"an image cut short", func(e *env) {
		e.noImage("qcow2", e.image("qcow2")[:300])
		e.noImage("vhdx", e.image("vhdx")[:100*kib])
	}},
	{"an image full of noise after its header", func(e *env) {
		b := e.image("qcow2")
		copy(b[len(b)/8:], mark{0, int64(len(b) * 3 / 4), 63}.bytes())
		copy(b[64*kib:], mark{0, 128 * kib, 64}.bytes())
		e.noImage("qcow2", b)
	}},
	{"a transfer that breaks off", func(e *env) {
		b := e.image("raw")
		v := e.vol()
		for _, n := range []int{0, 100, len(b) / 2, len(b) - 1} {
			r := io.MultiReader(bytes.NewReader(b[:n]), broken{})
			if err := e.b.Create(e.ctx, v, 1, cinder.Source{Image: r, Format: "raw"}); !errors.Is(err, errBroken) {
				e.Fatalf("after %d: %v", n, err)
			}
			e.has(v, 0)
		}
		e.ok(e.b.Create(e.ctx, v, 1, cinder.Source{Image: bytes.NewReader(b), Format: "raw"}))
		e.holds(v, "", 1, imageBody.marks...)
	}},
	{"a blank volume under lock and key", func(e *env) {
		v := e.vol()
		e.ok(e.b.Create(e.ctx, v, 1, cinder.Source{Passphrase: key}))
		e.has(v, 1)
		e.plain(v, key)
	}},
	{"an image under lock and key", func(e *env) {
		for format, qemu := range map[string]string{"raw": "raw", "qcow2": "qcow2"} {
			v := e.vol()
			e.ok(e.b.Create(e.ctx, v, 1, cinder.Source{Image: bytes.NewReader(e.image(qemu)), Format: format, Passphrase: key}))
			e.has(v, 1)
			got := e.plain(v, key)
			if want := imageBody.at(0, imageBody.size); !bytes.Equal(got[:len(want)], want) {
				e.Error("what is inside is not the image")
			}
			if at := bytes.Index(e.bytes(v, 32*mib), head.bytes()[:4096]); at >= 0 {
				e.Errorf("the image lies open at %d", at)
			}
			e.ok(e.b.Delete(e.ctx, v))
		}
	}},
	{"copies of what is under lock and key", func(e *env) {
		v := e.vol()
		e.ok(e.b.Create(e.ctx, v, 1, cinder.Source{Image: bytes.NewReader(e.image("raw")), Format: "raw", Passphrase: key}))
		c := e.clone(v, e.snap(v), 2)
		if !bytes.Equal(e.plain(c, key)[:4*mib], imageBody.at(0, 4*mib)) {
			e.Error("what is inside the copy is not the image")
		}
	}},
}

var key = []byte("correct-horse-battery-staple")

func (e *env) qcow2(size int64, opts ...string) []byte {
	e.Helper()
	out := filepath.Join(e.TempDir(), "image")
	e.tool("qemu-img", append(append([]string{"create", "-q", "-f", "qcow2"}, opts...), out, itoa(size))...)
	b, err := os.ReadFile(out)
	e.ok(err)
	return b
}

// bytes are the first of a volume.
func (e *env) bytes(v string, n int64) []byte {
	c, err := e.b.Open(e.ctx, v, "")
	e.ok(err)
	defer c.Close()
	p := make([]byte, n)
	_, err = c.ReadAt(p, 0)
	e.ok(err)
	return p
}

// plain opens a container with QEMU and reads 24 MiB of what is inside.
func (e *env) plain(v string, key []byte) []byte {
	e.Helper()
	dir := e.TempDir()
	box, out := filepath.Join(dir, "box"), filepath.Join(dir, "out")
	e.ok(os.WriteFile(box, e.bytes(v, 32*mib), 0o600))
	e.ok(os.WriteFile(filepath.Join(dir, "key"), key, 0o600))
	e.tool("qemu-img", "convert", "--object", "secret,id=k,file="+filepath.Join(dir, "key"), "--image-opts", "driver=luks,key-secret=k,file.filename="+box, "-O", "raw", out)
	e.ok(os.WriteFile(filepath.Join(dir, "key"), []byte("another"), 0o600))
	if exec.Command("qemu-img", "convert", "--object", "secret,id=k,file="+filepath.Join(dir, "key"), "--image-opts", "driver=luks,key-secret=k,file.filename="+box, "-O", "raw", "/dev/null").Run() == nil {
		e.Error("any key opens it")
	}
	b, err := os.ReadFile(out)
	e.ok(err)
	return b
}

type nothing struct{}

func (nothing) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }
