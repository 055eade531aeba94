package backendtest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/google/uuid"

	"stackd/cinder"
)

var walks = []test{
	{"by chance, seed 1", func(e *env) { e.walk(1) }},
	{"by chance, seed 2", func(e *env) { e.walk(2) }},
	{"by chance, seed 3", func(e *env) { e.walk(3) }},
}

// A family is what should be: volumes and their snapshots, with what they hold.
type family map[string]*member

type member struct {
	size      int64
	marks     []mark
	snapshots map[string]*member
}

func (m *member) copy() *member { return &member{m.size, slices.Clone(m.marks), map[string]*member{}} }

// walk does acts by chance on a handful of volumes, and compares.
func (e *env) walk(seed uint64) {
	steps := e.rig.Steps
	if steps == 0 {
		steps = 150
	}
	r, all := rand.New(rand.NewPCG(seed, 7)), family{}
	var trace []string
	defer func() {
		if e.Failed() {
			e.Logf("the last steps: %q", trace[max(0, len(trace)-25):])
		}
	}()
	for n := range steps {
		trace = append(trace, e.step(r, all, n))
		if n%20 == 19 {
			e.compare(all)
		}
	}
	e.compare(all)
}

func pick[T any](r *rand.Rand, m map[string]T) (string, T) {
	ids := slices.Sorted(maps.Keys(m))
	id := ids[r.IntN(len(ids))]
	return id, m[id]
}

// step does one act, and says which.
func (e *env) step(r *rand.Rand, all family, n int) string {
	act := r.IntN(20)
	if len(all) == 0 || act < 2 && len(all) < 5 {
		id := e.vol()
		all[id] = &member{1 + r.Int64N(2), nil, map[string]*member{}}
		e.ok(e.b.Create(e.ctx, id, all[id].size, cinder.Source{}))
		return "create " + id[:4]
	}
	id, v := pick(r, all)
	switch {
	case act < 8:
		return e.scribble(r, id, v, n)
	case act < 11 && len(v.snapshots) < 4:
		p := uuid.NewString()
		e.ok(e.b.CreateSnapshot(e.ctx, id, p))
		v.snapshots[p] = v.copy()
		return "snapshot " + p[:4] + " of " + id[:4]
	case act < 13 && len(v.snapshots) > 0:
		p, _ := pick(r, v.snapshots)
		e.ok(e.b.DeleteSnapshot(e.ctx, id, p))
		delete(v.snapshots, p)
		return "drop snapshot " + p[:4]
	case act < 15 && len(v.snapshots) > 0:
		return e.back(r, id, v)
	case act < 17 && len(all) < 6:
		return e.branch(r, all, id, v)
	case act < 18 && v.size < 4:
		v.size++
		e.ok(e.b.Extend(e.ctx, id, v.size))
		return "extend " + id[:4]
	case len(v.snapshots) == 0:
		e.ok(e.b.Delete(e.ctx, id))
		delete(all, id)
		return "delete " + id[:4]
	}
	return "nothing"
}

func (e *env) scribble(r *rand.Rand, id string, v *member, n int) string {
	m := mark{off: r.Int64N(v.size*gib/(4*kib)-64) * 4 * kib, n: (1 + r.Int64N(63)) * 4 * kib, seed: uint64(1000 + n)}
	if len(v.marks) > 0 && r.IntN(3) == 0 { // over what is there
		m.off = v.marks[r.IntN(len(v.marks))].off
	}
	if r.IntN(4) == 0 {
		m.seed = 0
	}
	e.write(id, m)
	v.marks = append(v.marks, m)
	return fmt.Sprintf("write %d at %d of %s", m.seed, m.off, id[:4])
}

func (e *env) back(r *rand.Rand, id string, v *member) string {
	p, was := pick(r, v.snapshots)
	e.ok(e.b.Revert(e.ctx, id, p))
	v.marks = slices.Clone(was.marks)
	return "revert " + id[:4] + " to " + p[:4]
}

func (e *env) branch(r *rand.Rand, all family, id string, v *member) string {
	from, source := v, cinder.Source{VolumeID: id}
	if len(v.snapshots) > 0 && r.IntN(2) == 0 {
		source.SnapshotID, from = pick(r, v.snapshots)
	}
	c := e.vol()
	all[c] = from.copy()
	all[c].size += r.Int64N(2)
	e.ok(e.b.Create(e.ctx, c, all[c].size, source))
	return "clone " + c[:4] + " of " + id[:4]
}

func (e *env) compare(all family) {
	e.Helper()
	for _, id := range slices.Sorted(maps.Keys(all)) {
		v := all[id]
		e.has(id, v.size)
		e.holds(id, "", v.size, v.marks...)
		for _, p := range slices.Sorted(maps.Keys(v.snapshots)) {
			e.holds(id, p, v.snapshots[p].size, v.snapshots[p].marks...)
		}
	}
}
