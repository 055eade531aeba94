package glance

import (
	"context"
	"crypto/md5"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"sync"
	"time"

	"stackd/internal/fault"
	"stackd/internal/inspect"

	"github.com/google/uuid"
)

// Upload takes an image's bytes: all of them, and only if they are what the image
// says they are. size is what the sender promised, < 0 if nothing. Of two uploads
// at once one wins; the other is a Conflict. On any failure the image is queued
// again and there are no bytes.
func (g *Imaging) Upload(ctx context.Context, id string, body io.Reader, size int64, may func(*Image) error) error {
	i, err := g.begin(ctx, id, Queued, Saving, func(i *Image) error {
		if err := may(i); err != nil {
			return err
		}
		if i.Status != Queued {
			return fault.New(fault.Conflict, "Image status transition from %s to saving is not allowed", i.Status)
		}
		if i.DiskFormat == "" || i.ContainerFormat == "" {
			return fault.New(fault.Invalid, "Properties disk_format, container_format must be set prior to saving data.")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err = g.take(ctx, i, body, size); err != nil {
		err = errors.Join(err, g.giveUp(context.WithoutCancel(ctx), i))
	}
	return err
}

// begin makes a move of bytes the image's only one.
func (g *Imaging) begin(ctx context.Context, id, from, to string, may func(*Image) error) (*Image, error) {
	return g.Change(ctx, id, func(_ context.Context, i *Image) error {
		if err := may(i); err != nil {
			return err
		}
		if i.Status != from || i.Upload != "" {
			return fault.New(fault.Conflict, "Image status transition from %s to %s is not allowed", i.Status, to)
		}
		i.Status, i.Upload, i.TouchedAt = to, uuid.NewString(), g.Now()
		return nil
	})
}

// take streams the bytes into the backend and makes the image active.
func (g *Imaging) take(ctx context.Context, i *Image, body io.Reader, size int64) error {
	w, err := g.bytes.Create(ctx, i.ID)
	if err != nil {
		return full(err)
	}
	defer w.Abort() // does nothing after Commit
	s := newSink(w, i.DiskFormat)
	if err := g.pour(ctx, i, s, body, size); err != nil {
		return err
	}
	facts, err := s.insp.Result()
	if err != nil {
		return full(err)
	}
	if err := w.Commit(); err != nil {
		return full(err)
	}
	return g.end(ctx, i, func(now *Image) {
		now.Status, now.Size, now.VirtualSize = Active, &s.n, &facts.VirtualSize
		now.Checksum, now.HashValue = hex.EncodeToString(s.md5.Sum(nil)), hex.EncodeToString(s.sha.Sum(nil))
	})
}

// pour lets the body run into the sink, all that was promised.
func (g *Imaging) pour(ctx context.Context, i *Image, s *sink, body io.Reader, size int64) error {
	if err := s.drink(body, func() error { return g.Touch(ctx, i.ID, i.Upload) }); err != nil {
		return full(err)
	}
	if size >= 0 && s.n != size {
		return fault.New(fault.Invalid, "The upload ended after %d of %d bytes.", s.n, size)
	}
	return nil
}

// end writes what a move of bytes came to, unless the image has gone meanwhile.
func (g *Imaging) end(ctx context.Context, i *Image, f func(now *Image)) error {
	return g.Tx(context.WithoutCancel(ctx), func(ctx context.Context) error {
		now, err := g.Image(ctx, i.ID)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err != nil || now.Upload != i.Upload {
			return fault.New(fault.Gone, "Image %s could not be found after upload. The image may have been deleted during the upload.", i.ID).Because(err)
		}
		f(now)
		now.Upload, now.TouchedAt, now.UpdatedAt = "", time.Time{}, g.Now()
		return g.Update(ctx, now)
	})
}

// giveUp removes what a move of bytes left, and puts the image back to queued. The
// bytes go first: until the row says queued, nobody else begins.
func (g *Imaging) giveUp(ctx context.Context, i *Image) error {
	now, err := g.Image(ctx, i.ID)
	if err == nil && now.Upload != i.Upload {
		return nil
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err := errors.Join(g.bytes.Delete(ctx, i.ID), g.bytes.Delete(ctx, staged(i.ID))); err != nil {
		return err
	}
	err = g.end(ctx, i, func(now *Image) { now.Status, now.Size = Queued, nil })
	if fault.Is(err, fault.Gone) {
		return nil
	}
	return err
}

// full words what can go wrong with bytes: refused content, no room.
func full(err error) error {
	var refused *inspect.Refused
	switch {
	case fault.Of(err) != nil:
		return err
	case errors.As(err, &refused):
		return fault.New(fault.Unsupported, "The image was refused: %s", refused.Reason)
	case noSpace(err):
		return fault.New(fault.TooLarge, "There is not enough disk space on the image storage media.").Because(err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fault.New(fault.Invalid, "The upload was cut off.").Because(err)
	}
	return err
}

// A sink is where bytes go: the backend, both hashes and the inspector, at once.
type sink struct {
	w        io.Writer
	md5, sha hash.Hash
	insp     *inspect.Inspector
	n        int64
}

func newSink(w io.Writer, format string) *sink {
	return &sink{w: w, md5: md5.New(), sha: sha512.New(), insp: inspect.New(format)}
}

// blind is a sink that only keeps: what is staged is looked at when it is imported.
func blind(w io.Writer) *sink { return &sink{w: w} }

const chunk = 1 << 20

// drink reads to the end, two chunks in flight: one is read while the other is
// hashed and written. touch is called every few seconds.
func (s *sink) drink(r io.Reader, touch func() error) error {
	bufs := [2][]byte{make([]byte, chunk), make([]byte, chunk)}
	last := time.Now()
	var pending chan error
	wait := func() error {
		if pending == nil {
			return nil
		}
		err := <-pending
		pending = nil
		return err
	}
	for k := 0; ; k ^= 1 {
		n, err := io.ReadFull(r, bufs[k])
		end := err == io.EOF || err == io.ErrUnexpectedEOF && n < chunk && cutClean(r)
		if e := wait(); e != nil {
			return e
		}
		if n > 0 {
			pending = make(chan error, 1)
			go func(b []byte, done chan<- error) { done <- s.swallow(b) }(bufs[k][:n], pending)
		}
		if err != nil {
			if e := wait(); e != nil || end {
				return e
			}
			return err
		}
		if time.Since(last) > 5*time.Second {
			last = time.Now()
			if err := touch(); err != nil {
				wait()
				return err
			}
		}
	}
}

// cutClean tells a body that ended from one that was cut off: another read says EOF.
func cutClean(r io.Reader) bool {
	var one [1]byte
	_, err := r.Read(one[:])
	return err == io.EOF
}

func (s *sink) swallow(b []byte) error {
	if s.insp == nil {
		s.n += int64(len(b))
		_, err := s.w.Write(b)
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() { s.md5.Write(b) })
	wg.Go(func() { s.sha.Write(b) })
	s.n += int64(len(b))
	_, err := s.insp.Write(b)
	if err == nil {
		_, err = s.w.Write(b)
	}
	wg.Wait()
	return err
}
