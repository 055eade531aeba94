package events

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"stackd/internal/sqldb"
	"stackd/internal/token"
)

const (
	// Kept is how long events are kept at least as long as there are not more than most.
	Kept = 24 * time.Hour
	most = 200_000
	// page is how many are read at once.
	page = 500
)

// A Position is a place in the order of events: right after the event that has it.
type Position struct{ Xact, Seq int64 }

func (p Position) String() string { return fmt.Sprintf("%d-%d", p.Xact, p.Seq) }

// Before tells whether p comes before q.
func (p Position) Before(q Position) bool {
	return p.Xact < q.Xact || p.Xact == q.Xact && p.Seq < q.Seq
}

// ParsePosition reads what String wrote.
func ParsePosition(s string) (Position, error) {
	a, b, ok := strings.Cut(s, "-")
	x, err1 := strconv.ParseUint(a, 10, 63)
	y, err2 := strconv.ParseUint(b, 10, 63)
	if !ok || err1 != nil || err2 != nil {
		return Position{}, fmt.Errorf("%q is no id of an event", s)
	}
	return Position{int64(x), int64(y)}, nil
}

// An Event is one change of one thing.
type Event struct {
	At      Position
	Time    string // UTC, with milliseconds: 2026-11-25T12:00:00.000Z
	Type    string
	Action  string // created, updated, deleted
	Thing   string // its id
	Project string
	user    string
	to      string // the project that is told; "*" is everybody, "" administrators
	copied  bool
}

// SeenBy tells whether the bearer of a token is told of it.
func (e *Event) SeenBy(w *token.Who) bool {
	if w.Admin() {
		return !e.copied
	}
	own := w.Project.ID != "" && w.Project.ID == e.Project
	if e.copied {
		return !own && (e.to == "*" || w.Project.ID != "" && e.to == w.Project.ID)
	}
	return own || e.to == "*" || e.user != "" && e.user == w.User.ID
}

// read is the next events after a position, as far as order is certain.
func read(ctx context.Context, db *sqldb.DB, after Position) (out []*Event, err error) {
	const columns = "SELECT xact, seq, at, type, action, thing, project_id, user_id, audience, copied FROM events WHERE "
	q, args := columns+"seq > ? ORDER BY seq LIMIT ?", []any{after.Seq, page}
	if db.Postgres() {
		q, args = columns+"(xact, seq) > (?, ?) AND xact < pg_snapshot_xmin(pg_current_snapshot())::text::bigint ORDER BY xact, seq LIMIT ?", []any{after.Xact, after.Seq, page}
	}
	rows, err := db.Q(ctx).QueryContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		e := &Event{}
		if err := rows.Scan(&e.At.Xact, &e.At.Seq, &e.Time, &e.Type, &e.Action, &e.Thing, &e.Project, &e.user, &e.to, &e.copied); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

// now is the position from which on everything that commits later is read.
func now(ctx context.Context, db *sqldb.DB) (p Position, err error) {
	if db.Postgres() {
		err = db.Q(ctx).NewRaw("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1").Scan(ctx, &p.Xact)
		p.Seq = 1<<62 - 1
		return p, err
	}
	var seq []int64
	err = db.Q(ctx).NewRaw("SELECT seq FROM sqlite_sequence WHERE name = 'events'").Scan(ctx, &seq)
	if len(seq) > 0 {
		p.Seq = seq[0]
	}
	return p, err
}

// lost tells whether events after a position have been forgotten, or never were here.
func lost(ctx context.Context, db *sqldb.DB, p, now Position) (bool, error) {
	var floor Position
	if err := db.Q(ctx).NewRaw("SELECT xact, seq FROM events_floor").Scan(ctx, &floor.Xact, &floor.Seq); err != nil {
		return false, err
	}
	return p.Before(floor) || now.Before(p) && !db.Postgres() || db.Postgres() && p.Xact > now.Xact+1<<20, nil
}

// forget takes away what is older than Kept, and the oldest of more than most.
func forget(ctx context.Context, db *sqldb.DB) error {
	floor, ok, err := bound(ctx, db)
	if err != nil || !ok {
		return err
	}
	return db.Tx(ctx, func(ctx context.Context) error {
		if _, err := db.Q(ctx).ExecContext(ctx, "UPDATE events_floor SET xact = ?, seq = ?", floor.Xact, floor.Seq); err != nil {
			return err
		}
		_, err := db.Q(ctx).ExecContext(ctx, "DELETE FROM events WHERE (xact, seq) <= (?, ?)", floor.Xact, floor.Seq)
		return err
	})
}

// bound is the last event to be forgotten.
func bound(ctx context.Context, db *sqldb.DB) (p Position, ok bool, err error) {
	old := db.Now().Add(-Kept).UTC().Format("2006-01-02T15:04:05.000Z")
	for _, q := range []struct {
		text string
		arg  any
	}{{"SELECT xact, seq FROM events WHERE at < ? ORDER BY xact DESC, seq DESC LIMIT 1", old}, {"SELECT xact, seq FROM events ORDER BY xact DESC, seq DESC LIMIT 1 OFFSET ?", most}} {
		var one Position
		switch e := db.Q(ctx).QueryRowContext(ctx, q.text, q.arg).Scan(&one.Xact, &one.Seq); {
		case e == sql.ErrNoRows:
		case e != nil:
			return p, false, e
		case p.Before(one):
			p, ok = one, true
		}
	}
	return p, ok, nil
}
