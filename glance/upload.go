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
	upload := uuid.NewString()
	i, err := g.Change(ctx, id, func(ctx context.Context, i *Image) error {
		if err := may(i); err != nil {
			return err
		}
		if i.Status != Queued {
			return fault.New(fault.Conflict, "Image status transition from %s to saving is not allowed", i.Status)
		}
		if i.DiskFormat == "" || i.ContainerFormat == "" {
			return fault.New(fault.Invalid, "Properties disk_format, container_format must be set prior to saving data.")
		}
		i.Status, i.Upload, i.TouchedAt = Saving, upload, g.Now()
		return nil
	})
	if err != nil {
		return err
	}
	err = g.take(ctx, i, body, size)
	if err != nil {
		err = errors.Join(err, g.giveUp(context.WithoutCancel(ctx), id, upload))
	}
	return err
}

// take streams the bytes into the backend and makes the image active.
func (g *Imaging) take(ctx context.Context, i *Image, body io.Reader, size int64) error {
	w, err := g.bytes.Create(ctx, i.ID)
	if err != nil {
		return full(err)
	}
	defer w.Abort() // does nothing after Commit
	s := newSink(w, i.DiskFormat)
	if err := s.drink(body, func() error { return g.Touch(ctx, i.ID, i.Upload) }); err != nil {
		return full(err)
	}
	if size >= 0 && s.n != size {
		return fault.New(fault.Invalid, "The upload ended after %d of %d bytes.", s.n, size)
	}
	facts, err := s.insp.Result()
	if err != nil {
		return full(err)
	}
	if err := w.Commit(); err != nil {
		return full(err)
	}
	return g.settle(ctx, i, s, facts)
}

// settle writes what the bytes turned out to be, unless the image has gone meanwhile.
func (g *Imaging) settle(ctx context.Context, i *Image, s *sink, facts inspect.Result) error {
	return g.Tx(context.WithoutCancel(ctx), func(ctx context.Context) error {
		now, err := g.Image(ctx, i.ID)
		if err != nil || now.Upload != i.Upload || now.Status != Saving {
			g.bytes.Delete(ctx, i.ID)
			return fault.New(fault.Gone, "Image %s could not be found after upload. The image may have been deleted during the upload.", i.ID).Because(err)
		}
		now.Status, now.Upload, now.TouchedAt, now.UpdatedAt = Active, "", time.Time{}, g.Now()
		now.Size, now.VirtualSize = &s.n, &facts.VirtualSize
		now.Checksum, now.HashValue = hex.EncodeToString(s.md5.Sum(nil)), hex.EncodeToString(s.sha.Sum(nil))
		return g.Update(ctx, now)
	})
}

// giveUp puts an image back to queued if the upload is still its own.
func (g *Imaging) giveUp(ctx context.Context, id, upload string) error {
	return g.Tx(ctx, func(ctx context.Context) error {
		i, err := g.Image(ctx, id)
		if fault.Is(err, fault.NotFound) || err == nil && (i.Upload != upload || i.Status != Saving) {
			return nil
		}
		if err != nil {
			return err
		}
		i.Status, i.Upload, i.TouchedAt = Queued, "", time.Time{}
		return g.Update(ctx, i)
	})
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
