package nbd

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// serve has qemu-nbd serve a file.
func serve(t *testing.T, size int64) *Conn {
	t.Helper()
	if _, err := exec.LookPath("qemu-nbd"); err != nil {
		t.Fatal("qemu-nbd is not installed: hack/packages run")
	}
	dir := t.TempDir()
	disk, socket := filepath.Join(dir, "disk"), filepath.Join(dir, "s")
	f, err := os.Create(disk)
	if err == nil {
		err = errors.Join(f.Truncate(size), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("qemu-nbd", "-f", "raw", "-k", socket, "-x", "x", "--discard=unmap", disk)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	var conn net.Conn
	for range 500 {
		if conn, err = net.Dial("unix", socket); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(conn, "x")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDisk(t *testing.T) {
	const size = 5<<30 + 512
	c := serve(t, size)
	if c.Size() != size {
		t.Fatal(c.Size())
	}
	if start, _, err := c.Data(0); err != io.EOF {
		t.Fatal("a blank disk has data at", start, err)
	}
	want := bytes.Repeat([]byte("a word and another;"), 2<<20) // more than goes at once
	const at = 3<<30 + 1000
	if _, err := c.WriteAt(want, at); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if n, err := c.ReadAt(got, at); n != len(got) || err != nil || !bytes.Equal(got, want) {
		t.Fatal("what is read is not what was written", n, err)
	}
	start, end, err := c.Data(0)
	if err != nil || start > at || start < at-1<<20 || end < at+1 {
		t.Fatal(start, end, err)
	}
	if err := c.Zero(0, size); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Data(at); err != io.EOF {
		t.Error("zeros are said to be data:", err)
	}
	if n, err := c.ReadAt(got, at); n != len(got) || err != nil || !bytes.Equal(got, make([]byte, len(got))) {
		t.Error("zeros do not read as such", n, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestEnds(t *testing.T) {
	c := serve(t, 1<<20)
	if _, err := c.WriteAt(make([]byte, 4096), 1<<20-1024); !errors.Is(err, ErrOutside) {
		t.Error(err)
	}
	if err := c.Zero(1<<20-1024, 4096); !errors.Is(err, ErrOutside) {
		t.Error(err)
	}
	if n, err := c.ReadAt(make([]byte, 4096), 1<<20-1024); n != 1024 || err != io.EOF {
		t.Error(n, err)
	}
	if n, err := c.ReadAt(make([]byte, 1), 1<<20); n != 0 || err != io.EOF {
		t.Error(n, err)
	}
	c.Cut()
	if _, err := c.ReadAt(make([]byte, 1), 0); err == nil {
		t.Error("a cut connection reads")
	}
}

// Whatever a server says, New ends.
func FuzzHandshake(f *testing.F) {
	f.Add([]byte("NBDMAGICIHAVEOPT\x00\x03"))
	f.Fuzz(func(t *testing.T, said []byte) {
		ours, theirs := net.Pipe()
		go func() {
			go io.Copy(io.Discard, theirs)
			theirs.Write(said)
			theirs.Close()
		}()
		if c, err := New(ours, ""); err == nil {
			c.Cut()
		}
	})
}
