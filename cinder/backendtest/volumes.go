package backendtest

import (
	"errors"
	"io"

	"github.com/google/uuid"

	"stackd/cinder"
)

var (
	head = mark{0, 256 * kib, 1}
	mid  = mark{300*mib + 4*kib, 200 * kib, 2}
	tail = mark{gib - 64*kib, 64 * kib, 3}
)

var volumes = []test{
	{"a blank volume reads as zeros", func(e *env) { e.holds(e.blank(1), "", 1) }},
	{"sizes are what was wished", func(e *env) {
		for size := int64(1); size <= 3; size++ {
			e.has(e.blank(size), size)
		}
	}},
	{"none is there before it is made", func(e *env) { e.has(e.vol(), 0) }},
	{"what is written is read", func(e *env) {
		v := e.blank(1, head, mid, tail)
		e.holds(v, "", 1, head, mid, tail)
	}},
	{"writing over, and zeros", func(e *env) {
		over, gone := mark{64 * kib, 64 * kib, 9}, mark{mid.off, mid.n, 0}
		v := e.blank(1, head, mid, over, gone)
		e.holds(v, "", 1, head, over)
	}},
	{"writes of odd places and lengths", func(e *env) {
		odd := []mark{{513, 8, 4}, {70*kib + 1, 1000, 5}, {gib - 3*8, 24, 6}}
		e.holds(e.blank(1, odd...), "", 1, odd...)
	}},
	{"zeros in odd places leave their neighbours", func(e *env) {
		hole := mark{64*kib + 100, 1000, 0}
		e.holds(e.blank(1, head, hole), "", 1, head, hole)
	}},
	{"nothing is written past the end", func(e *env) {
		v := e.blank(1)
		t, err := e.b.Edit(e.ctx, v)
		e.ok(err)
		if _, err := t.WriteAt(make([]byte, 4096), gib-1024); err == nil {
			e.Error("a write past the end was taken")
		}
		if err := t.Zero(gib-1024, 4096); err == nil {
			e.Error("zeros past the end were taken")
		}
		e.ok(t.Close())
		e.holds(v, "", 1)
	}},
	{"making again leaves what is there", func(e *env) {
		v := e.blank(1, head)
		e.ok(e.b.Create(e.ctx, v, 1, cinder.Source{}))
		e.ok(e.b.Create(e.ctx, v, 2, cinder.Source{Content: &memory{body: body{gib, []mark{mid}}}}))
		e.has(v, 1)
		e.holds(v, "", 1, head)
	}},
	{"a grown volume keeps its content and has zeros after", func(e *env) {
		v := e.blank(1, head, tail)
		e.ok(e.b.Extend(e.ctx, v, 3))
		e.has(v, 3)
		e.holds(v, "", 3, head, tail)
		far := mark{3*gib - 64*kib, 64 * kib, 7}
		e.write(v, far)
		e.holds(v, "", 3, head, tail, far)
	}},
	{"growing again is nothing, and none shrinks", func(e *env) {
		v := e.blank(2, head)
		e.ok(e.b.Extend(e.ctx, v, 2))
		e.ok(e.b.Extend(e.ctx, v, 1))
		e.has(v, 2)
		e.holds(v, "", 2, head)
	}},
	{"one that is missing does not grow", func(e *env) { e.missing(e.b.Extend(e.ctx, e.vol(), 2)) }},
	{"a volume goes", func(e *env) {
		v := e.blank(1, head)
		e.ok(e.b.Delete(e.ctx, v))
		e.has(v, 0)
		_, err := e.b.Open(e.ctx, v, "")
		e.missing(err)
	}},
	{"taking away what is not there is nothing", func(e *env) {
		v := e.vol()
		e.ok(e.b.Delete(e.ctx, v))
		e.ok(e.b.Create(e.ctx, v, 1, cinder.Source{}))
		e.ok(e.b.Delete(e.ctx, v))
		e.ok(e.b.Delete(e.ctx, v))
	}},
	{"made anew, nothing of the old is seen", func(e *env) {
		v := e.blank(1, head, mid, tail)
		e.ok(e.b.Delete(e.ctx, v))
		e.ok(e.b.Create(e.ctx, v, 1, cinder.Source{}))
		e.holds(v, "", 1)
	}},
	{"nothing of others is seen", func(e *env) {
		wide := mark{0, 24 * mib, 8}
		e.ok(e.b.Delete(e.ctx, e.blank(1, wide)))
		e.holds(e.blank(1), "", 1)
	}},
	{"volumes do not share their writes", func(e *env) {
		a, b := e.blank(1, head), e.blank(1, mid)
		e.holds(a, "", 1, head)
		e.holds(b, "", 1, mid)
	}},
	{"editing one that is missing", func(e *env) { _, err := e.b.Edit(e.ctx, e.vol()); e.missing(err) }},
	{"opening one that is missing", func(e *env) { _, err := e.b.Open(e.ctx, e.vol(), ""); e.missing(err) }},
	{"there is room, and it is told", func(e *env) {
		total, free, err := e.b.Capacity(e.ctx)
		e.ok(err)
		if total <= 0 || free <= 0 || free > total {
			e.Errorf("%g GiB of %g are free", free, total)
		}
	}},
	{"what it can is told", func(e *env) {
		if f := e.b.Features(); f.Protocol == "" || f.Vendor == "" {
			e.Errorf("%+v", f)
		}
	}},
	{"many readers at once", func(e *env) {
		v := e.blank(1, head, mid)
		c, err := e.b.Open(e.ctx, v, "")
		e.ok(err)
		defer c.Close()
		fails := make(chan error, 8)
		for range 8 {
			go func() {
				p := make([]byte, mid.n)
				_, err := c.ReadAt(p, mid.off)
				if err == nil && string(p) != string(mid.bytes()) {
					err = errors.New("another content")
				}
				fails <- err
			}()
		}
		for range 8 {
			e.ok(<-fails)
		}
	}},
	{"the map of data leaves nothing out", func(e *env) {
		c, err := e.b.Open(e.ctx, e.blank(1, head, mid, tail), "")
		e.ok(err)
		defer c.Close()
		for _, m := range []mark{head, mid, tail} {
			for at := m.off; at < m.off+m.n; at += 4 * kib {
				if start, end, err := c.Data(at); err != nil || start > at || end <= at {
					e.Fatalf("at %d data is said to be in %d..%d (%v)", at, start, end, err)
				}
			}
		}
		if _, _, err := c.Data(gib); err != io.EOF {
			e.Errorf("at the end: %v", err)
		}
	}},
}

// hostile are names that no id has.
var hostile = []string{"", ".", "..", "../x", "/etc/passwd", "a/b", "-rf", "--help", "x;reboot", "$(id)", "a b", "a\nb", "a\x00b", "@snap",
	"volume@x", "%s", "é", "volume-" + uuid.NewString(), uuid.NewString() + "/..", uuid.NewString() + "\n"}

var names = []test{
	{"volumes have no such names", func(e *env) {
		for _, n := range hostile {
			e.refused(n, e.b.Create(e.ctx, n, 1, cinder.Source{}))
			e.refused(n, e.b.Extend(e.ctx, n, 2))
			e.refused(n, e.b.Delete(e.ctx, n))
			_, ok, err := e.b.Has(e.ctx, n)
			e.refused(n, err)
			if ok {
				e.Errorf("%q is there", n)
			}
			_, err = e.b.Open(e.ctx, n, "")
			e.refused(n, err)
			_, err = e.b.Edit(e.ctx, n)
			e.refused(n, err)
			_, _, err = e.b.Connect(e.ctx, n, uuid.NewString())
			e.refused(n, err)
		}
	}},
	{"snapshots have no such names", func(e *env) {
		v := e.blank(1)
		for _, n := range hostile {
			e.refused(n, e.b.CreateSnapshot(e.ctx, v, n))
			e.refused(n, e.b.DeleteSnapshot(e.ctx, v, n))
			e.refused(n, e.b.Revert(e.ctx, v, n))
			_, err := e.b.HasSnapshot(e.ctx, v, n)
			e.refused(n, err)
			if n != "" {
				_, err = e.b.Open(e.ctx, v, n)
				e.refused(n, err)
			}
		}
		found, err := e.b.Manageable(e.ctx, v)
		e.ok(err)
		if len(found) > 0 {
			e.Errorf("snapshots came: %v", found)
		}
	}},
	{"originals have no such names", func(e *env) {
		v := e.blank(1)
		for _, n := range hostile[1:] {
			e.refused(n, e.b.Create(e.ctx, e.vol(), 1, cinder.Source{VolumeID: n}))
			e.refused(n, e.b.Create(e.ctx, e.vol(), 1, cinder.Source{VolumeID: v, SnapshotID: n}))
		}
	}},
}

func (e *env) refused(name string, err error) {
	e.Helper()
	if err == nil {
		e.Errorf("%q was taken as a name", name)
	}
}
