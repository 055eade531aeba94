package file_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"stackd/cinder"
	"stackd/cinder/file"
)

// bench runs f on a fresh backend with a 1 GiB volume that has 64 MiB written.
func bench(b *testing.B, f func(ctx context.Context, s cinder.Backend, volume string) error) {
	s, err := file.New(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	ctx, v := context.Background(), uuid.NewString()
	if err := s.Create(ctx, v, 1, cinder.Source{}); err != nil {
		b.Fatal(err)
	}
	if err := written(ctx, s, v); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := f(ctx, s, v); err != nil {
			b.Fatal(err)
		}
	}
}

func written(ctx context.Context, s cinder.Backend, volume string) error {
	t, err := s.Edit(ctx, volume)
	if err != nil {
		return err
	}
	p := make([]byte, 64<<20)
	for i := range p {
		p[i] = byte(i*7) | 1
	}
	if _, err := t.WriteAt(p, 0); err != nil {
		t.Close()
		return err
	}
	return t.Close()
}

func BenchmarkCreateAndDelete(b *testing.B) {
	bench(b, func(ctx context.Context, s cinder.Backend, _ string) error {
		v := uuid.NewString()
		if err := s.Create(ctx, v, 1, cinder.Source{}); err != nil {
			return err
		}
		return s.Delete(ctx, v)
	})
}

func BenchmarkClone64MiB(b *testing.B) {
	b.SetBytes(64 << 20)
	bench(b, func(ctx context.Context, s cinder.Backend, volume string) error {
		v := uuid.NewString()
		if err := s.Create(ctx, v, 1, cinder.Source{VolumeID: volume}); err != nil {
			return err
		}
		return s.Delete(ctx, v)
	})
}

func BenchmarkSnapshot64MiB(b *testing.B) {
	b.SetBytes(64 << 20)
	bench(b, func(ctx context.Context, s cinder.Backend, volume string) error {
		p := uuid.NewString()
		if err := s.CreateSnapshot(ctx, volume, p); err != nil {
			return err
		}
		return s.DeleteSnapshot(ctx, volume, p)
	})
}
