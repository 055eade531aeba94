package sqldb_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
)

// Words reach the other process, all of them, however many at once, and never the one that
// told them; they begin again when the connection is lost.
func TestHints(t *testing.T) {
	if os.Getenv("STACKD_TEST_PG") == "" { // an SQLite file has one process
		return
	}
	at := dbtest.Address(t)
	one, other := opened(t, at), opened(t, at)
	words, missed := make(chan string, 10_000), make(chan bool, 100)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan bool)
	go func() {
		other.Hear(ctx, "hosts", func(w string) { words <- w }, func() { missed <- true })
		close(ended)
	}()
	t.Cleanup(func() { stop(); <-ended })
	<-missed
	other.Hint("hosts", "own")
	for n := range 1000 {
		one.Hint("hosts", fmt.Sprintf("node-of-a-long-name-%d", n))
	}
	seen := map[string]bool{}
	for len(seen) < 1000 {
		select {
		case w := <-words:
			seen[w] = true
		case <-time.After(10 * time.Second):
			t.Fatal(len(seen), "words came")
		}
	}
	if seen["own"] {
		t.Error("it heard itself")
	}
	if _, err := one.Raw().Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"); err != nil {
		t.Fatal(err)
	}
	<-missed
	one.Hint("hosts", "again")
	if w := <-words; !strings.HasPrefix(w, "again") {
		t.Error(w)
	}
}

func opened(t *testing.T, at string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
