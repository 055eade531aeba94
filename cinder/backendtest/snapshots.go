package backendtest

import (
	"errors"

	"github.com/google/uuid"

	"stackd/cinder"
)

var snapshots = []test{
	{"a snapshot keeps what was there", func(e *env) {
		v := e.blank(1, head)
		p := e.snap(v)
		e.hasSnapshot(v, p, true)
		e.write(v, mid, mark{0, 64 * kib, 11})
		e.holds(v, p, 1, head)
		e.holds(v, "", 1, head, mid, mark{0, 64 * kib, 11})
	}},
	{"of a blank volume", func(e *env) {
		v := e.blank(1)
		p := e.snap(v)
		e.write(v, head)
		e.holds(v, p, 1)
	}},
	{"none is there before it is made", func(e *env) { e.hasSnapshot(e.blank(1), uuid.NewString(), false) }},
	{"none is there without a volume", func(e *env) { e.hasSnapshot(e.vol(), uuid.NewString(), false) }},
	{"it belongs to its volume", func(e *env) {
		a, b := e.blank(1), e.blank(1)
		p := e.snap(a)
		e.hasSnapshot(b, p, false)
		e.ok(e.b.DeleteSnapshot(e.ctx, b, p))
		e.hasSnapshot(a, p, true)
	}},
	{"making again leaves what is there", func(e *env) {
		v := e.blank(1, head)
		p := e.snap(v)
		e.write(v, mid)
		e.ok(e.b.CreateSnapshot(e.ctx, v, p))
		e.holds(v, p, 1, head)
	}},
	{"of a volume that is missing", func(e *env) {
		v, p := e.vol(), uuid.NewString()
		e.missing(e.b.CreateSnapshot(e.ctx, v, p))
		e.hasSnapshot(v, p, false)
	}},
	{"a snapshot goes and the volume stays", func(e *env) {
		v := e.blank(1, head)
		p := e.snap(v)
		e.write(v, mid)
		e.ok(e.b.DeleteSnapshot(e.ctx, v, p))
		e.hasSnapshot(v, p, false)
		e.holds(v, "", 1, head, mid)
	}},
	{"taking away what is not there is nothing", func(e *env) {
		v := e.blank(1)
		p := e.snap(v)
		e.ok(e.b.DeleteSnapshot(e.ctx, v, p))
		e.ok(e.b.DeleteSnapshot(e.ctx, v, p))
		e.ok(e.b.DeleteSnapshot(e.ctx, v, uuid.NewString()))
		e.ok(e.b.DeleteSnapshot(e.ctx, e.vol(), uuid.NewString()))
	}},
	{"opening one that is missing", func(e *env) {
		_, err := e.b.Open(e.ctx, e.blank(1), uuid.NewString())
		e.missing(err)
	}},
	{"several, each of its time", func(e *env) {
		v := e.blank(1)
		var ps []string
		var marks []mark
		for n := range 5 {
			marks = append(marks, mark{int64(n) * 96 * kib, 128 * kib, uint64(20 + n)})
			e.write(v, marks[n])
			ps = append(ps, e.snap(v))
		}
		for n, p := range ps {
			e.holds(v, p, 1, marks[:n+1]...)
		}
	}},
	{"gone in any order, the others stay", func(e *env) {
		for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}} {
			v := e.blank(1)
			var ps []string
			var marks []mark
			for n := range 3 {
				marks = append(marks, mark{int64(n) * 96 * kib, 128 * kib, uint64(30 + n)})
				e.write(v, marks[n])
				ps = append(ps, e.snap(v))
			}
			gone := map[int]bool{}
			for _, n := range order {
				e.ok(e.b.DeleteSnapshot(e.ctx, v, ps[n]))
				gone[n] = true
				for k, p := range ps {
					if !gone[k] {
						e.holds(v, p, 1, marks[:k+1]...)
					}
				}
			}
			e.holds(v, "", 1, marks...)
		}
	}},
	{"a volume with snapshots stays", func(e *env) {
		v := e.blank(1, head)
		p := e.snap(v)
		if err := e.b.Delete(e.ctx, v); !errors.Is(err, cinder.ErrHasSnapshots) {
			e.Fatalf("deleting it: %v", err)
		}
		e.holds(v, "", 1, head)
		e.holds(v, p, 1, head)
		e.ok(e.b.DeleteSnapshot(e.ctx, v, p))
		e.ok(e.b.Delete(e.ctx, v))
		e.has(v, 0)
	}},
	{"a snapshot keeps the size of its time", func(e *env) {
		v := e.blank(1, tail)
		p := e.snap(v)
		e.ok(e.b.Extend(e.ctx, v, 2))
		e.holds(v, p, 1, tail)
		e.holds(v, e.snap(v), 2, tail)
	}},
	{"back to a snapshot", func(e *env) {
		v := e.blank(1, head, tail)
		p := e.snap(v)
		e.write(v, mid, mark{0, 512 * kib, 12}, mark{tail.off, tail.n, 0})
		e.ok(e.b.Revert(e.ctx, v, p))
		e.holds(v, "", 1, head, tail)
		e.holds(v, p, 1, head, tail)
	}},
	{"back, and on from there", func(e *env) {
		v := e.blank(1, head)
		p := e.snap(v)
		e.write(v, mid)
		e.ok(e.b.Revert(e.ctx, v, p))
		e.write(v, tail)
		e.holds(v, "", 1, head, tail)
		e.holds(v, p, 1, head)
		e.ok(e.b.Revert(e.ctx, v, p))
		e.ok(e.b.Revert(e.ctx, v, p))
		e.holds(v, "", 1, head)
	}},
	{"back to an early one, the late one stays", func(e *env) {
		v := e.blank(1, head)
		early := e.snap(v)
		e.write(v, mid)
		late := e.snap(v)
		e.ok(e.b.Revert(e.ctx, v, early))
		e.holds(v, "", 1, head)
		e.holds(v, late, 1, head, mid)
		e.ok(e.b.Revert(e.ctx, v, late))
		e.holds(v, "", 1, head, mid)
		e.holds(v, early, 1, head)
	}},
	{"back to a smaller one keeps the size", func(e *env) {
		v := e.blank(1, head)
		p := e.snap(v)
		e.ok(e.b.Extend(e.ctx, v, 2))
		e.write(v, mark{2*gib - 64*kib, 64 * kib, 13})
		e.ok(e.b.Revert(e.ctx, v, p))
		e.has(v, 2)
		e.holds(v, "", 2, head)
	}},
	{"back to what is missing", func(e *env) {
		v := e.blank(1, head)
		e.missing(e.b.Revert(e.ctx, v, uuid.NewString()))
		e.holds(v, "", 1, head)
		e.missing(e.b.Revert(e.ctx, e.vol(), uuid.NewString()))
	}},
	{"back does not touch what was made of the snapshot", func(e *env) {
		v := e.blank(1, head)
		p := e.snap(v)
		c := e.clone(v, p, 1)
		e.write(c, tail)
		e.write(v, mid)
		e.ok(e.b.Revert(e.ctx, v, p))
		e.holds(c, "", 1, head, tail)
		e.holds(v, "", 1, head)
	}},
	{"a snapshot after going back", func(e *env) {
		v := e.blank(1, head)
		p := e.snap(v)
		e.write(v, mid)
		e.ok(e.b.Revert(e.ctx, v, p))
		q := e.snap(v)
		e.write(v, tail)
		e.ok(e.b.DeleteSnapshot(e.ctx, v, p))
		e.holds(v, q, 1, head)
		e.holds(v, "", 1, head, tail)
	}},
}
