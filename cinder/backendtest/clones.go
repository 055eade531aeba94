package backendtest

import (
	"github.com/google/uuid"

	"stackd/cinder"
)

var clones = []test{
	{"of a volume", func(e *env) {
		v := e.blank(1, head, tail)
		c := e.clone(v, "", 1)
		e.has(c, 1)
		e.holds(c, "", 1, head, tail)
	}},
	{"of a snapshot", func(e *env) {
		v := e.blank(1, head)
		p := e.snap(v)
		e.write(v, mid)
		e.holds(e.clone(v, p, 1), "", 1, head)
	}},
	{"larger than the original, zeros after", func(e *env) {
		v := e.blank(1, tail)
		e.holds(e.clone(v, "", 2), "", 2, tail)
		e.holds(e.clone(v, e.snap(v), 3), "", 3, tail)
	}},
	{"of a small snapshot of a grown volume", func(e *env) {
		v := e.blank(1, head)
		p := e.snap(v)
		e.ok(e.b.Extend(e.ctx, v, 2))
		e.write(v, mark{gib, 64 * kib, 41})
		e.holds(e.clone(v, p, 1), "", 1, head)
		e.holds(e.clone(v, p, 2), "", 2, head)
	}},
	{"never smaller than the original", func(e *env) {
		v := e.blank(2, head)
		c := e.vol()
		e.final(e.b.Create(e.ctx, c, 1, cinder.Source{VolumeID: v}))
		e.has(c, 0)
	}},
	{"neither sees the other's writes", func(e *env) {
		v := e.blank(1, head)
		c := e.clone(v, "", 1)
		e.write(v, mid)
		e.write(c, tail, mark{0, 64 * kib, 42})
		e.holds(v, "", 1, head, mid)
		e.holds(c, "", 1, head, tail, mark{0, 64 * kib, 42})
	}},
	{"neither does the snapshot", func(e *env) {
		v := e.blank(1, head)
		p := e.snap(v)
		e.write(e.clone(v, p, 1), mark{0, 64 * kib, 43})
		e.holds(v, p, 1, head)
	}},
	{"making again leaves what is there", func(e *env) {
		v := e.blank(1, head)
		c := e.clone(v, "", 1)
		e.write(c, mid)
		e.ok(e.b.Create(e.ctx, c, 1, cinder.Source{VolumeID: v}))
		e.holds(c, "", 1, head, mid)
	}},
	{"of what is missing", func(e *env) {
		c := e.vol()
		e.missing(e.b.Create(e.ctx, c, 1, cinder.Source{VolumeID: uuid.NewString()}))
		e.has(c, 0)
		e.missing(e.b.Create(e.ctx, c, 1, cinder.Source{VolumeID: e.blank(1), SnapshotID: uuid.NewString()}))
		e.has(c, 0)
	}},
	{"the original goes", func(e *env) {
		v := e.blank(1, head)
		c := e.clone(v, "", 1)
		e.ok(e.b.Delete(e.ctx, v))
		e.has(v, 0)
		e.holds(c, "", 1, head)
	}},
	{"the snapshot goes, and then the volume", func(e *env) {
		v := e.blank(1, head)
		p := e.snap(v)
		c := e.clone(v, p, 1)
		e.ok(e.b.DeleteSnapshot(e.ctx, v, p))
		e.hasSnapshot(v, p, false)
		e.holds(c, "", 1, head)
		e.ok(e.b.Delete(e.ctx, v))
		e.holds(c, "", 1, head)
	}},
	{"an id may come again after what it was made of is still used", func(e *env) {
		v := e.blank(1, head)
		c := e.clone(v, "", 1)
		e.ok(e.b.Delete(e.ctx, v))
		e.ok(e.b.Create(e.ctx, v, 1, cinder.Source{}))
		e.holds(v, "", 1)
		e.holds(c, "", 1, head)
	}},
	{"a copy of a copy of a copy", func(e *env) {
		v := e.blank(1, head)
		for n := range 6 {
			c := e.clone(v, "", 1)
			e.write(c, mark{int64(n+1) * mib, 64 * kib, uint64(50 + n)})
			if n%2 == 0 {
				e.ok(e.b.Delete(e.ctx, v))
			}
			v = c
		}
		want := []mark{head}
		for n := range 6 {
			want = append(want, mark{int64(n+1) * mib, 64 * kib, uint64(50 + n)})
		}
		e.holds(v, "", 1, want...)
	}},
	{"snapshots of copies of snapshots", func(e *env) {
		v := e.blank(1, head)
		c := e.clone(v, e.snap(v), 1)
		e.write(c, mid)
		p := e.snap(c)
		e.write(c, tail)
		d := e.clone(c, p, 1)
		e.holds(d, "", 1, head, mid)
		e.holds(c, p, 1, head, mid)
		e.holds(c, "", 1, head, mid, tail)
	}},
	{"a copy grows", func(e *env) {
		v := e.blank(1, tail)
		c := e.clone(v, e.snap(v), 1)
		e.ok(e.b.Extend(e.ctx, c, 2))
		e.holds(c, "", 2, tail)
		e.has(v, 1)
	}},
	{"a copy goes and the original stays", func(e *env) {
		v := e.blank(1, head)
		p := e.snap(v)
		e.ok(e.b.Delete(e.ctx, e.clone(v, p, 1)))
		e.ok(e.b.Delete(e.ctx, e.clone(v, "", 1)))
		e.holds(v, "", 1, head)
		e.holds(v, p, 1, head)
	}},
	{"a copy goes back to its own snapshot", func(e *env) {
		v := e.blank(1, head)
		c := e.clone(v, e.snap(v), 1)
		p := e.snap(c)
		e.write(c, mid)
		e.ok(e.b.Revert(e.ctx, c, p))
		e.holds(c, "", 1, head)
	}},
	{"a family goes, eldest first", func(e *env) {
		v := e.blank(1, head)
		p := e.snap(v)
		c := e.clone(v, p, 1)
		q := e.snap(c)
		d := e.clone(c, q, 1)
		e.ok(e.b.DeleteSnapshot(e.ctx, v, p))
		e.ok(e.b.Delete(e.ctx, v))
		e.ok(e.b.DeleteSnapshot(e.ctx, c, q))
		e.ok(e.b.Delete(e.ctx, c))
		e.holds(d, "", 1, head)
	}},
}

var contents = []test{
	{"of a content elsewhere", func(e *env) {
		v := e.vol()
		e.ok(e.b.Create(e.ctx, v, 1, cinder.Source{Content: &memory{body: body{gib, []mark{head, mid, tail}}}}))
		e.holds(v, "", 1, head, mid, tail)
	}},
	{"a smaller one, zeros after", func(e *env) {
		v := e.vol()
		e.ok(e.b.Create(e.ctx, v, 2, cinder.Source{Content: &memory{body: body{gib + 512, []mark{head, tail}}}}))
		e.holds(v, "", 2, head, tail)
	}},
	{"a larger one is refused", func(e *env) {
		v := e.vol()
		e.final(e.b.Create(e.ctx, v, 1, cinder.Source{Content: &memory{body: body{gib + 1, nil}}}))
		e.has(v, 0)
	}},
	{"one that breaks off leaves nothing", func(e *env) {
		v := e.vol()
		broken := &memory{body: body{gib, []mark{head, mid}}, breaks: 200 * mib, err: errBroken}
		if err := e.b.Create(e.ctx, v, 1, cinder.Source{Content: broken}); err == nil {
			e.Fatal("it was taken")
		}
		e.has(v, 0)
		e.ok(e.b.Create(e.ctx, v, 1, cinder.Source{Content: &memory{body: body{gib, []mark{mid}}}}))
		e.holds(v, "", 1, mid)
	}},
	{"from volume to volume by way of its content", func(e *env) {
		v := e.blank(1, head, mid, tail)
		c, err := e.b.Open(e.ctx, v, e.snap(v))
		e.ok(err)
		defer c.Close()
		w := e.vol()
		e.ok(e.b.Create(e.ctx, w, 1, cinder.Source{Content: c}))
		e.holds(w, "", 1, head, mid, tail)
	}},
}
