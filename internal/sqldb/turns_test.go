package sqldb_test

import (
	"context"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/internal/turn"

	"golang.org/x/sync/errgroup"
)

// Transactions of two processes that count rows and add one are each run once when they
// take turns, and the count is right.
func TestTurns(t *testing.T) {
	if os.Getenv("STACKD_TEST_PG") == "" { // SQLite has one writer in any case
		return
	}
	at := dbtest.Address(t)
	dbs := []*sqldb.DB{opened(t, at), opened(t, at)}
	setup(t, dbs[0])
	var runs atomic.Int32
	ctx := turn.Of(t.Context(), "things")
	var g errgroup.Group
	for n := range 8 {
		g.Go(func() error {
			for range 10 {
				if err := addCounted(ctx, dbs[n%2], &runs); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := dbs[0].Q(t.Context()).NewSelect().Table("things").ColumnExpr("COUNT(DISTINCT size)").Scan(t.Context(), &n); err != nil || n != 80 {
		t.Error(n, "sizes", err)
	}
	if r := runs.Load(); r > 85 {
		t.Errorf("80 transactions were run %d times", r)
	}
}

// addCounted adds a thing whose size is how many there are.
func addCounted(ctx context.Context, db *sqldb.DB, runs *atomic.Int32) error {
	return db.Tx(ctx, func(ctx context.Context) error {
		runs.Add(1)
		var n int
		if err := db.Q(ctx).NewSelect().Table("things").ColumnExpr("COUNT(*)").Scan(ctx, &n); err != nil {
			return err
		}
		_, err := db.Q(ctx).NewInsert().Model(&thing{ID: time.Now().String(), Size: n, Tags: map[string]string{}}).Exec(ctx)
		return err
	})
}

// Whoever has the turn and does nothing, as a frozen process does, holds nobody up for long.
func TestTurnThatDoesNotCome(t *testing.T) {
	if os.Getenv("STACKD_TEST_PG") == "" {
		return
	}
	at := dbtest.Address(t)
	db, frozen := opened(t, at), opened(t, at)
	setup(t, db)
	c, err := frozen.Raw().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.ExecContext(t.Context(), "SELECT pg_advisory_lock(1953854062, hashtext('things'))"); err != nil {
		t.Fatal(err)
	}
	var runs atomic.Int32
	start := time.Now()
	var g errgroup.Group
	for range 4 {
		g.Go(func() error { return addCounted(turn.Of(t.Context(), "things"), db, &runs) })
	}
	if err := g.Wait(); err != nil || time.Since(start) < time.Second || time.Since(start) > 5*time.Second {
		t.Error(err, time.Since(start))
	}
}
