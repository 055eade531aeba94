package store

import (
	"testing"
	"time"

	"stackd/agent/peers"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
)

// A lease is one holder's until it is over or given back, by the database's clock.
func TestLease(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, err := Open(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		db.Now = func() time.Time { return time.Now().Add(time.Hour) } // a host's clock does not count
		ask := func(holder string, want bool) {
			t.Helper()
			got, err := s.Lease(t.Context(), "address", holder, 400*time.Millisecond)
			if err != nil || got != want {
				t.Errorf("%s: %v %v", holder, got, err)
			}
		}
		ask("a", true)
		ask("b", false)
		ask("a", true)
		time.Sleep(450 * time.Millisecond)
		ask("b", true)
		ask("a", false)
		if err := s.Release(t.Context(), "address", "a"); err != nil {
			t.Fatal(err)
		}
		ask("a", false)
		if err := s.Release(t.Context(), "address", "b"); err != nil {
			t.Fatal(err)
		}
		ask("a", true)
	})
}

// The first member stays the one that all join, also when it comes back as another server.
func TestFounder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, err := Open(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		none, err := s.Founder(ctx, "NB")
		a, b := peers.Member{Database: "NB", Address: "a", Server: "1"}, peers.Member{Database: "NB", Address: "b", Server: "2"}
		first, errA := s.Found(ctx, a)
		second, errB := s.Found(ctx, b)
		if err != nil || errA != nil || errB != nil || none != (peers.Member{}) || first != a || second != a {
			t.Fatal(none, first, second, err, errA, errB)
		}
		again := a
		again.Server = "3"
		for _, m := range []peers.Member{b, again} {
			if err := s.Put(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
		all, err := s.Members(ctx, "NB")
		if first, _ = s.Founder(ctx, "NB"); err != nil || first != again || len(all) != 2 || all[0] != again || all[1] != b {
			t.Fatal(first, all, err)
		}
	})
}
