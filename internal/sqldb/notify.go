package sqldb

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// An ear is this process's listening connection on one channel, and those who wait
// to know that all other ears have heard them.
type ear struct {
	mu      sync.Mutex
	pid     uint32 // of the connection's backend; 0 while it is down
	serial  int64
	waiting map[string]*echo
	lived   atomic.Int64 // when the connection was last seen alive, in nanoseconds of this process
}

// An echo is one notice and the ears that have heard it.
type echo struct {
	heard map[uint32]bool
	more  chan struct{} // something was added
}

const (
	// pulse is how often an ear without news sees whether its connection lives.
	pulse = time.Second
	// patience is how long a change waits for the other ears.
	patience = 3 * pulse
	// trust is how long an ear is believed to hear after a sign of life. It is less
	// than patience: whoever is not waited for has stopped to believe itself.
	trust = patience - pulse/2
	// earLock is the first half of the advisory lock that every ear holds.
	earLock = 0x656172
)

func newEar() *ear {
	e := &ear{waiting: map[string]*echo{}}
	e.lived.Store(-int64(time.Hour))
	return e
}

var born = time.Now()

// Hears tells whether this process would know by now of any Notify on the channel
// whose transaction has returned. Only while it does may it rely on what it
// remembers. On SQLite it always does.
func (d *DB) Hears(channel string) bool {
	return !d.pg || d.ear(channel).alive()
}

func (e *ear) alive() bool { return time.Since(born)-time.Duration(e.lived.Load()) < trust }

// sign notes that the connection lived at that time. When the ear had been given up
// it may have missed something, which heard is told first.
func (e *ear) sign(at time.Time, heard func()) {
	if !e.alive() {
		heard()
	}
	e.lived.Store(int64(at.Sub(born)))
}

func (d *DB) ear(channel string) *ear {
	e, _ := d.ears.LoadOrStore(channel, newEar())
	return e.(*ear)
}

// Notify tells all who Listen on the channel, in every process, once the context's
// transaction is committed; Tx then returns when all of them have heard it, so that
// nobody who asks another process afterwards is told what was true before. One that
// does not hear for three seconds is waited for no longer: it knows by then that its
// connection is gone. An SQLite file belongs to one process: nobody else is told.
func (d *DB) Notify(ctx context.Context, channel string) error {
	if !d.pg {
		return nil
	}
	e := d.ear(channel)
	e.mu.Lock()
	e.serial++
	pid, mark := e.pid, fmt.Sprintf("%d.%d", e.pid, e.serial)
	e.mu.Unlock()
	if pid != 0 {
		d.onCommit(ctx, func() { d.await(channel, e, pid, mark) }, func() { e.expect(mark) }, func() { e.forget(mark) })
	}
	_, err := d.Q(ctx).ExecContext(ctx, "SELECT pg_notify(?, ?)", channel, mark)
	return err
}

func (e *ear) expect(mark string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waiting[mark] = &echo{heard: map[uint32]bool{}, more: make(chan struct{}, 1)}
}

func (e *ear) forget(mark string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.waiting, mark)
}

// await returns when every other ear has heard the notice, or is gone.
func (d *DB) await(channel string, e *ear, own uint32, mark string) {
	e.mu.Lock()
	w := e.waiting[mark]
	e.mu.Unlock()
	for end := time.Now().Add(patience); w != nil; {
		var pids []uint32
		err := d.read.NewRaw("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = ? AND objid = hashtext(?)::bigint & 4294967295 AND granted AND pid <> ?"+
			" AND database = (SELECT oid FROM pg_database WHERE datname = current_database())", earLock, channel, own).Scan(context.Background(), &pids)
		if err != nil || e.have(w, pids) {
			return
		}
		select {
		case <-w.more:
			if e.have(w, pids) {
				return
			}
		case <-time.After(pulse / 4):
		}
		if time.Now().After(end) {
			slog.Warn("another control plane does not hear", "channel", channel)
			return
		}
	}
}

func (e *ear) have(w *echo, pids []uint32) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range pids {
		if !w.heard[p] {
			return false
		}
	}
	return true
}

// Listen calls heard for every Notify on the channel until the context ends, and
// up whenever the ear is lost (false) and, all notices since then missed, found
// again (true). An ear whose connection does not answer is lost within two seconds.
// On SQLite it says up(true) and waits.
func (d *DB) Listen(ctx context.Context, channel string, up func(bool), heard func()) {
	if !d.pg {
		up(true)
		<-ctx.Done()
		return
	}
	e := d.ear(channel)
	for ctx.Err() == nil {
		err := d.listen(ctx, e, channel, up, heard)
		e.at(0)
		up(false)
		if ctx.Err() == nil {
			slog.Warn("what other control planes change is not heard", "channel", channel, "cause", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (e *ear) at(pid uint32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pid = pid
}

func (d *DB) listen(ctx context.Context, e *ear, channel string, up func(bool), heard func()) error {
	return d.lend(ctx, func(pg *pgx.Conn) error {
		began := time.Now()
		_, err := pg.Exec(ctx, fmt.Sprintf(`LISTEN "%s"; LISTEN "%s heard"; SELECT pg_advisory_lock_shared(%d, hashtext('%s'))`, channel, channel, earLock, channel))
		if err != nil {
			return err
		}
		defer quit(ctx, pg)
		e.at(pg.PgConn().PID())
		e.sign(began, heard)
		up(true)
		return e.attend(ctx, pg, channel, heard)
	})
}

// lend gives f a connection of its own, and takes it back.
func (d *DB) lend(ctx context.Context, f func(*pgx.Conn) error) error {
	c, err := d.write.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Raw(func(driver any) error { return f(driver.(*stdlib.Conn).Conn()) })
}

// quit leaves the connection as it was found.
func quit(ctx context.Context, pg *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pulse)
	defer cancel()
	pg.Exec(ctx, "UNLISTEN *; SELECT pg_advisory_unlock_all()")
}

// attend hears until the connection or the context ends.
func (e *ear) attend(ctx context.Context, pg *pgx.Conn, channel string, heard func()) error {
	for {
		if began := time.Now(); began.Sub(born)-time.Duration(e.lived.Load()) > pulse/2 {
			if err := bounded(ctx, pg, "SELECT 1"); err != nil {
				return err
			}
			e.sign(began, heard)
		}
		wait, cancel := context.WithTimeout(ctx, pulse)
		n, err := pg.WaitForNotification(wait)
		cancel()
		switch {
		case err == nil && n.Channel == channel:
			heard()
			if !strings.HasPrefix(n.Payload, strconv.Itoa(int(pg.PgConn().PID()))+".") {
				err = bounded(ctx, pg, "SELECT pg_notify($1, $2)", channel+" heard", n.Payload)
			}
		case err == nil:
			e.echoed(n.Payload, n.PID)
		case ctx.Err() == nil && pgconn.Timeout(err):
			err = nil
		}
		if err != nil {
			return err
		}
	}
}

func bounded(ctx context.Context, pg *pgx.Conn, statement string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, pulse)
	defer cancel()
	_, err := pg.Exec(ctx, statement, args...)
	return err
}

func (e *ear) echoed(mark string, by uint32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w := e.waiting[mark]; w != nil {
		w.heard[by] = true
		select {
		case w.more <- struct{}{}:
		default:
		}
	}
}
