package raw

import (
	"bytes"
	"context"
	"io"
	"sync"

	"stackd/cinder"
)

const (
	// chunk is what is read at once, block what is looked at for zeros.
	chunk = 1 << 20
	block = 64 << 10
)

var buffers = sync.Pool{New: func() any { b := make([]byte, chunk); return &b }}

var zeros [block]byte

// IsZero tells whether p holds nothing but zeros.
func IsZero(p []byte) bool {
	for len(p) > block {
		if !bytes.Equal(p[:block], zeros[:]) {
			return false
		}
		p = p[block:]
	}
	return bytes.Equal(p, zeros[:len(p)])
}

// Copy writes a content over a target that reads as zeros: what is zero is not written.
func Copy(ctx context.Context, to io.WriterAt, from cinder.Content) error {
	return runs(from, func(start, end int64) error { return copyRun(ctx, to, from, start, end) })
}

// Overwrite writes a content over a target that holds something else. What the
// content lacks of the target's size becomes zeros.
func Overwrite(ctx context.Context, to cinder.Target, size int64, from cinder.Content) error {
	at := int64(0)
	clear := func(until int64) error {
		if until <= at {
			return nil
		}
		return to.Zero(at, until-at)
	}
	err := runs(from, func(start, end int64) error {
		if err := clear(start); err != nil {
			return err
		}
		at = end
		return overwriteRun(ctx, to, from, start, end)
	})
	if err != nil {
		return err
	}
	return clear(size)
}

// runs calls f for the runs of data.
func runs(from cinder.Content, f func(start, end int64) error) error {
	for at := int64(0); ; {
		start, end, err := from.Data(at)
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = f(start, end)
		}
		if err != nil {
			return err
		}
		at = end
	}
}

func copyRun(ctx context.Context, to io.WriterAt, from io.ReaderAt, start, end int64) error {
	return each(ctx, from, start, end, func(p []byte, at int64) error {
		if IsZero(p) {
			return nil
		}
		_, err := to.WriteAt(p, at)
		return err
	})
}

func overwriteRun(ctx context.Context, to cinder.Target, from io.ReaderAt, start, end int64) error {
	return each(ctx, from, start, end, func(p []byte, at int64) error {
		if IsZero(p) {
			return to.Zero(at, int64(len(p)))
		}
		_, err := to.WriteAt(p, at)
		return err
	})
}

// each reads a run, and calls f for parts of it: neighbours that are all zero, or all not.
func each(ctx context.Context, from io.ReaderAt, start, end int64, f func(p []byte, at int64) error) error {
	held := buffers.Get().(*[]byte)
	defer buffers.Put(held)
	for at := start; at < end; {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := (*held)[:min(chunk, end-at)]
		if n, err := from.ReadAt(p, at); n < len(p) {
			if err == io.EOF || err == nil {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if err := parts(p, at, f); err != nil {
			return err
		}
		at += int64(len(p))
	}
	return nil
}

// parts cuts p where zeros begin and end.
func parts(p []byte, at int64, f func(p []byte, at int64) error) error {
	for len(p) > 0 {
		n := min(block, len(p))
		for kind := IsZero(p[:n]); n < len(p) && IsZero(p[n:min(n+block, len(p))]) == kind; {
			n = min(n+block, len(p))
		}
		if err := f(p[:n], at); err != nil {
			return err
		}
		p, at = p[n:], at+int64(n)
	}
	return nil
}

// A Stream writes what comes in order to a target that reads as zeros, and skips zeros.
type Stream struct {
	To  io.WriterAt
	Max int64 // more than this is ErrTooLong; 0 is no bound
	At  int64
}

// Write writes the next bytes.
func (s *Stream) Write(p []byte) (int, error) {
	if s.Max > 0 && s.At+int64(len(p)) > s.Max {
		return 0, ErrTooLong
	}
	err := parts(p, s.At, func(p []byte, at int64) error {
		if IsZero(p) {
			return nil
		}
		_, err := s.To.WriteAt(p, at)
		return err
	})
	if err != nil {
		return 0, err
	}
	s.At += int64(len(p))
	return len(p), nil
}

// Reader ends with its context.
func Reader(ctx context.Context, r io.Reader) io.Reader { return reader{ctx, r} }

type reader struct {
	ctx context.Context
	io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
