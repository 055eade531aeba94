package glance

import (
	"hash"
	"sync"
)

// hashers are a sink's workers: one for each hash and one that writes, each on its
// own, all going through the same chunks. As many chunks as there are buffers are
// under way at most.
type hashers struct {
	s     *sink
	free  chan []byte
	lines []chan shared
	all   sync.WaitGroup
	once  sync.Once
	mu    sync.Mutex
	err   error
}

// A shared chunk goes back when all lines are through with it.
type shared struct {
	b    []byte
	left *sync.WaitGroup
}

const buffers = 6

func (s *sink) hashers() *hashers {
	h := &hashers{s: s, free: make(chan []byte, buffers)}
	for range buffers {
		h.free <- make([]byte, chunk)
	}
	h.line(func(b []byte) {
		if h.failed() == nil {
			h.fail(s.keep(b))
		}
	})
	for _, x := range []hash.Hash{s.md5, s.sha} {
		if x != nil {
			h.line(func(b []byte) { x.Write(b) })
		}
	}
	if s.sign != nil {
		h.line(func(b []byte) { s.sign.hash.Write(b) })
	}
	return h
}

func (h *hashers) line(f func([]byte)) {
	c := make(chan shared, buffers)
	h.lines = append(h.lines, c)
	h.all.Go(func() {
		for x := range c {
			f(x.b)
			x.left.Done()
		}
	})
}

func (h *hashers) buffer() []byte { return <-h.free }

// take hands a chunk to all lines; an error is of one before it.
func (h *hashers) take(b []byte) error {
	left := new(sync.WaitGroup)
	left.Add(len(h.lines))
	for _, c := range h.lines {
		c <- shared{b, left}
	}
	go func() { left.Wait(); h.free <- b[:chunk] }()
	return h.failed()
}

// wait waits for all chunks.
func (h *hashers) wait() error { h.stop(); return h.failed() }

func (h *hashers) stop() {
	h.once.Do(func() {
		for _, c := range h.lines {
			close(c)
		}
	})
	h.all.Wait()
}

func (h *hashers) failed() error { h.mu.Lock(); defer h.mu.Unlock(); return h.err }

func (h *hashers) fail(err error) {
	h.mu.Lock()
	if h.err == nil {
		h.err = err
	}
	h.mu.Unlock()
}
