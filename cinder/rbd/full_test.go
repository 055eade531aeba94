//go:build e2e

package rbd_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"stackd/cinder"
	"stackd/internal/converge"

	"github.com/google/uuid"
)

// A full pool is an error, soon, and nothing is left; with room there are volumes again.
func TestFull(t *testing.T) {
	dir := cluster(t)
	b, err := pool(dir)
	if err != nil {
		t.Fatal(err)
	}
	admin := func(args ...string) {
		t.Helper()
		a := b.Cluster
		a.User = ""
		if out, err := a.Command(t.Context(), "ceph", args...).CombinedOutput(); err != nil {
			t.Fatal(err, string(out))
		}
	}
	free := func(want bool) {
		t.Helper()
		for end := time.Now().Add(2 * time.Minute); ; time.Sleep(2 * time.Second) {
			other, err := pool(dir) // remembers nothing
			if err != nil {
				t.Fatal(err)
			}
			if _, n, err := other.Capacity(t.Context()); err == nil && (n > 0) == want {
				return
			}
			if time.Now().After(end) {
				t.Fatal("it does not become so that there is room: ", want)
			}
		}
	}
	admin("osd", "pool", "set-quota", "volumes", "max_bytes", "33554432")
	defer admin("osd", "pool", "set-quota", "volumes", "max_bytes", "0")
	make := func(size int64, data []byte, before func(off int64)) (string, error) {
		v := uuid.NewString()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		return v, b.Create(ctx, v, size, cinder.Source{Content: &slow{bytes.NewReader(data), before}})
	}
	first, err := make(1, bytes.Repeat([]byte("first"), 8<<20), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = make(1, bytes.Repeat([]byte("second"), 4<<20), func(off int64) {
		if off >= 4<<20 { // it has begun, and then there is no room any more
			free(false)
		}
	})
	full := func(err error) {
		t.Helper()
		if !errors.Is(err, cinder.ErrFull) || !converge.IsFinal(err) {
			t.Fatalf("the error is %v", err)
		}
		if left := litter(t, b, dir); len(left) != 1 {
			t.Errorf("there are %q", left)
		}
	}
	full(err)
	began := time.Now()
	_, err = make(1, []byte("third"), nil)
	if full(err); time.Since(began) > 20*time.Second {
		t.Error("to be refused took", time.Since(began))
	}
	if err := b.Delete(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	free(true)
	last, err := make(1, []byte("fourth"), nil)
	if err = errors.Join(err, b.Delete(t.Context(), last)); err != nil {
		t.Fatal(err)
	}
}

// slow is a content; before is told of each read.
type slow struct {
	*bytes.Reader
	before func(off int64)
}

func (s *slow) ReadAt(p []byte, off int64) (int, error) {
	if s.before != nil {
		s.before(off)
	}
	return s.Reader.ReadAt(p, off)
}

func (s *slow) Close() error { return nil }

func (s *slow) Data(off int64) (int64, int64, error) {
	if off >= s.Size() {
		return 0, 0, io.EOF
	}
	return off, s.Size(), nil
}
