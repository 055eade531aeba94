package work_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"stackd/agent/wish"
	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/nova"
	"stackd/nova/novatest"
)

func create(t *testing.T, w *novatest.World) *nova.Server {
	t.Helper()
	rows, err := w.C.CreateServers(novatest.As(t.Context(), "p", "member"), novatest.Spec())
	if err != nil {
		t.Fatal(err)
	}
	return rows[0]
}

func state(t *testing.T, w *novatest.World, id string) string {
	t.Helper()
	s, err := w.C.Server(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s/%s/%s", s.Status(), s.TaskState, s.SeenPower)
}

// nothing says that no trace of a server is left anywhere.
func nothing(t *testing.T, w *novatest.World) {
	t.Helper()
	if w.Nets.Count() != 0 || w.Place.Count() != 0 || len(w.Node.Guests) != 0 {
		t.Fatalf("left over: %d ports, %d allocations, %d guests", w.Nets.Count(), w.Place.Count(), len(w.Node.Guests))
	}
}

func TestLife(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		w := novatest.New(t, db)
		me := novatest.As(t.Context(), "p", "member")
		id := create(t, w).ID
		do := func(what string, f func(context.Context, string) error, want string) {
			t.Helper()
			if err := f(me, id); err != nil {
				t.Fatal(what, err)
			}
			w.Settle(t, 6)
			if got := state(t, w, id); got != want {
				t.Fatalf("%s: %s, want %s", what, got, want)
			}
		}
		do("create", func(context.Context, string) error { return nil }, "ACTIVE//running")
		do("stop", w.C.Stop, "SHUTOFF//stopped")
		do("start", w.C.Start, "ACTIVE//running")
		do("pause", w.C.Pause, "PAUSED//paused")
		do("unpause", w.C.Unpause, "ACTIVE//running")
		do("suspend", w.C.Suspend, "SUSPENDED//suspended")
		do("resume", w.C.Resume, "ACTIVE//running")
		do("reboot", func(ctx context.Context, id string) error { return w.C.Reboot(ctx, id, true) }, "ACTIVE//running")
		if g := w.Node.Guests[id]; g.HardReboots != 1 {
			t.Fatal("not rebooted", g)
		}
		if err := w.C.Start(me, id); !fault.Is(err, fault.Conflict) {
			t.Fatal("started twice:", err)
		}
		do("delete", func(ctx context.Context, id string) error { return w.C.Delete(ctx, id, false) }, "DELETED//gone")
		nothing(t, w)
		for _, a := range actions(t, w, id) {
			if a.Result == nil || *a.Result != "Success" || a.FinishedAt.IsZero() {
				t.Errorf("action %s did not end well: %+v", a.Action, a)
			}
		}
		if _, err := w.C.Visible(me, id); !fault.Is(err, fault.NotFound) {
			t.Fatal("still visible", err)
		}
	})
}

func actions(t *testing.T, w *novatest.World, id string) []*nova.ServerAction {
	t.Helper()
	rows, err := w.C.Actions(t.Context(), id, nova.ServerQuery{}.List)
	if err != nil || len(rows) == 0 {
		t.Fatal(rows, err)
	}
	return rows
}

func TestNoHost(t *testing.T) {
	w := novatest.New(t, dbtest.New(t))
	me := novatest.As(t.Context(), "p", "member")
	w.C.SetService(t.Context(), func(*nova.Host) bool { return true }, func(h *nova.Host) { h.Disabled = true })
	id := create(t, w).ID
	w.Settle(t, 3)
	s, _ := w.C.Server(t.Context(), id)
	if s.Status() != "ERROR" || s.Fault == nil || s.Fault.Message != "No valid host was found. " || s.Host != "" {
		t.Fatalf("%+v %+v", s.Status(), s.Fault)
	}
	nothing(t, w)
	if err := w.C.Delete(me, id, false); err != nil {
		t.Fatal(err)
	}
	w.Settle(t, 3)
	if got := state(t, w, id); got != "DELETED//" {
		t.Fatal(got)
	}
}

func TestBuildThatFailsGivesAllBack(t *testing.T) {
	w := novatest.New(t, dbtest.New(t))
	w.Node.Fail = "the image is not what it says"
	id := create(t, w).ID
	w.Settle(t, 8)
	s, _ := w.C.Server(t.Context(), id)
	if s.Status() != "ERROR" || s.Fault == nil || s.Fault.Message != w.Node.Fail {
		t.Fatalf("%s %+v", s.Status(), s.Fault)
	}
	nothing(t, w)
}

func TestPortThatCannotBeHad(t *testing.T) {
	w := novatest.New(t, dbtest.New(t))
	w.Nets.Break = fault.New(fault.Conflict, "No more IP addresses available on network net.")
	id := create(t, w).ID
	w.Settle(t, 6)
	s, _ := w.C.Server(t.Context(), id)
	if s.Status() != "ERROR" || s.Fault.Message != "No more IP addresses available on network net." {
		t.Fatalf("%s %+v", s.Status(), s.Fault)
	}
	nothing(t, w)
}

func TestTroubleThatPasses(t *testing.T) {
	w := novatest.New(t, dbtest.New(t))
	w.Nets.Break = errors.New("the disk is busy")
	id := create(t, w).ID
	w.Settle(t, 8)
	if got := state(t, w, id); got != "ACTIVE//running" {
		t.Fatal(got)
	}
}

func TestGuestShutsItselfDown(t *testing.T) {
	w := novatest.New(t, dbtest.New(t))
	id := create(t, w).ID
	w.Settle(t, 6)
	g := w.Node.Guests[id]
	g.Power = wish.Stopped
	w.Node.Guests[id] = g
	w.Settle(t, 6)
	if got := state(t, w, id); got != "SHUTOFF//stopped" {
		t.Fatal(got)
	}
}

func TestStrangerGoes(t *testing.T) {
	w := novatest.New(t, dbtest.New(t))
	w.Node.Guests["stranger"] = wish.Seen{ID: "stranger", Power: wish.Running, Generation: 7}
	w.Settle(t, 3)
	nothing(t, w)
	wishes, err := w.C.Wishes(t.Context(), "h1", 0)
	if err != nil || len(wishes.Servers) != 0 {
		t.Fatal("it is wished gone for ever:", wishes.Servers, err)
	}
}

// Whatever instant a delete comes at, nothing is left.
func TestDeleteAtAnyTime(t *testing.T) {
	for passes := range 8 {
		w := novatest.New(t, dbtest.New(t))
		id := create(t, w).ID
		w.Settle(t, passes)
		if err := w.C.Delete(novatest.As(t.Context(), "p", "member"), id, false); err != nil {
			t.Fatal(err)
		}
		w.Settle(t, 8)
		if s, _ := w.C.Server(t.Context(), id); s.DeletedAt.IsZero() {
			t.Fatalf("after %d passes: %s", passes, state(t, w, id))
		}
		nothing(t, w)
	}
}

func TestForeignServerIsNotFound(t *testing.T) {
	w := novatest.New(t, dbtest.New(t))
	id := create(t, w).ID
	w.Settle(t, 6)
	if err := w.C.Stop(novatest.As(t.Context(), "q", "member"), id); !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
}

func TestQuota(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		w := novatest.New(t, db)
		if err := w.C.SetQuotas(t.Context(), "p", map[string]int{"instances": 2}); err != nil {
			t.Fatal(err)
		}
		spec := novatest.Spec()
		spec.Min, spec.Max = 1, 5
		rows, err := w.C.CreateServers(novatest.As(t.Context(), "p", "member"), spec)
		if err != nil || len(rows) != 2 || rows[0].Name != "one-1" {
			t.Fatal(len(rows), err)
		}
		_, err = w.C.CreateServers(novatest.As(t.Context(), "p", "member"), novatest.Spec())
		if f := fault.Of(err); f == nil || f.Kind != fault.OverQuota || f.Text != "Quota exceeded for instances: Requested 1, but already used 2 of 2 instances" {
			t.Fatal(err)
		}
	})
}
