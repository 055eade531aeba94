package backendtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"stackd/cinder"
	"stackd/internal/converge"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// at once runs f n times side by side, and gives the errors.
func atOnce(n int, f func(int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errs
}

func someOK(errs []error) bool {
	for _, err := range errs {
		if err == nil {
			return true
		}
	}
	return false
}

var together = []test{
	{"eight make the same volume", func(e *env) {
		v := e.vol()
		if errs := atOnce(8, func(i int) error {
			return e.b.Create(e.ctx, v, 1, cinder.Source{Content: &memory{body: body{gib, []mark{head}}}})
		}); !someOK(errs) {
			e.Fatal(errs)
		}
		e.holds(v, "", 1, head)
	}},
	{"eight make eight volumes", func(e *env) {
		vs := make([]string, 8)
		for i := range vs {
			vs[i] = e.vol()
		}
		for _, err := range atOnce(8, func(i int) error {
			return e.b.Create(e.ctx, vs[i], 1, cinder.Source{Content: &memory{body: body{gib, []mark{{0, 64 * kib, uint64(70 + i)}}}}})
		}) {
			e.ok(err)
		}
		for i, v := range vs {
			e.holds(v, "", 1, mark{0, 64 * kib, uint64(70 + i)})
		}
	}},
	{"six copy one snapshot", func(e *env) {
		v := e.blank(1, head, mid)
		p := e.snap(v)
		cs := make([]string, 6)
		for i := range cs {
			cs[i] = e.vol()
		}
		for _, err := range atOnce(6, func(i int) error {
			return e.b.Create(e.ctx, cs[i], 1, cinder.Source{VolumeID: v, SnapshotID: p})
		}) {
			e.ok(err)
		}
		for _, c := range cs {
			e.holds(c, "", 1, head, mid)
		}
	}},
	{"four take the same snapshot", func(e *env) {
		v, p := e.blank(1, head), uuid.NewString()
		if errs := atOnce(4, func(int) error { return e.b.CreateSnapshot(e.ctx, v, p) }); !someOK(errs) {
			e.Fatal(errs)
		}
		e.holds(v, p, 1, head)
	}},
	{"six take snapshots of one volume", func(e *env) {
		v := e.blank(1, head)
		ps := make([]string, 6)
		for i := range ps {
			ps[i] = uuid.NewString()
		}
		for _, err := range atOnce(6, func(i int) error { return e.b.CreateSnapshot(e.ctx, v, ps[i]) }) {
			e.ok(err)
		}
		for _, p := range ps {
			e.holds(v, p, 1, head)
		}
	}},
	{"made and taken away at once", func(e *env) {
		v := e.vol()
		atOnce(6, func(i int) error {
			if i%2 == 0 {
				return e.b.Delete(e.ctx, v)
			}
			return e.b.Create(e.ctx, v, 1, cinder.Source{Content: &memory{body: body{gib, []mark{head}}}})
		})
		if _, ok, err := e.b.Has(e.ctx, v); err != nil || ok {
			e.ok(err)
			e.holds(v, "", 1, head)
		}
	}},
	{"taken away by many", func(e *env) {
		v := e.blank(1, head)
		atOnce(4, func(int) error { return e.b.Delete(e.ctx, v) })
		e.ok(e.b.Delete(e.ctx, v))
		e.has(v, 0)
	}},
	{"copied while it is taken away: whole or not at all", func(e *env) {
		v, c := e.blank(1, head), e.vol()
		atOnce(2, func(i int) error {
			if i == 0 {
				return e.b.Delete(e.ctx, v)
			}
			return e.b.Create(e.ctx, c, 1, cinder.Source{VolumeID: v})
		})
		if _, ok, err := e.b.Has(e.ctx, c); err != nil || ok {
			e.ok(err)
			e.holds(c, "", 1, head)
		}
	}},
	{"grown by many", func(e *env) {
		v := e.blank(1, head)
		atOnce(3, func(i int) error { return e.b.Extend(e.ctx, v, int64(i+1)) })
		e.ok(e.b.Extend(e.ctx, v, 3))
		e.holds(v, "", 3, head)
	}},
}

// stopped makes a volume while its context is ended at the n-th read of its content.
func (e *env) stopped(v string, n int) {
	e.Helper()
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	reads := 0
	m := &memory{body: body{gib, []mark{{0, 6 * mib, 81}}}}
	m.read = func(int64) {
		if reads++; reads == n {
			cancel()
		}
	}
	if n == 0 {
		cancel()
	}
	if err := e.b.Create(ctx, v, 1, cinder.Source{Content: m}); err == nil {
		e.Fatal("it was made although its context had ended")
	} else if converge.IsFinal(err) {
		e.Fatalf("to be stopped is said to be final: %v", err)
	}
	e.has(v, 0)
}

func stoppedAt(n int) test {
	return test{fmt.Sprintf("stopped at read %d of a content", n), func(e *env) {
		v := e.vol()
		e.stopped(v, n)
		e.ok(e.b.Create(e.ctx, v, 1, cinder.Source{Content: &memory{body: body{gib, []mark{mid}}}}))
		e.holds(v, "", 1, mid)
	}}
}

// ended runs an act with a context that ends after a while; it is done or not at all.
func (e *env) ended(after time.Duration, act func(context.Context) error) {
	ctx, cancel := context.WithTimeout(e.ctx, after)
	defer cancel()
	_ = act(ctx)
}

var soon = []time.Duration{0, time.Millisecond, 4 * time.Millisecond, 20 * time.Millisecond, 120 * time.Millisecond}

var cut = []test{
	stoppedAt(0), stoppedAt(1), stoppedAt(2), stoppedAt(4), stoppedAt(5),
	{"stopped, and taken away", func(e *env) {
		v := e.vol()
		e.stopped(v, 2)
		e.ok(e.b.Delete(e.ctx, v))
		e.has(v, 0)
	}},
	{"a copy stopped at any time", func(e *env) {
		v := e.blank(1, mark{0, 48 * mib, 82})
		for _, d := range soon {
			c := e.vol()
			e.ended(d, func(ctx context.Context) error { return e.b.Create(ctx, c, 1, cinder.Source{VolumeID: v}) })
			if _, ok, err := e.b.Has(e.ctx, c); err != nil || ok {
				e.ok(err)
				e.holds(c, "", 1, mark{0, 48 * mib, 82})
			}
			e.ok(e.b.Create(e.ctx, c, 1, cinder.Source{VolumeID: v}))
			e.holds(c, "", 1, mark{0, 48 * mib, 82})
			e.ok(e.b.Delete(e.ctx, c))
		}
	}},
	{"a snapshot stopped at any time", func(e *env) {
		v := e.blank(1, mark{0, 16 * mib, 83})
		for _, d := range soon {
			p := uuid.NewString()
			e.ended(d, func(ctx context.Context) error { return e.b.CreateSnapshot(ctx, v, p) })
			if ok, err := e.b.HasSnapshot(e.ctx, v, p); err != nil || ok {
				e.ok(err)
				e.holds(v, p, 1, mark{0, 16 * mib, 83})
			}
			e.ok(e.b.CreateSnapshot(e.ctx, v, p))
			e.holds(v, p, 1, mark{0, 16 * mib, 83})
		}
	}},
	{"going back stopped at any time", func(e *env) {
		now := mark{0, 64 * kib, 85}
		v := e.blank(1, mark{0, 16 * mib, 84})
		p := e.snap(v)
		for _, d := range soon {
			e.write(v, now)
			e.ended(d, func(ctx context.Context) error { return e.b.Revert(ctx, v, p) })
			e.has(v, 1)
			e.ok(e.b.Revert(e.ctx, v, p))
			e.holds(v, "", 1, mark{0, 16 * mib, 84})
		}
	}},
	{"taking away stopped at any time", func(e *env) {
		for _, d := range soon {
			v := e.blank(1, head)
			p := e.snap(v)
			e.ended(d, func(ctx context.Context) error { return e.b.DeleteSnapshot(ctx, v, p) })
			e.ok(e.b.DeleteSnapshot(e.ctx, v, p))
			e.ended(d, func(ctx context.Context) error { return e.b.Delete(ctx, v) })
			e.ok(e.b.Delete(e.ctx, v))
			e.has(v, 0)
		}
	}},
	{"growing stopped at any time", func(e *env) {
		for _, d := range soon {
			v := e.blank(1, head)
			e.ended(d, func(ctx context.Context) error { return e.b.Extend(ctx, v, 2) })
			e.ok(e.b.Extend(e.ctx, v, 2))
			e.holds(v, "", 2, head)
		}
	}},
}

// actOnce is what a process that is to be killed does. It says when it has begun.
func actOnce(b cinder.Backend, act, args string) error {
	ids := strings.Fields(args)
	slow := &memory{body: body{gib, []mark{{0, 64 * mib, 91}}}}
	slow.read = func(off int64) {
		if off >= 8*mib {
			fmt.Println("begun")
			time.Sleep(time.Minute)
		}
	}
	ctx := context.Background()
	switch act {
	case "create":
		return b.Create(ctx, ids[0], 1, cinder.Source{Content: slow})
	case "copy", "snapshot", "revert", "delete":
		fmt.Println("begun")
	}
	switch act {
	case "copy":
		return b.Create(ctx, ids[1], 1, cinder.Source{VolumeID: ids[0]})
	case "snapshot":
		return b.CreateSnapshot(ctx, ids[0], ids[1])
	case "revert":
		return b.Revert(ctx, ids[0], ids[1])
	case "delete":
		return b.Delete(ctx, ids[0])
	}
	return errors.New("no such act")
}

// kill has another process act, and kills it some time after it has begun.
func (e *env) kill(after time.Duration, act, args string) {
	e.Helper()
	cmd := e.child(act, args)
	out, err := cmd.StdoutPipe()
	e.ok(err)
	e.ok(cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "begun\n" {
		e.Errorf("the other process said %q: %v", line, err)
	}
	time.Sleep(after)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

var killed = []test{
	{"killed while it makes a volume", func(e *env) {
		v := e.vol()
		e.kill(0, "create", v)
		e.has(v, 0)
		e.ok(e.b.Create(e.ctx, v, 1, cinder.Source{Content: &memory{body: body{gib, []mark{mid}}}}))
		e.holds(v, "", 1, mid)
	}},
	{"killed while it makes a volume that then is not wanted", func(e *env) {
		v := e.vol()
		e.kill(0, "create", v)
		e.ok(e.b.Delete(e.ctx, v))
		e.has(v, 0)
	}},
	{"killed while it copies", func(e *env) {
		big := mark{0, 96 * mib, 92}
		v := e.blank(1, big)
		for _, d := range soon[:4] {
			c := e.vol()
			e.kill(d, "copy", v+" "+c)
			e.ok(e.b.Create(e.ctx, c, 1, cinder.Source{VolumeID: v}))
			e.holds(c, "", 1, big)
			e.ok(e.b.Delete(e.ctx, c))
		}
		e.holds(v, "", 1, big)
	}},
	{"killed while it takes a snapshot", func(e *env) {
		v := e.blank(1, head)
		for _, d := range soon[:4] {
			p := uuid.NewString()
			e.kill(d, "snapshot", v+" "+p)
			e.ok(e.b.CreateSnapshot(e.ctx, v, p))
			e.holds(v, p, 1, head)
		}
	}},
	{"killed while it goes back", func(e *env) {
		v := e.blank(1, head)
		p := e.snap(v)
		for _, d := range soon[:4] {
			e.write(v, mid)
			e.kill(d, "revert", v+" "+p)
			e.ok(e.b.Revert(e.ctx, v, p))
			e.holds(v, "", 1, head)
			e.holds(v, p, 1, head)
		}
	}},
	{"killed while it takes away", func(e *env) {
		for _, d := range soon[:4] {
			v := e.blank(1, head)
			e.kill(d, "delete", v)
			e.ok(e.b.Delete(e.ctx, v))
			e.has(v, 0)
		}
	}},
}

var full = []test{
	{"a full storage says so, and nothing is left", func(e *env) {
		e.b = e.rig.Full
		v := e.vol()
		err := e.b.Create(e.ctx, v, 1, cinder.Source{Content: &memory{body: body{gib, []mark{{0, 96 * mib, 95}}}}})
		if e.final(err); !errors.Is(err, cinder.ErrFull) {
			e.Fatalf("the error is %v", err)
		}
		e.has(v, 0)
		w := e.vol()
		e.ok(e.b.Create(e.ctx, w, 1, cinder.Source{Content: &memory{body: body{gib, []mark{head}}}}))
		e.holds(w, "", 1, head)
	}},
	{"an original stays when there is no room for its copy", func(e *env) {
		e.b = e.rig.Full
		most := mark{0, 36 * mib, 96}
		v, c := e.blank(1, most), e.vol()
		if err := e.b.Create(e.ctx, c, 1, cinder.Source{VolumeID: v}); err != nil {
			e.final(err)
			e.has(c, 0)
		}
		e.holds(v, "", 1, most)
	}},
}
