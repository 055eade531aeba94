package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"stackd/internal/fault"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

type txKey struct{}

type tx struct {
	bun.Tx
	db    *DB
	after []func()
	waits []wait
}

// A wait is for others to take note of the transaction: it begins before the commit
// and ends in any case.
type wait struct{ wait, begin, end func() }

func (d *DB) onCommit(ctx context.Context, waiting, begin, end func()) {
	if t, ok := ctx.Value(txKey{}).(*tx); ok && t.db == d {
		t.waits = append(t.waits, wait{waiting, begin, end})
	}
}

// Q is what to query with: the context's transaction, else a reading handle.
func (d *DB) Q(ctx context.Context) bun.IDB {
	if t, ok := ctx.Value(txKey{}).(*tx); ok && t.db == d {
		return t.Tx
	}
	return d.read
}

// InTx tells whether the context carries a transaction.
func (d *DB) InTx(ctx context.Context) bool {
	t, ok := ctx.Value(txKey{}).(*tx)
	return ok && t.db == d
}

// Tx runs f in a transaction, joining the context's own if there is one. It
// commits when f returns nil. f may run more than once; see the package page.
func (d *DB) Tx(ctx context.Context, f func(ctx context.Context) error) error {
	if d.InTx(ctx) {
		return f(ctx)
	}
	pause, until := firstPause, time.Now().Add(clashing)
	for {
		err := d.once(ctx, f)
		if err == nil || !clash(err) || ctx.Err() != nil {
			return err
		}
		if time.Now().After(until) {
			return fault.New(fault.Unavailable, "Too much is changed at the same moment. Please try again.").Because(err)
		}
		time.Sleep(rand.N(pause) + time.Millisecond)
		pause = min(2*pause, longestPause)
	}
}

// A transaction that clashes is tried again for so long, after pauses that grow: under
// load, losers that come back at once would only be in each other's way.
const (
	clashing     = 15 * time.Second
	firstPause   = 4 * time.Millisecond
	longestPause = 250 * time.Millisecond
)

func (d *DB) once(ctx context.Context, f func(ctx context.Context) error) error {
	b, end, err := d.began(ctx)
	if err != nil {
		return err
	}
	defer end() // after the Rollback below
	t := &tx{Tx: b, db: d}
	defer b.Rollback() // does nothing after Commit
	inside := context.WithValue(ctx, txKey{}, t)
	if err := f(inside); err != nil {
		return err
	}
	if err := before(inside); err != nil {
		return err
	}
	for _, w := range t.waits {
		w.begin()
		defer w.end()
	}
	if err := b.Commit(); err != nil {
		return err
	}
	for _, g := range t.after {
		g()
	}
	if d.committed != nil {
		d.committed()
	}
	for _, w := range t.waits {
		w.wait()
	}
	return nil
}

// After runs g when the context's transaction has been committed, at once when
// there is none. g must not block.
func (d *DB) After(ctx context.Context, g func()) {
	if t, ok := ctx.Value(txKey{}).(*tx); ok && t.db == d {
		t.after = append(t.after, g)
		return
	}
	g()
}

// OnCommit has g run after every transaction that was committed. It must not block, and
// is set before the first transaction; there is one.
func (d *DB) OnCommit(g func()) { d.committed = g }

// clash: another transaction was in the way; the same again may do.
func clash(err error) bool {
	var p *pgconn.PgError
	if errors.As(err, &p) {
		return p.Code == "40001" || p.Code == "40P01"
	}
	var s *sqlite.Error
	return errors.As(err, &s) && s.Code()&0xff == sqlite3.SQLITE_BUSY
}

// Taken tells whether err says that a unique key is taken already.
func Taken(err error) bool {
	var p *pgconn.PgError
	if errors.As(err, &p) {
		return p.Code == "23505"
	}
	var s *sqlite.Error
	return errors.As(err, &s) && (s.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || s.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// Missing tells whether err says that no row was found.
func Missing(err error) bool { return errors.Is(err, sql.ErrNoRows) }
