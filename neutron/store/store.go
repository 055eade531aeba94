package store

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"stackd/internal/sqldb"
	"stackd/neutron"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are neutron's tables, for sqldb.DB.Migrate.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err)
	}
	return sub
}

// Store is neutron.Store in SQL.
type Store struct{ db *sqldb.DB }

// Open brings the tables up to date.
func Open(ctx context.Context, db *sqldb.DB) (*Store, error) {
	return &Store{db}, db.Migrate(ctx, "neutron", Migrations())
}

var _ neutron.Store = (*Store)(nil)

func (s *Store) Tx(ctx context.Context, f func(context.Context) error) error { return s.db.Tx(ctx, f) }
func (s *Store) After(ctx context.Context, f func())                         { s.db.After(ctx, f) }
func (s *Store) Now() time.Time                                              { return s.db.Now() }
