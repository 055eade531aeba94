package backup

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"stackd/cinder"
	"stackd/internal/converge"
)

// Open opens a backup; what is damaged is an error when it is read.
func (v *Vault) Open(ctx context.Context, backup string) (cinder.Content, error) {
	m, err := v.manifest(ctx, backup)
	if errors.Is(err, ErrMissing) {
		err = converge.Finalf("backup %s is not there", backup)
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	return &content{v: v, m: m, ctx: ctx, cancel: cancel, pieces: map[int]*piece{}}, nil
}

// A content is a backup that is read. Who reads in order finds the next chunks on their way.
type content struct {
	v      *Vault
	m      *manifest
	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	pieces map[int]*piece // by the index in m.chunks
}

var _ cinder.Content = (*content)(nil)

// A piece is a chunk that is being read, or has been.
type piece struct {
	done chan struct{}
	data []byte
	err  error
}

func (c *content) Size() int64 { return c.m.Size }

// Close ends reading.
func (c *content) Close() error { c.cancel(); return nil }

// find is the first chunk that is the at-th of the volume or comes after it.
func (c *content) find(at int64) int {
	n, _ := slices.BinarySearchFunc(c.m.chunks, at, func(x chunk, at int64) int { return int(x.at - at) })
	return n
}

// Data is the next run of chunks.
func (c *content) Data(off int64) (start, end int64, err error) {
	n := c.find(off / c.m.Chunk)
	if off >= c.m.Size || n == len(c.m.chunks) {
		return 0, 0, io.EOF
	}
	start = max(off, c.m.chunks[n].at*c.m.Chunk)
	for n+1 < len(c.m.chunks) && c.m.chunks[n+1].at == c.m.chunks[n].at+1 {
		n++
	}
	return start, min((c.m.chunks[n].at+1)*c.m.Chunk, c.m.Size), nil
}

// ReadAt reads at any place.
func (c *content) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) && off < c.m.Size {
		at := off / c.m.Chunk
		within := off - at*c.m.Chunk
		k := int(min(c.m.length(at)-within, int64(len(p)-n)))
		if i := c.find(at); i < len(c.m.chunks) && c.m.chunks[i].at == at {
			x := c.piece(i)
			select {
			case <-x.done:
			case <-c.ctx.Done():
				return n, c.ctx.Err()
			}
			if x.err != nil {
				return n, x.err
			}
			copy(p[n:n+k], x.data[within:])
		} else {
			clear(p[n : n+k])
		}
		n, off = n+k, off+int64(k)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// piece has a chunk read, and those that come after it; the others are forgotten.
func (c *content) piece(i int) *piece {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range c.pieces {
		if n < i || n >= i+parallel {
			delete(c.pieces, n)
		}
	}
	for n := i; n < min(i+parallel, len(c.m.chunks)); n++ {
		if c.pieces[n] == nil {
			c.pieces[n] = c.read(c.m.chunks[n])
		}
	}
	return c.pieces[i]
}

func (c *content) read(x chunk) *piece {
	p := &piece{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.data, p.err = c.v.chunk(c.ctx, c.m.Owners[x.owner], x.sum, c.m.length(x.at))
	}()
	return p
}
