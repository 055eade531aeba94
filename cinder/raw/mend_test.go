package raw_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"stackd/cinder/raw"
)

// counted is a disk that counts what is written.
type counted struct {
	*raw.Disk
	written int64
}

func (c *counted) WriteAt(p []byte, off int64) (int, error) {
	c.written += int64(len(p))
	return c.Disk.WriteAt(p, off)
}

func (c *counted) Zero(off, n int64) error {
	c.written += n
	return c.Disk.Zero(off, n)
}

func TestMend(t *testing.T) {
	const size = 5<<20 + 4096 // not of whole chunks
	open := func(name string, b []byte) *raw.Disk {
		t.Helper()
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := raw.Open(path, os.O_RDWR)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		return d
	}
	then := make([]byte, size)
	for n := range then[:3<<20] {
		then[n] = byte(rand.IntN(256))
	}
	now := append(bytes.Clone(then), make([]byte, 1<<20)...) // it has grown
	now[100] ^= 1                                            // one byte
	clear(now[1<<20 : 1<<20+64<<10])                         // zeros where there was something
	copy(now[4<<20:], "something where there were zeros")
	copy(now[size+10:], "and where there was nothing")
	to := &counted{Disk: open("now", now)}
	if err := raw.Mend(t.Context(), to, to.Size(), open("then", then)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(now))
	if _, err := to.ReadAt(got, 0); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got[:size], then) || !raw.IsZero(got[size:]) {
		t.Error("it does not hold what it should")
	}
	if to.written != 4*64<<10 {
		t.Errorf("%d bytes were written, four blocks differ", to.written)
	}
}
