package work_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"stackd/agent/wish"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/nova"
	"stackd/nova/novatest"
)

func facts(name string) wish.Node {
	return wish.Node{Hostname: name, VCPUs: 8, MemoryMB: 8192, DiskGB: 100, Hypervisor: "fake", CPUInfo: "{}"}
}

// A report that says what the last one said writes nothing; Beat writes for many hosts at
// once that they live, and finds out who has no row any more.
func TestUnchangedReportsWriteNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		w := novatest.New(t, db)
		commits := 0
		db.OnCommit(func() { commits++ })
		report := func(uptime string) {
			t.Helper()
			r := wish.Report{Host: "h1", At: time.Now(), Node: facts("h1")}
			r.Node.Uptime = uptime
			if err := w.C.Report(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		report("up 1 hour")
		was, _ := w.C.Host(t.Context(), "h1")
		commits = 0
		report("up 1 day")
		report("up 2 days")
		if commits != 0 {
			t.Fatal(commits, "transactions for nothing new")
		}
		beat := func() bool {
			t.Helper()
			all, err := w.C.Beat(t.Context(), map[string]wish.Node{"h1": {Uptime: "up 2 days", FreeMemMB: 5}})
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		all := beat()
		now, _ := w.C.Host(t.Context(), "h1")
		if !all || !now.ReportedAt.After(was.ReportedAt) || now.Uptime != "up 2 days" || now.FreeMemMB != 5 {
			t.Fatalf("%v %+v", all, now)
		}
		err := w.C.Tx(t.Context(), func(ctx context.Context) error { return w.C.DeleteHost(ctx, "h1") })
		if err != nil || beat() {
			t.Fatal("a host without a row is alive", err)
		}
		if report("up 2 days"); commits != 4 {
			t.Fatal(commits, "transactions")
		}
		if _, err := w.C.Host(t.Context(), "h1"); err != nil {
			t.Fatal(err)
		}
	})
}

// A report is compared with the rows when these have changed, though it says what the last
// one said.
func TestReportOfAGuestThatHasGoneMeanwhile(t *testing.T) {
	w := novatest.New(t, dbtest.New(t))
	id := create(t, w).ID
	w.Settle(t, 6)
	w.Node.Guests = map[string]wish.Seen{}
	silent := wish.Report{Host: "h1", Node: facts("h1")}
	for range 2 {
		if err := w.C.Report(t.Context(), silent); err != nil {
			t.Fatal(err)
		}
	}
	if s, _ := w.C.Server(t.Context(), id); s.SeenPower != wish.Gone {
		t.Fatal(s.SeenPower)
	}
	if err := w.C.Reboot(novatest.As(t.Context(), "p", "member"), id, true); err != nil {
		t.Fatal(err)
	}
	err := w.C.Tx(t.Context(), func(ctx context.Context) error {
		s, err := w.C.Server(ctx, id)
		s.SeenPower = wish.Running // as if another report had come to another control plane
		if err == nil {
			err = w.C.UpdateServer(ctx, s, "seen_power")
		}
		return err
	})
	if err == nil {
		err = w.C.Report(t.Context(), silent)
	}
	if s, _ := w.C.Server(t.Context(), id); err != nil || s.SeenPower != wish.Gone {
		t.Fatal(s.SeenPower, err)
	}
}

// A node that asks for a change costs no look at the rows while there is none, and is told
// at once when there is one.
func TestWishesThatStand(t *testing.T) {
	w := novatest.New(t, dbtest.New(t))
	id := create(t, w).ID
	w.Settle(t, 6)
	told, err := w.C.Wishes(t.Context(), "h1", 0)
	if err != nil || len(told.Servers) != 1 {
		t.Fatal(told, err)
	}
	asked := w.Nets.Asked
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		same, err := w.C.Wishes(ctx, "h1", told.Serial)
		cancel()
		if err != nil || same.Serial != told.Serial {
			t.Fatal(same, err)
		}
	}
	if w.Nets.Asked != asked {
		t.Error("the rows were read", w.Nets.Asked-asked, "times")
	}
	w.DB.Now = func() time.Time { return time.Now().UTC().Add(time.Minute).Truncate(time.Microsecond) }
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := w.C.Wishes(ctx, "h1", told.Serial); err != nil || w.Nets.Asked != asked+1 {
		t.Error("after a minute the rows were read", w.Nets.Asked-asked, "times", err)
	}
	if err := w.C.Reboot(novatest.As(t.Context(), "p", "member"), id, true); err != nil {
		t.Fatal(err)
	}
	if now, err := w.C.Wishes(t.Context(), "h1", told.Serial); err != nil || now.Serial == told.Serial || len(now.Servers) != 1 {
		t.Fatal(now, err)
	}
}

// A node that waits at another control plane is told of a change as soon as that one hears
// the word of it.
func TestWishesOfAnotherPlane(t *testing.T) {
	w := novatest.New(t, dbtest.New(t))
	id := create(t, w).ID
	w.Settle(t, 6)
	other := nova.New(w.C.Store, w.Images, w.Nets, w.Place, w.Node)
	w.C.Tells(other.HostChanged)
	told, err := other.Wishes(t.Context(), "h1", 0)
	if err != nil {
		t.Fatal(err)
	}
	news := make(chan wish.Wishes, 1)
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	go func() {
		now, _ := other.Wishes(ctx, "h1", told.Serial)
		news <- now
	}()
	if err := w.C.Reboot(novatest.As(t.Context(), "p", "member"), id, true); err != nil {
		t.Fatal(err)
	}
	if now := <-news; now.Serial == told.Serial || len(now.Servers) != 1 {
		t.Error("it was not told:", now)
	}
}

// A server goes to no host that was closed after all hosts were looked at, and is not
// refused for what has come since.
func TestALookIsLookedAtAgain(t *testing.T) {
	w := novatest.New(t, dbtest.New(t))
	if err := w.C.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	close := func(h *nova.Host) { h.Disabled = true }
	if _, err := w.C.SetService(t.Context(), func(h *nova.Host) bool { return h.Name == "h1" }, close); err != nil {
		t.Fatal(err)
	}
	if err := w.C.Report(t.Context(), wish.Report{Host: "h2", Node: facts("h2")}); err != nil {
		t.Fatal(err)
	}
	s := create(t, w)
	err := w.C.Tx(t.Context(), func(ctx context.Context) error { return w.C.Schedule(ctx, s) })
	if err != nil || s.Host != "h2" {
		t.Fatal(s.Host, err)
	}
}

// Servers that come in a flock spread over the hosts by one look.
func TestAFlockSpreads(t *testing.T) {
	w := novatest.New(t, dbtest.New(t))
	if err := w.C.Report(t.Context(), wish.Report{Host: "h2", Node: facts("h2")}); err != nil {
		t.Fatal(err)
	}
	var on []string
	for range 4 {
		s := create(t, w)
		if err := w.C.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.C.Tx(t.Context(), func(ctx context.Context) error { return w.C.Schedule(ctx, s) }); err != nil {
			t.Fatal(err)
		}
		on = append(on, s.Host)
	}
	slices.Sort(on)
	if !slices.Equal(on, []string{"h1", "h1", "h2", "h2"}) {
		t.Fatal(on)
	}
}
