package raw

import (
	"bytes"
	"context"
	"io"

	"stackd/cinder"
)

// A Mendable is a target that can be read, too.
type Mendable interface {
	io.ReaderAt
	cinder.Target
}

// Mend is Overwrite of a target that holds much of the content already: only what differs
// is written. To read is cheap where a snapshot has to keep what a write takes away.
func Mend(ctx context.Context, to Mendable, size int64, from cinder.Content) error {
	held, also := buffers.Get().(*[]byte), buffers.Get().(*[]byte)
	defer buffers.Put(held)
	defer buffers.Put(also)
	for at := int64(0); at < size; at += chunk {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(chunk, size-at)
		want, has := (*held)[:n], (*also)[:n]
		if err := readOr0(from, want, at); err != nil {
			return err
		}
		if err := whole(to.ReadAt(has, at)); err != nil {
			return err
		}
		if err := mend(to, at, want, has); err != nil {
			return err
		}
	}
	return nil
}

// readOr0 reads a content; behind its end there are zeros.
func readOr0(from cinder.Content, p []byte, at int64) error {
	n := max(0, min(int64(len(p)), from.Size()-at))
	clear(p[n:])
	if n == 0 {
		return nil
	}
	k, err := from.ReadAt(p[:n], at)
	if int64(k) == n {
		err = nil
	}
	return err
}

func whole(_ int, err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func mend(to cinder.Target, at int64, want, has []byte) error {
	for len(want) > 0 {
		n := min(block, len(want))
		if !bytes.Equal(want[:n], has[:n]) {
			var err error
			if IsZero(want[:n]) {
				err = to.Zero(at, int64(n))
			} else {
				_, err = to.WriteAt(want[:n], at)
			}
			if err != nil {
				return err
			}
		}
		want, has, at = want[n:], has[n:], at+int64(n)
	}
	return nil
}
