package sqldb_test

import (
	"context"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
)

var claimed = fstest.MapFS{"migrations/0001_jobs.sql": {Data: []byte(`-- +goose Up
CREATE TABLE jobs (id TEXT PRIMARY KEY, due_at TIMESTAMPTZ, claimed_by TEXT NOT NULL DEFAULT '', claimed_until TIMESTAMPTZ);
`)}}

func set(t *testing.T, db *sqldb.DB, id, set string, args ...any) {
	t.Helper()
	err := db.Tx(t.Context(), func(ctx context.Context) error {
		_, err := db.Q(ctx).NewUpdate().Table("jobs").Set(set, args...).Where("id = ?", id).Exec(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What a process claimed is due at once when it comes back under its name; what it only put
// off, what is another's, and what an older program claimed since, are not.
func TestUnclaim(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, first *sqldb.DB) {
		if err := first.Migrate(t.Context(), "jobs", claimed); err != nil {
			t.Fatal(err)
		}
		if ok, err := first.Name(t.Context(), "a"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		other, err := sqldb.Open(t.Context(), first.URL())
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		if ok, err := other.Name(t.Context(), "b"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		until := first.Now().Add(time.Hour)
		for _, id := range []string{"mine", "later", "theirs", "older"} {
			err := first.Tx(t.Context(), func(ctx context.Context) error {
				_, err := first.Q(ctx).NewRaw("INSERT INTO jobs (id) VALUES (?)", id).Exec(ctx)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			by := first
			if id == "theirs" {
				by = other
			}
			s, args := by.Claim(until)
			set(t, first, id, s, args...)
		}
		set(t, first, "later", "due_at = ?", first.Now().Add(time.Minute))
		set(t, first, "older", "due_at = ?", until.Add(time.Second))
		if first.Postgres() {
			twin, err := sqldb.Open(t.Context(), first.URL())
			if err != nil {
				t.Fatal(err)
			}
			defer twin.Close()
			if ok, err := twin.Name(t.Context(), "a"); ok || err != nil {
				t.Fatal("two have one name", err)
			}
			if len(due(t, twin)) != 0 {
				t.Fatal("a nameless process ended claims")
			}
		}
		first.Close()
		again, err := sqldb.Open(t.Context(), other.URL())
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		if ok, err := again.Name(t.Context(), "a"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if got := due(t, again); !slices.Equal(got, []string{"mine"}) {
			t.Fatal(got)
		}
	})
}

// due is what is due after a process's start.
func due(t *testing.T, db *sqldb.DB) (ids []string) {
	t.Helper()
	if err := db.Unclaim(t.Context(), "jobs"); err != nil {
		t.Fatal(err)
	}
	if err := db.Q(t.Context()).NewRaw("SELECT id FROM jobs WHERE due_at <= ? ORDER BY id", db.Now()).Scan(t.Context(), &ids); err != nil {
		t.Fatal(err)
	}
	return ids
}
