package novatest

import (
	"context"
	"sync"
	"testing"

	"stackd/nova"
	"stackd/nova/work"
)

// killed ends the process that is compute.
type killed struct{}

// places are where that process may end: before and after each transaction.
type places struct {
	mu    sync.Mutex
	left  int
	armed bool
}

// Kill has the process end at the n-th place from now on, counted from 0; Live has it end
// nowhere.
func (w *World) Kill(n int) { w.at.mu.Lock(); w.at.left, w.at.armed = n, true; w.at.mu.Unlock() }
func (w *World) Live()      { w.at.mu.Lock(); w.at.armed = false; w.at.mu.Unlock() }

func (p *places) pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.armed {
		return
	}
	if p.left == 0 {
		p.armed = false
		panic(killed{})
	}
	p.left--
}

// breaking is a store whose process may end around each transaction.
type breaking struct {
	nova.Store
	at *places
}

type inside struct{}

func (b breaking) Tx(ctx context.Context, f func(context.Context) error) error {
	if ctx.Value(inside{}) != nil {
		return b.Store.Tx(ctx, f)
	}
	b.at.pass()
	err := b.Store.Tx(context.WithValue(ctx, inside{}, true), f)
	b.at.pass()
	return err
}

// Rest passes over node, servers and captures until nothing is due; block storage is done
// with what it was asked meanwhile. It tells whether the process has ended on the way.
func (w *World) Rest(t testing.TB) (died bool) {
	t.Helper()
	for range 60 {
		busy, ended := w.round(t)
		if died = died || ended; !busy {
			return died
		}
	}
	t.Fatal("it does not come to rest")
	return died
}

func (w *World) round(t testing.TB) (busy, ended bool) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(killed); !ok {
				panic(p)
			}
			busy, ended = true, true
		}
	}()
	w.Disks.finish()
	for _, n := range w.Nodes() {
		n.Pass(t)
	}
	ids, err := w.Due(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		busy = true
		if err := w.Work.Reconcile(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.DB.Raw().Exec("UPDATE captures SET due_at = created_at"); err != nil {
		t.Fatal(err)
	}
	images, err := w.C.DueCaptures(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range images {
		busy = true
		if err := work.NewCaptures(w.C).Reconcile(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	return busy, false
}

// finish has block storage be done with the images that volumes are given.
func (x *Volumes) finish() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for id, v := range x.All {
		if v.Status == "downloading" {
			v.Status = "reserved"
			x.All[id] = v
		}
	}
}
