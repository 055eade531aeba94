// Package dbtest gives a test a fresh, empty database of its own: SQLite in a
// temporary folder, and PostgreSQL as well when STACKD_TEST_PG holds the address
// of a server where databases may be made ("postgres://user@host:port/postgres").
package dbtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"stackd/internal/sqldb"
)

// Each runs f as a subtest on every kind of database there is.
func Each(t *testing.T, f func(t *testing.T, db *sqldb.DB)) {
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
	if where := os.Getenv("STACKD_TEST_PG"); where != "" {
		t.Run("postgres", func(t *testing.T) { f(t, postgres(t, where)) })
	}
}

// New is one database: PostgreSQL when STACKD_TEST_PG is set, else SQLite.
func New(t testing.TB) *sqldb.DB {
	if where := os.Getenv("STACKD_TEST_PG"); where != "" {
		return postgres(t, where)
	}
	return SQLite(t)
}

// SQLite is a database in a file of the test's own folder.
func SQLite(t testing.TB) *sqldb.DB {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "test.db"))
}

var n atomic.Int64

func postgres(t testing.TB, where string) *sqldb.DB {
	t.Helper()
	return open(t, address(t, where))
}

// Address is the address of a new PostgreSQL database, for tests with several
// processes; STACKD_TEST_PG must be set.
func Address(t testing.TB) string {
	t.Helper()
	return address(t, os.Getenv("STACKD_TEST_PG"))
}

func address(t testing.TB, where string) string {
	t.Helper()
	admin, err := sqldb.Open(context.Background(), where)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	name := fmt.Sprintf("t_%d_%d_%d", os.Getpid(), time.Now().UnixNano(), n.Add(1))
	if _, err := admin.Raw().Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(where)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	t.Cleanup(func() {
		if admin, err := sqldb.Open(context.Background(), where); err == nil {
			admin.Raw().Exec("DROP DATABASE " + name + " WITH (FORCE)")
			admin.Close()
		}
	})
	return u.String()
}

func open(t testing.TB, where string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(context.Background(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
