package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"log/slog"
	"sync/atomic"
	"time"

	"stackd/internal/turn"

	"github.com/uptrace/bun"
)

const (
	// turnLock is the first half of the advisory lock of whoever has a turn.
	turnLock = 0x7475726e
	// turnWait is how long a turn is waited for. Who has it may be frozen: then there are
	// none for as long again.
	turnWait = 2 * time.Second
)

// A line is those of this process who wait for a turn: one at the database, the others here.
type line struct {
	first chan bool
	none  atomic.Int64 // there are no turns until then, in nanoseconds of this process
}

// began begins a transaction, when it is its turn; end gives the turn to the next.
func (d *DB) began(ctx context.Context) (t bun.Tx, end func(), err error) {
	var opts *sql.TxOptions
	if d.pg {
		opts = &sql.TxOptions{Isolation: sql.LevelSerializable}
	}
	if name := turn.Name(ctx); d.pg && name != "" {
		if c, end := d.myTurn(ctx, name); c != nil {
			t, err := c.BeginTx(ctx, opts)
			if err != nil {
				end()
			}
			return t, end, err
		}
	}
	t, err = d.write.BeginTx(ctx, opts)
	return t, func() {}, err
}

// myTurn is a connection that has the turn, or nil when it does not come. The lock is the
// connection's and not the transaction's: that would see what was before it waited.
func (d *DB) myTurn(ctx context.Context, name string) (c *bun.Conn, end func()) {
	v, _ := d.turns.LoadOrStore(name, &line{first: make(chan bool, 1)})
	l := v.(*line)
	ctx, cancel := context.WithTimeout(ctx, turnWait)
	defer cancel()
	select {
	case l.first <- true:
	case <-ctx.Done():
		return nil, nil
	}
	if int64(time.Since(born)) > l.none.Load() {
		c = d.locked(ctx, name)
	}
	if c == nil {
		<-l.first
		return nil, nil
	}
	return c, func() {
		d.giveTurn(*c, name)
		<-l.first
	}
}

// locked is a connection that has the lock of a turn; nil, and a while without turns, when
// it does not get it.
func (d *DB) locked(ctx context.Context, name string) *bun.Conn {
	c, err := d.write.Conn(ctx)
	if err != nil {
		return nil
	}
	if _, err := c.ExecContext(ctx, "SELECT pg_advisory_lock(?, hashtext(?))", turnLock, name); err != nil {
		forsake(c)
		if ctx.Err() == context.DeadlineExceeded {
			slog.Warn("a turn does not come; going on without", "of", name, "cause", err)
			l, _ := d.turns.Load(name)
			l.(*line).none.Store(int64(time.Since(born) + turnWait))
		}
		return nil
	}
	return &c
}

func (d *DB) giveTurn(c bun.Conn, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), pulse)
	defer cancel()
	if _, err := c.ExecContext(ctx, "SELECT pg_advisory_unlock(?, hashtext(?))", turnLock, name); err != nil {
		forsake(c)
		return
	}
	c.Close()
}

// forsake ends a connection for good, with the locks that it may have.
func forsake(c bun.Conn) {
	c.Raw(func(any) error { return driver.ErrBadConn })
	c.Close()
}
