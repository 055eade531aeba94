package work_test

import (
	"slices"
	"testing"
	"time"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/nova/novatest"
)

// A server that a killed process was working on is worked on again at once by the next of
// that name.
func TestKilledProcessesServerIsDueAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		w := novatest.New(t, db)
		if ok, err := db.Name(t.Context(), "plane"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		rows, err := w.C.CreateServers(novatest.As(t.Context(), "p", "member"), novatest.Spec())
		if err != nil {
			t.Fatal(err)
		}
		if s, err := w.C.ClaimServer(t.Context(), rows[0].ID, time.Hour); s == nil || err != nil {
			t.Fatal(s, err)
		}
		due := func() bool {
			ids, err := w.C.DueServers(t.Context(), 10)
			if err != nil {
				t.Fatal(err)
			}
			return slices.Contains(ids, rows[0].ID)
		}
		if due() {
			t.Fatal("a server that is being worked on is due")
		}
		if err := w.C.Unclaim(t.Context()); err != nil || !due() {
			t.Fatal("it waits for the lease of the dead", err)
		}
	})
}
