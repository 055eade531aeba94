package store

import (
	"context"
	"database/sql"
	"time"

	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/sqldb"

	"github.com/uptrace/bun"
)

// moving is the row of a glance.Bytes.
type moving struct {
	bun.BaseModel `bun:"table:image_bytes"`
	*glance.Bytes
}

// one makes a Conflict of a change that met no row.
func one(res sql.Result, err error, text string) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return fault.New(fault.Conflict, "%s", text)
}

// Book takes a name for a move. Bytes that are to go may be booked over any other row.
func (s *Store) Book(ctx context.Context, b *glance.Bytes) error {
	old := &moving{Bytes: new(glance.Bytes)}
	err := s.db.Q(ctx).NewSelect().Model(old).Where("store = ? AND name = ?", b.Store, b.Name).Scan(ctx)
	if sqldb.Missing(err) {
		_, err = s.db.Q(ctx).NewInsert().Model(&moving{Bytes: b}).Exec(ctx)
		return err
	}
	if err != nil {
		return err
	}
	if old.Move != b.Move && b.Move != "gone" {
		return fault.New(fault.Conflict, "Bytes of this name are still being cleared away.")
	}
	if b.Host == "" {
		b.Host = old.Host
	}
	_, err = s.db.Q(ctx).NewUpdate().Model(&moving{Bytes: b}).Where("store = ? AND name = ?", b.Store, b.Name).Exec(ctx)
	return err
}

func (s *Store) Booked(ctx context.Context, image string) ([]*glance.Bytes, error) {
	return s.bytes(ctx, "image_id = ?", image)
}

func (s *Store) bytes(ctx context.Context, where string, args ...any) ([]*glance.Bytes, error) {
	var rows []moving
	err := s.db.Q(ctx).NewSelect().Model(&rows).Where(where, args...).OrderExpr("due_at").Limit(1000).Scan(ctx)
	out := make([]*glance.Bytes, len(rows))
	for n, r := range rows {
		out[n] = r.Bytes
	}
	return out, err
}

func (s *Store) Unbook(ctx context.Context, store, name string) error {
	_, err := s.db.Q(ctx).NewDelete().Model((*moving)(nil)).Where("store = ? AND name = ?", store, name).Exec(ctx)
	return err
}

// Postpone puts off one row that is due, or with no store named all of a move's.
func (s *Store) Postpone(ctx context.Context, b *glance.Bytes, until time.Time) error {
	q := s.db.Q(ctx).NewUpdate().Model((*moving)(nil)).Set("due_at = ?", until)
	if b.Store == "" {
		_, err := q.Where("image_id = ? AND move = ?", b.ImageID, b.Move).Exec(ctx)
		return err
	}
	res, err := q.Where("store = ? AND name = ? AND move = ? AND due_at <= ?", b.Store, b.Name, b.Move, s.Now()).Exec(ctx)
	return one(res, err, "The bytes are looked after by another.")
}

func (s *Store) Overdue(ctx context.Context, host string, before time.Time) ([]*glance.Bytes, error) {
	return s.bytes(ctx, "due_at <= ? AND host IN ('', ?)", before, host)
}

func (s *Store) Void(ctx context.Context) error {
	old := time.Unix(0, 0).UTC()
	if _, err := s.db.Q(ctx).NewUpdate().Model((*moving)(nil)).Set("due_at = ?", old).Where("1 = 1").Exec(ctx); err != nil {
		return err
	}
	if _, err := s.db.Q(ctx).NewUpdate().Model((*task)(nil)).Set("due_at = ?", old).Set("claim = ''").Where("status IN (?)", unfinished).Exec(ctx); err != nil {
		return err
	}
	_, err := s.db.Q(ctx).NewUpdate().Model((*glance.Image)(nil)).Set("touched_at = ?", old).Where("upload <> ''").Exec(ctx)
	return err
}

// Uploading leaves out what a task that is not finished is working on.
func (s *Store) Uploading(ctx context.Context, before time.Time) ([]*glance.Image, error) {
	var rows []*glance.Image
	live := s.db.Q(ctx).NewSelect().Model((*task)(nil)).Column("id").Where("status IN (?)", unfinished)
	err := s.db.Q(ctx).NewSelect().Model(&rows).Where("upload <> '' AND touched_at < ? AND upload NOT IN (?)", before, live).Scan(ctx)
	return rows, err
}

func (s *Store) LocatedAt(ctx context.Context, what, but string) (string, error) {
	var id string
	q := s.db.Q(ctx).NewSelect().Model((*glance.Image)(nil)).Column("id").Where("id <> ?", but).Where("REPLACE(locations, ?, '') <> locations", what)
	err := q.Limit(1).Scan(ctx, &id)
	if sqldb.Missing(err) {
		return "", nil
	}
	return id, err
}

// Used counts an image's bytes once for each location that has them: each is an object
// of the list, and begins with a brace.
func (s *Store) Used(ctx context.Context, project string) (glance.Usage, error) {
	var rows []struct {
		Status        string
		N, Size, Kept int64
	}
	err := s.db.Q(ctx).NewSelect().Model((*glance.Image)(nil)).Column("status").ColumnExpr("COUNT(*) AS n").ColumnExpr("COALESCE(SUM(size), 0) AS size").
		ColumnExpr("COALESCE(SUM(size * (LENGTH(locations) - LENGTH(REPLACE(locations, '{\"store\"', '\"store\"')))), 0) AS kept").Where("owner = ?", project).Group("status").Scan(ctx, &rows)
	var u glance.Usage
	for _, r := range rows {
		u.Count += r.N
		u.Size += r.Kept
		switch r.Status {
		case glance.Uploading, glance.Importing, glance.Saving:
			u.Stage += r.Size
			u.Uploading += r.N
		}
	}
	return u, err
}
