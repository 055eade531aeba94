// Package store keeps compute's rows: one file a table, every query on it there.
package store

import (
	"context"
	"embed"
	"time"

	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/nova"

	"github.com/uptrace/bun"
)

//go:embed migrations/*.sql
var files embed.FS

// Store is nova.Store over the database.
type Store struct{ db *sqldb.DB }

var _ nova.Store = (*Store)(nil)

// Open brings the tables up to date.
func Open(ctx context.Context, db *sqldb.DB) (*Store, error) {
	return &Store{db}, db.Migrate(ctx, "nova", files)
}

func (s *Store) Tx(ctx context.Context, f func(context.Context) error) error { return s.db.Tx(ctx, f) }
func (s *Store) After(ctx context.Context, f func())                         { s.db.After(ctx, f) }
func (s *Store) Now() time.Time                                              { return s.db.Now() }

// Unclaim makes due what earlier processes of this control plane had claimed.
func (s *Store) Unclaim(ctx context.Context) error {
	return s.db.Unclaim(ctx, "servers", "captures")
}

// one reads one row by a condition; missing is what to say when there is none.
func one[T any](ctx context.Context, s *Store, missing *fault.Error, where string, args ...any) (*T, error) {
	row := new(T)
	err := s.db.Q(ctx).NewSelect().Model(row).Where(where, args...).Limit(1).Scan(ctx)
	if sqldb.Missing(err) {
		return nil, missing
	}
	return row, err
}

func (s *Store) insert(ctx context.Context, row any) error {
	_, err := s.db.Q(ctx).NewInsert().Model(row).Exec(ctx)
	return err
}

// gone turns "no row was changed" into missing.
func gone(res interface{ RowsAffected() (int64, error) }, err error, missing *fault.Error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return missing
}

// next is the next number of a table's column.
func (s *Store) next(ctx context.Context, table, column string) (int64, error) {
	var n int64
	err := s.db.Q(ctx).NewSelect().TableExpr("?", bun.Ident(table)).ColumnExpr("COALESCE(MAX(?), 0) + 1", bun.Ident(column)).Scan(ctx, &n)
	return n, err
}
