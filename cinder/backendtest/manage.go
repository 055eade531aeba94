package backendtest

import (
	"bytes"
	"maps"
	"slices"

	"github.com/google/uuid"

	"stackd/cinder"
)

// found is what is listed by a name.
func (e *env) found(volume, name string) (cinder.Found, bool) {
	e.Helper()
	all, err := e.b.Manageable(e.ctx, volume)
	e.ok(err)
	i := slices.IndexFunc(all, func(f cinder.Found) bool { return f.Name == name || f.ID == name })
	if i < 0 {
		return cinder.Found{}, false
	}
	return all[i], true
}

func (e *env) foreign(content []byte) string {
	e.Helper()
	name := "foreign-" + uuid.NewString()[:8]
	e.ok(e.rig.Foreign(name, content))
	return name
}

var manage = []test{
	{"ours are listed by their ids", func(e *env) {
		v := e.blank(2)
		f, ok := e.found("", v)
		if !ok || f.Bytes != 2*gib {
			e.Fatalf("%+v %v", f, ok)
		}
		p := e.snap(v)
		if f, ok = e.found(v, p); !ok || f.Bytes != 2*gib {
			e.Fatalf("%+v %v", f, ok)
		}
		if _, ok = e.found("", p); ok {
			e.Error("a snapshot is among the volumes")
		}
	}},
	{"what others put there is listed, and adopted", func(e *env) {
		name := e.foreign(head.bytes())
		if f, ok := e.found("", name); !ok || f.ID != "" || f.Why != "" {
			e.Fatalf("%+v %v", f, ok)
		}
		v := e.vol()
		size, err := e.b.Adopt(e.ctx, name, v)
		e.ok(err)
		e.has(v, size)
		e.holds(v, "", size, head)
		if _, ok := e.found("", name); ok {
			e.Error("it is still there by its old name")
		}
	}},
	{"adopting again is nothing", func(e *env) {
		name, v := e.foreign(head.bytes()), e.vol()
		size, err := e.b.Adopt(e.ctx, name, v)
		e.ok(err)
		again, err := e.b.Adopt(e.ctx, name, v)
		e.ok(err)
		if again != size {
			e.Errorf("%d, then %d", size, again)
		}
		e.holds(v, "", size, head)
	}},
	{"adopted, it is a volume like any", func(e *env) {
		v := e.vol()
		size, err := e.b.Adopt(e.ctx, e.foreign(head.bytes()), v)
		e.ok(err)
		p := e.snap(v)
		e.write(v, mid)
		e.holds(e.clone(v, p, size), "", size, head)
		e.ok(e.b.Extend(e.ctx, v, size+1))
		e.holds(v, "", size+1, head, mid)
		e.ok(e.b.Revert(e.ctx, v, p))
		e.holds(v, "", size+1, head)
	}},
	{"ours under another id", func(e *env) {
		v, w := e.blank(1, head), e.vol()
		p := e.snap(v)
		f, _ := e.found("", v)
		size, err := e.b.Adopt(e.ctx, f.Name, w)
		e.ok(err)
		if size != 1 {
			e.Errorf("size %d", size)
		}
		e.has(v, 0)
		e.holds(w, "", 1, head)
		e.hasSnapshot(w, p, true)
		e.holds(w, p, 1, head)
	}},
	{"ours under its own id", func(e *env) {
		v := e.blank(1, head)
		f, _ := e.found("", v)
		_, err := e.b.Adopt(e.ctx, f.Name, v)
		e.ok(err)
		e.holds(v, "", 1, head)
	}},
	{"a snapshot under another id", func(e *env) {
		v := e.blank(1, head)
		p, q := e.snap(v), uuid.NewString()
		e.write(v, mid)
		f, _ := e.found(v, p)
		for range 2 {
			size, err := e.b.AdoptSnapshot(e.ctx, v, f.Name, q)
			e.ok(err)
			if size != 1 {
				e.Errorf("size %d", size)
			}
		}
		e.hasSnapshot(v, p, false)
		e.holds(v, q, 1, head)
		e.ok(e.b.Revert(e.ctx, v, q))
		e.holds(v, "", 1, head)
	}},
	{"what is missing is not adopted", func(e *env) {
		v := e.vol()
		_, err := e.b.Adopt(e.ctx, "no-such-thing", v)
		e.missing(err)
		e.has(v, 0)
		w := e.blank(1)
		_, err = e.b.AdoptSnapshot(e.ctx, w, "no-such-thing", uuid.NewString())
		e.missing(err)
	}},
	{"nothing outside is adopted", func(e *env) {
		v, w := e.vol(), e.blank(1)
		for _, n := range slices.Concat(hostile[:15], []string{".lock", "volume-../x", "../volume-" + w}) {
			if _, err := e.b.Adopt(e.ctx, n, v); err == nil {
				e.Errorf("%q was adopted", n)
			}
			if _, err := e.b.AdoptSnapshot(e.ctx, w, n, uuid.NewString()); err == nil {
				e.Errorf("%q was adopted as a snapshot", n)
			}
		}
		e.has(v, 0)
	}},
	{"an adopted one does not take another's place", func(e *env) {
		name, v := e.foreign(head.bytes()), e.blank(1, mid)
		_, err := e.b.Adopt(e.ctx, name, v)
		e.ok(err)
		e.holds(v, "", 1, mid)
		if _, ok := e.found("", name); !ok {
			e.Error("what was not adopted is gone")
		}
		_, err = e.b.Adopt(e.ctx, name, e.vol())
		e.ok(err)
	}},
}

var connections = []test{
	{"a volume is reached", func(e *env) {
		v := e.blank(1, head)
		kind, source := e.connect(v, "a")
		e.reach(v, "a", kind, source)
		e.ok(e.b.Disconnect(e.ctx, v, "a"))
	}},
	{"connecting again is the same", func(e *env) {
		v := e.blank(1, head)
		kind, source := e.connect(v, "a")
		again, second := e.connect(v, "a")
		if kind != again || source["path"] != second["path"] || source["target"] != second["target"] {
			e.Errorf("%s %v, then %s %v", kind, source, again, second)
		}
		e.reach(v, "a", again, second)
		e.ok(e.b.Disconnect(e.ctx, v, "a"))
	}},
	{"with the last holder the export goes", func(e *env) {
		v := e.blank(1, head)
		e.connect(v, "a")
		kind, source := e.connect(v, "b")
		e.ok(e.b.Disconnect(e.ctx, v, "a"))
		e.exported(v, true)
		e.reach(v, "b", kind, source)
		e.ok(e.b.Disconnect(e.ctx, v, "b"))
		e.exported(v, false)
	}},
	{"disconnecting again is nothing", func(e *env) {
		v := e.blank(1)
		e.connect(v, "a")
		e.connect(v, "b")
		for range 3 {
			e.ok(e.b.Disconnect(e.ctx, v, "a"))
		}
		e.exported(v, true)
		e.ok(e.b.Disconnect(e.ctx, v, "b"))
		e.ok(e.b.Disconnect(e.ctx, v, "b"))
		e.ok(e.b.Disconnect(e.ctx, v, "c"))
		e.exported(v, false)
	}},
	{"one that is missing", func(e *env) {
		v := e.vol()
		_, _, err := e.b.Connect(e.ctx, v, "a")
		e.missing(err)
		e.ok(e.b.Disconnect(e.ctx, v, "a"))
	}},
	{"what was connected may go", func(e *env) {
		v := e.blank(1, head)
		e.connect(v, "a")
		e.ok(e.b.Disconnect(e.ctx, v, "a"))
		e.ok(e.b.Delete(e.ctx, v))
		e.has(v, 0)
	}},
	{"a snapshot while it is connected", func(e *env) {
		v := e.blank(1, head)
		e.connect(v, "a")
		if e.b.Features().SnapshotInUse {
			p := e.snap(v)
			e.holds(v, p, 1, head)
		}
		e.ok(e.b.Disconnect(e.ctx, v, "a"))
	}},
	{"grown while it is connected", func(e *env) {
		v := e.blank(1, head)
		e.connect(v, "a")
		if e.b.Features().ExtendInUse {
			e.ok(e.b.Extend(e.ctx, v, 2))
			e.has(v, 2)
		}
		e.ok(e.b.Disconnect(e.ctx, v, "a"))
	}},
	{"a copy made by the node", func(e *env) {
		n, ok := e.b.(timed).Backend.(cinder.NodeCopied)
		if !ok {
			return
		}
		v, p := e.blank(1, head), uuid.NewString()
		for range 2 {
			kind, source, err := n.BeginSnapshot(e.ctx, v, p)
			e.ok(err)
			if kind != "file" || source["path"] == "" {
				e.Fatalf("%s %v", kind, source)
			}
		}
		e.hasSnapshot(v, p, false)
		e.ok(n.FinishSnapshot(e.ctx, v, p))
		e.ok(n.FinishSnapshot(e.ctx, v, p))
		e.holds(v, p, 1)
		q := uuid.NewString()
		e.missing(n.FinishSnapshot(e.ctx, v, q))
		_, _, err := n.BeginSnapshot(e.ctx, v, q)
		e.ok(err)
		e.ok(e.b.DeleteSnapshot(e.ctx, v, q))
	}},
}

func (e *env) connect(v, holder string) (string, map[string]string) {
	e.Helper()
	kind, source, err := e.b.Connect(e.ctx, v, holder)
	e.ok(err)
	if kind == "" || len(source) == 0 {
		e.Fatalf("kind %q, source %v", kind, source)
	}
	return kind, source
}

func (e *env) exported(v string, want bool) {
	e.Helper()
	if e.rig.Exported == nil {
		return
	}
	got, err := e.rig.Exported(v)
	e.ok(err)
	if got != want {
		e.Errorf("it is exported: %v", got)
	}
}

func (e *env) reach(v, holder, kind string, source map[string]string) {
	e.Helper()
	if e.rig.Reach == nil {
		return
	}
	if source["password"] != "" {
		e.Error("Connect told a password")
	}
	if k, ok := e.b.(timed).Backend.(cinder.Keyed); ok {
		secret, err := k.Secret(e.ctx, v, holder)
		e.ok(err)
		source = maps.Clone(source)
		source["password"] = secret
	}
	got, err := e.rig.Reach(kind, source, int(head.n))
	e.ok(err)
	if !bytes.Equal(got, head.bytes()) {
		e.Error("a guest would read another content")
	}
}
