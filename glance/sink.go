package glance

import (
	"context"
	"crypto/md5"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"io"
	"time"

	"stackd/internal/fault"
	"stackd/internal/inspect"
)

// A sink is where bytes go: the store, the hashes and the inspector, at once.
type sink struct {
	w        io.Writer
	md5, sha hash.Hash
	sign     *signature // nil: the image is not signed
	insp     *inspect.Inspector
	twice    double
	most     int64 // bytes that are taken
	virtual  int64 // bytes of a disk that a guest may see
	result   inspect.Result
	n        int64
}

// sink is one for an image's own bytes in a format.
func (g *Imaging) sink(ctx context.Context, i *Image, format string, most int64) (*sink, error) {
	sign, err := g.signature(ctx, i)
	return &sink{md5: md5.New(), sha: sha512.New(), sign: sign, insp: inspect.New(format), twice: double{format: format}, most: most, virtual: g.opts.VirtualSizeCap}, err
}

// blind is a sink that only keeps: what is staged is looked at when it is imported.
func blind(most int64) *sink { return &sink{most: most} }

// judge is the last word on what went by.
func (s *sink) judge() (err error) {
	if s.insp == nil {
		return nil
	}
	if s.result, err = s.insp.Result(); err != nil {
		return err
	}
	if s.result.VirtualSize > s.virtual {
		return fault.New(fault.Unsupported, "The image was refused: its disk would have %d bytes", s.result.VirtualSize)
	}
	return s.sign.verify()
}

// facts gives an image what is known of its bytes.
func (s *sink) facts(i *Image) {
	n, v := s.n, s.result.VirtualSize
	i.Size, i.VirtualSize = &n, &v
	i.Checksum, i.HashValue = hex.EncodeToString(s.md5.Sum(nil)), hex.EncodeToString(s.sha.Sum(nil))
}

const chunk = 256 << 10

// drink reads to the end, a chunk being read while the one before is hashed and
// written. touch is called every few seconds.
func (s *sink) drink(r io.Reader, touch func() error) error {
	h := s.hashers()
	defer h.stop()
	last := time.Now()
	for {
		b := h.buffer()
		n, err := io.ReadFull(r, b)
		end := err == io.EOF || err == io.ErrUnexpectedEOF && cutClean(r)
		if n > 0 {
			if e := h.take(b[:n]); e != nil {
				return e
			}
		}
		if end {
			return h.wait()
		}
		if err != nil {
			return err
		}
		if time.Since(last) > 5*time.Second {
			last = time.Now()
			if err := touch(); err != nil {
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

// keep looks at the next bytes and writes them.
func (s *sink) keep(b []byte) error {
	if s.n += int64(len(b)); s.n > s.most {
		return fault.New(fault.TooLarge, "The incoming image is too large: it has more than %d bytes", s.most)
	}
	if s.insp != nil {
		if _, err := s.insp.Write(b); err != nil {
			return err
		}
		if err := s.twice.look(b); err != nil {
			return err
		}
	}
	_, err := s.w.Write(b)
	return err
}
