package sqldb_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
)

// A snapshot is whole while others write: two rows that are always written together are
// both in it, or neither is.
func TestSnapshot(t *testing.T) {
	db := dbtest.SQLite(t)
	if _, err := db.Raw().Exec("CREATE TABLE pairs (id INTEGER, half TEXT)"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			tx, err := db.Raw().Begin()
			for _, half := range []string{"a", "b"} {
				if err == nil {
					_, err = tx.Exec("INSERT INTO pairs VALUES (?, ?)", i, half)
				}
			}
			if err == nil {
				err = tx.Commit()
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	file := filepath.Join(t.TempDir(), "snapshot")
	err := db.Snapshot(t.Context(), file)
	close(done)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Fatal(st.Mode(), err)
	}
	copied, err := sqldb.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	var odd int
	if err := copied.Raw().QueryRow("SELECT count(*) FROM (SELECT id FROM pairs GROUP BY id HAVING count(*) <> 2)").Scan(&odd); err != nil || odd != 0 {
		t.Error(odd, err)
	}
	if err := db.Snapshot(t.Context(), file); err == nil {
		t.Error("a file that is there is written over")
	}
}

func TestNoSnapshotOfPostgres(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		if err := db.Snapshot(t.Context(), filepath.Join(t.TempDir(), "s")); db.Postgres() != errors.Is(err, sqldb.ErrNoSnapshot) {
			t.Error(err)
		}
	})
}
