package store

import (
	"context"
	"embed"
	"time"

	"stackd/internal/sqldb"
	"stackd/neutron"
)

//go:embed migrations/*.sql
var files embed.FS

// Store is neutron.Store in SQL.
type Store struct{ db *sqldb.DB }

// Open brings the tables up to date.
func Open(ctx context.Context, db *sqldb.DB) (*Store, error) {
	return &Store{db}, db.Migrate(ctx, "neutron", files)
}

var _ neutron.Store = (*Store)(nil)

// Tx runs f in a transaction. A verb looks before it takes a name or an address; if
// that is taken all the same, somebody else was faster, and it looks again.
func (s *Store) Tx(ctx context.Context, f func(context.Context) error) error {
	if s.db.InTx(ctx) {
		return f(ctx)
	}
	err := s.db.Tx(ctx, f)
	for try := 0; try < 10 && sqldb.Taken(err); try++ {
		err = s.db.Tx(ctx, f)
	}
	return err
}

func (s *Store) After(ctx context.Context, f func()) { s.db.After(ctx, f) }
func (s *Store) Now() time.Time                      { return s.db.Now() }
