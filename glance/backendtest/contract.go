// Package backendtest is what every store of images' bytes must do, as one test.
package backendtest

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"stackd/glance"
)

// Contract runs the test on a store that is empty. sizes are of images to try.
func Contract(t *testing.T, b glance.Backend, sizes ...int) {
	t.Helper()
	const name = "5c1b2a3e-0000-4000-8000-000000000001"
	for _, size := range sizes {
		data := noise(size)
		write(t, b, name, data, true)
		read(t, b, name, data)
		if err := b.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		absent(t, b, name)
	}
	if err := b.Delete(t.Context(), name); err != nil {
		t.Error("what is not there cannot be deleted:", err)
	}
	most := sizes[len(sizes)-1]
	write(t, b, name, noise(most), false)
	absent(t, b, name)
	dies(t, b, name, most)
	if b.URL(name) == b.URL(name+"x") {
		t.Error("two names have one address", b.URL(name))
	}
}

func noise(size int) []byte {
	b := make([]byte, size)
	r := rand.New(rand.NewPCG(1, uint64(size)))
	for n := range b {
		b[n] = byte(r.Uint32())
	}
	return b
}

func write(t *testing.T, b glance.Backend, name string, data []byte, commit bool) {
	t.Helper()
	w, err := b.Create(t.Context(), name, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, bytes.NewReader(data), make([]byte, 300_000)); err != nil {
		t.Fatal(err)
	}
	absent(t, b, name)
	if !commit {
		return
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

func absent(t *testing.T, b glance.Backend, name string) {
	t.Helper()
	if body, _, err := b.Open(t.Context(), name); err == nil {
		body.Close()
		t.Fatal("there are bytes, and should be none")
	}
}

func read(t *testing.T, b glance.Backend, name string, want []byte) {
	t.Helper()
	body, size, err := b.Open(t.Context(), name)
	if err != nil || size != int64(len(want)) {
		t.Fatal(size, err)
	}
	defer body.Close()
	for _, at := range []int64{0, size / 2, size, size / 3} {
		if _, err := body.Seek(at, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		if err != nil || !bytes.Equal(got, want[at:]) {
			t.Fatalf("from %d on %d bytes are read (%v), not the %d that were written", at, len(got), err, len(want[at:]))
		}
	}
	if end, err := body.Seek(0, io.SeekEnd); err != nil || end != size {
		t.Fatal(end, err)
	}
}

// dies leaves a write to itself, as a killed process does: deleting takes all of it.
func dies(t *testing.T, b glance.Backend, name string, size int) {
	t.Helper()
	w, err := b.Create(t.Context(), name, int64(size))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(noise(size)); err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	absent(t, b, name)
	data := noise(1000)
	write(t, b, name, data, true)
	read(t, b, name, data)
	if err := b.Delete(t.Context(), name); err != nil {
		t.Fatal(err)
	}
}
