package store

import (
	"context"
	"database/sql"
	"embed"
	"time"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/sqldb"

	"github.com/uptrace/bun"
)

//go:embed migrations/*.sql
var files embed.FS

// Store is cinder.Store over the database.
type Store struct{ db *sqldb.DB }

var _ cinder.Store = (*Store)(nil)

// Open brings the tables up to date.
func Open(ctx context.Context, db *sqldb.DB) (*Store, error) {
	return &Store{db}, db.Migrate(ctx, "cinder", files)
}

func (s *Store) Tx(ctx context.Context, f func(context.Context) error) error { return s.db.Tx(ctx, f) }
func (s *Store) After(ctx context.Context, f func())                         { s.db.After(ctx, f) }

// Unclaim makes due what earlier processes of this control plane had claimed.
func (s *Store) Unclaim(ctx context.Context) error {
	return s.db.Unclaim(ctx, "volumes", "snapshots", "volume_backups")
}

func (s *Store) Now() time.Time { return s.db.Now() }

// one reads one row by a condition; missing is what to say when there is none.
func one[T any](ctx context.Context, s *Store, missing error, table, where string, args ...any) (*T, error) {
	row := new(T)
	err := s.db.Q(ctx).NewSelect().Model(row).ModelTableExpr(table+" AS ?TableAlias").Where(where, args...).Limit(1).Scan(ctx)
	if sqldb.Missing(err) {
		return nil, missing
	}
	return row, err
}

func (s *Store) insert(ctx context.Context, table string, row any) error {
	_, err := s.db.Q(ctx).NewInsert().Model(row).ModelTableExpr(table).Exec(ctx)
	return err
}

// touched tells whether an update found its row.
func touched(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// update writes the columns named; none is all.
func (s *Store) update(ctx context.Context, table string, row any, missing error, columns ...string) error {
	q := s.db.Q(ctx).NewUpdate().Model(row).ModelTableExpr(table + " AS ?TableAlias").WherePK()
	if len(columns) > 0 {
		q = q.Column(columns...)
	}
	res, err := q.Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return missing
}

func (s *Store) remove(ctx context.Context, table, where string, args ...any) error {
	_, err := s.db.Q(ctx).NewDelete().TableExpr("?", bun.Ident(table)).Where(where, args...).Exec(ctx)
	return err
}

// page reads one page: the limit plus one row, so that the caller sees whether there are more.
func (s *Store) page(ctx context.Context, rows any, q cinder.VolumeQuery, cols sqldb.Columns) error {
	sel, l, err := narrow(s.db.Q(ctx).NewSelect().Model(rows).ModelTableExpr(cols.Table+" AS ?TableAlias"), q, cols)
	if err != nil {
		return err
	}
	if q.Marker != "" {
		n, err := s.db.Q(ctx).NewSelect().TableExpr("?", bun.Ident(cols.Table)).Where("id = ?", q.Marker).Count(ctx)
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, "Marker %s could not be found.", q.Marker)
		}
		if err != nil {
			return err
		}
	}
	if q.Offset > 0 {
		sel = sel.Offset(int64(q.Offset))
		if l.Limit == 0 {
			sel = sel.Limit(1 << 31)
		}
	}
	return sqldb.Page(sel, l, cols).Scan(ctx)
}
