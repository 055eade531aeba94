package backendtest

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"slices"

	"stackd/cinder"
)

const (
	kib = int64(1) << 10
	mib = int64(1) << 20
	gib = int64(1) << 30
)

// A mark is a place that holds noise made of a seed; seed 0 is zeros.
type mark struct {
	off  int64
	n    int64
	seed uint64
}

func (m mark) bytes() []byte { return m.part(0, m.n) }

// part is n bytes from a place within the mark: noise is made by the block.
func (m mark) part(from, n int64) []byte {
	first := from / noise
	p := make([]byte, (from+n-first*noise+noise-1)/noise*noise)
	if m.seed != 0 {
		for k := int64(0); k*noise < int64(len(p)); k++ {
			m.block(first+k, p[k*noise:(k+1)*noise])
		}
	}
	return p[from-first*noise:][:n]
}

const noise = 4096

func (m mark) block(k int64, p []byte) {
	r := rand.New(rand.NewPCG(m.seed, uint64(m.off+k)))
	for i := 0; i < len(p); i += 8 {
		binary.LittleEndian.PutUint64(p[i:], r.Uint64()|0x0101010101010101)
	}
}

// body is what a disk of size bytes holds: marks, later ones over earlier ones, and zeros.
type body struct {
	size  int64
	marks []mark
}

// write writes marks to a volume.
func (e *env) write(v string, marks ...mark) {
	e.Helper()
	if len(marks) == 0 {
		return
	}
	t, err := e.b.Edit(e.ctx, v)
	e.ok(err)
	for _, m := range marks {
		if m.seed == 0 {
			err = t.Zero(m.off, m.n)
		} else {
			_, err = t.WriteAt(m.bytes(), m.off)
		}
		if err != nil {
			break
		}
	}
	if cerr := t.Close(); err == nil {
		err = cerr
	}
	e.ok(err)
}

// holds wants a volume's or snapshot's content to be this, and nothing else.
func (e *env) holds(v, p string, size int64, marks ...mark) {
	e.Helper()
	c, err := e.b.Open(e.ctx, v, p)
	e.ok(err)
	defer c.Close()
	e.same(c, body{size * gib, marks})
}

func (e *env) same(c cinder.Content, want body) {
	e.Helper()
	if c.Size() != want.size {
		e.Fatalf("it has %d bytes, not %d", c.Size(), want.size)
	}
	for _, at := range want.places(c) {
		n := min(64*kib, want.size-at)
		got := make([]byte, n)
		if k, err := c.ReadAt(got, at); int64(k) < n {
			e.Fatalf("reading %d at %d: %d, %v", n, at, k, err)
		}
		if exp := want.at(at, n); !bytes.Equal(got, exp) {
			e.Fatalf("at %d the content is another (zero wanted: %v, zero there: %v)", at, isZero(exp), isZero(got))
		}
	}
}

func isZero(p []byte) bool { return bytes.Equal(p, make([]byte, len(p))) }

// at is what the body holds there.
func (b body) at(off, n int64) []byte {
	p := make([]byte, n)
	for _, m := range b.marks {
		from, to := max(off, m.off), min(off+n, m.off+m.n)
		if from < to {
			copy(p[from-off:to-off], m.part(from-m.off, to-from))
		}
	}
	return p
}

// places are where to look: all the marks with what is around them, some places by
// chance, and all that the content itself says is data unless that is much.
func (b body) places(c cinder.Content) []int64 {
	at := map[int64]bool{0: true, b.size - 64*kib: true}
	add := func(from, to int64) {
		for x := from / (64 * kib) * (64 * kib); x < to; x += 64 * kib {
			if x >= 0 && x < b.size {
				at[x] = true
			}
		}
	}
	for _, m := range b.marks {
		add(m.off-64*kib, m.off+m.n+64*kib)
	}
	for range 32 {
		x := rand.Int64N(b.size)
		add(x, x+1)
	}
	if runs, ok := dataOf(c, 64*mib); ok {
		for _, r := range runs {
			add(r[0], r[1])
		}
	}
	all := make([]int64, 0, len(at))
	for x := range at {
		all = append(all, x)
	}
	slices.Sort(all)
	return all
}

// dataOf are the runs of data, if they are no more than most in all.
func dataOf(c cinder.Content, most int64) (runs [][2]int64, ok bool) {
	sum := int64(0)
	for at := int64(0); ; {
		start, end, err := c.Data(at)
		if err == io.EOF {
			return runs, true
		}
		if sum += end - start; err != nil || sum > most {
			return nil, false
		}
		runs = append(runs, [2]int64{start, end})
		at = end
	}
}

// memory is a content that is marks in memory; breaks makes reading past it fail.
type memory struct {
	body
	breaks int64
	err    error
	read   func(off int64)
}

func (m *memory) Size() int64  { return m.size }
func (m *memory) Close() error { return nil }

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	if m.read != nil {
		m.read(off)
	}
	if m.err != nil && off+int64(len(p)) > m.breaks {
		return 0, m.err
	}
	n := min(int64(len(p)), m.size-off)
	if n <= 0 {
		return 0, io.EOF
	}
	copy(p, m.at(off, n))
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// Data says that marks are data, and zeros between are not.
func (m *memory) Data(off int64) (int64, int64, error) {
	start, end := m.size, m.size
	for _, k := range m.marks {
		if k.off+k.n > off && max(k.off, off) < start {
			start, end = max(k.off, off), min(k.off+k.n, m.size)
		}
	}
	if start >= m.size {
		return 0, 0, io.EOF
	}
	return start, end, nil
}
