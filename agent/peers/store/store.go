// Package store keeps what control planes agree on: the rows of package peers.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"time"

	"stackd/agent/peers"
	"stackd/internal/sqldb"

	"github.com/uptrace/bun"
)

//go:embed migrations/*.sql
var files embed.FS

// Store is peers.Store over the database.
type Store struct{ db *sqldb.DB }

var _ peers.Store = (*Store)(nil)

// Open brings the tables up to date.
func Open(ctx context.Context, db *sqldb.DB) (*Store, error) {
	return &Store{db}, db.Migrate(ctx, "peers", files)
}

type member struct {
	bun.BaseModel `bun:"table:peer_members"`
	peers.Member
	Founder bool
}

// clock is the database's, in milliseconds: hosts' own clocks may differ.
func (s *Store) clock() string {
	if s.db.Postgres() {
		return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
	}
	return "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
}

// Lease is peers.Store's.
func (s *Store) Lease(ctx context.Context, name, holder string, life time.Duration) (bool, error) {
	now := s.clock()
	return s.once(ctx, "INSERT INTO peer_leases (name, holder, until) VALUES ($1, $2, "+now+" + $3) ON CONFLICT (name) DO UPDATE"+
		" SET holder = EXCLUDED.holder, until = EXCLUDED.until WHERE peer_leases.holder = EXCLUDED.holder OR peer_leases.until < "+now, name, holder, life.Milliseconds())
}

// Release is peers.Store's.
func (s *Store) Release(ctx context.Context, name, holder string) error {
	_, err := s.once(ctx, "DELETE FROM peer_leases WHERE name = $1 AND holder = $2", name, holder)
	return err
}

// Found is peers.Store's.
func (s *Store) Found(ctx context.Context, m peers.Member) (first peers.Member, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		if first, err = s.Founder(ctx, m.Database); err != nil || first != (peers.Member{}) {
			return err
		}
		if err = s.put(ctx, &member{Member: m, Founder: true}); err == nil {
			first = m
		}
		return err
	})
	return first, err
}

// Founder is peers.Store's.
func (s *Store) Founder(ctx context.Context, database string) (peers.Member, error) {
	var m member
	err := s.db.Q(ctx).NewSelect().Model(&m).Where("database = ? AND founder", database).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return m.Member, err
}

// Put is peers.Store's.
func (s *Store) Put(ctx context.Context, m peers.Member) error {
	return s.db.Tx(ctx, func(ctx context.Context) error { return s.put(ctx, &member{Member: m}) })
}

func (s *Store) put(ctx context.Context, m *member) error {
	_, err := s.db.Q(ctx).NewInsert().Model(m).On("CONFLICT (database, address) DO UPDATE").Set("server = EXCLUDED.server").Exec(ctx)
	return err
}

// Members is peers.Store's.
func (s *Store) Members(ctx context.Context, database string) (all []peers.Member, err error) {
	var rows []member
	err = s.db.Q(ctx).NewSelect().Model(&rows).Where("database = ?", database).OrderExpr("address").Scan(ctx)
	for _, r := range rows {
		all = append(all, r.Member)
	}
	return all, err
}

// once runs a statement that is a transaction by itself, and tells whether it touched a
// row: a host that loses its power never holds a lock on the row that others wait for.
func (s *Store) once(ctx context.Context, statement string, args ...any) (some bool, err error) {
	r, err := s.db.Raw().ExecContext(ctx, statement, args...)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}
