package sqldb

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"stackd/internal/fault"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // driver "sqlite"
)

// DB is the database: one handle to write, one to read.
type DB struct {
	write     *bun.DB
	read      *bun.DB
	pg        bool
	url       string
	ears      sync.Map // channel → *ear
	hints     hints
	turns     sync.Map // name → *line
	mark      string   // of its hints
	committed func()
	name      string    // see Name
	bearer    *sql.Conn // holds its lock
	// Now is the clock, UTC and cut to microseconds, which both databases keep.
	// Tests may set it.
	Now func() time.Time
}

// Open opens "postgres://…" or an SQLite file by its path. The file is made when
// missing, and then only its owner may read it. "@FILE" is what the file says, so that
// no list of processes shows a password.
func Open(ctx context.Context, where string) (*DB, error) {
	if file, ok := strings.CutPrefix(where, "@"); ok {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("where the database is: %w", err)
		}
		where = strings.TrimSpace(string(b))
	}
	d := &DB{Now: func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }, url: where, mark: rand.Text()}
	var err error
	if strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://") {
		err = d.openPostgres(where)
	} else {
		err = d.openSQLite(where)
	}
	if err != nil {
		return nil, err
	}
	if err := d.write.PingContext(ctx); err != nil {
		d.Close()
		if f := fault.Of(err); f != nil {
			err = f.Unwrap()
		}
		return nil, fmt.Errorf("cannot open the database: %w", err)
	}
	return d, nil
}

// session is what our connections have of the server. It gives up a client whose host is
// without power soon, as what that has locked holds others up until then (its own word
// would be two hours); and it compiles no query, as ours are short.
var session = map[string]string{"jit": "off", "tcp_keepalives_idle": "1", "tcp_keepalives_interval": "1", "tcp_keepalives_count": "3", "tcp_user_timeout": "4000"}

func (d *DB) openPostgres(where string) error {
	c, err := configure(where)
	if err != nil {
		return err
	}
	d.pg, d.write = true, bun.NewDB(openPool(c), pgdialect.New())
	d.read = d.write
	return nil
}

func (d *DB) openSQLite(path string) error {
	made, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite's own default is for all to read
	if err != nil {
		return err
	}
	made.Close()
	pragmas := "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)&_pragma=cache_size(-8000)&_pragma=temp_store(2)"
	file := "file:" + (&url.URL{Path: path}).EscapedPath()
	w, err := sql.Open("sqlite", file+"?_txlock=immediate&"+pragmas)
	if err != nil {
		return err
	}
	w.SetMaxOpenConns(1)
	r, err := sql.Open("sqlite", file+"?_pragma=query_only(1)&"+pragmas)
	if err != nil {
		return err
	}
	r.SetMaxOpenConns(4)
	r.SetMaxIdleConns(4)
	d.write, d.read = bun.NewDB(w, sqlitedialect.New()), bun.NewDB(r, sqlitedialect.New())
	return nil
}

// Postgres tells which of the two it is.
func (d *DB) Postgres() bool { return d.pg }

// URL is what the database was opened with; it may hold a password.
func (d *DB) URL() string { return d.url }

// Raw is the writing handle, for migrations and back-ups.
func (d *DB) Raw() *sql.DB { return d.write.DB }

// Close closes both handles.
func (d *DB) Close() error {
	if d.bearer != nil {
		d.bearer.Raw(func(any) error { return driver.ErrBadConn }) // ended, not given to others with its lock
	}
	err := d.write.Close()
	if d.read != d.write {
		err = d.read.Close()
	}
	return err
}
