// Package store keeps who may be a node: the rows of package join.
package store

import (
	"context"
	"database/sql"
	"embed"
	"time"

	"stackd/agent/join"
	"stackd/internal/sqldb"

	"github.com/uptrace/bun"
)

//go:embed migrations/*.sql
var files embed.FS

// Store is join.Store over the database.
type Store struct{ db *sqldb.DB }

var _ join.Store = (*Store)(nil)

// Open brings the tables up to date.
func Open(ctx context.Context, db *sqldb.DB) (*Store, error) {
	return &Store{db}, db.Migrate(ctx, "join", files)
}

func (s *Store) Tx(ctx context.Context, f func(context.Context) error) error { return s.db.Tx(ctx, f) }
func (s *Store) Now() time.Time                                              { return s.db.Now() }

type root struct {
	bun.BaseModel `bun:"table:join_roots"`
	join.Root
}

type token struct {
	bun.BaseModel `bun:"table:join_tokens"`
	join.Token
}

type node struct {
	bun.BaseModel `bun:"table:join_nodes"`
	join.Node
}

// one is the row that q finds, nil when there is none.
func one[R, T any](ctx context.Context, q *bun.SelectQuery, row *R, of func(*R) *T) (*T, error) {
	err := q.Model(row).Scan(ctx)
	if sqldb.Missing(err) {
		return nil, nil
	}
	return of(row), err
}

func (s *Store) Root(ctx context.Context, id int64) (*join.Root, error) {
	return one(ctx, s.db.Q(ctx).NewSelect().Where("id = ?", id), &root{}, func(r *root) *join.Root { return &r.Root })
}

func (s *Store) InsertRoot(ctx context.Context, r *join.Root) error {
	_, err := s.change(ctx, func(q bun.IDB) (sql.Result, error) {
		return q.NewInsert().Model(&root{Root: *r}).On("CONFLICT (id) DO NOTHING").Exec(ctx)
	})
	return err
}

func (s *Store) InsertToken(ctx context.Context, t *join.Token) error {
	_, err := s.change(ctx, func(q bun.IDB) (sql.Result, error) {
		return q.NewInsert().Model(&token{Token: *t}).Exec(ctx)
	})
	return err
}

func (s *Store) Token(ctx context.Context, id string) (*join.Token, error) {
	return one(ctx, s.db.Q(ctx).NewSelect().Where("id = ?", id), &token{}, func(t *token) *join.Token { return &t.Token })
}

func (s *Store) Tokens(ctx context.Context) (all []*join.Token, err error) {
	var rows []*token
	err = s.db.Q(ctx).NewSelect().Model(&rows).Where("expires_at > ?", s.Now()).OrderExpr("created_at, id").Scan(ctx)
	for _, r := range rows {
		all = append(all, &r.Token)
	}
	return all, err
}

func (s *Store) DropOldTokens(ctx context.Context) error {
	_, err := s.change(ctx, func(q bun.IDB) (sql.Result, error) {
		return q.NewDelete().Model((*token)(nil)).Where("expires_at <= ?", s.Now()).Exec(ctx)
	})
	return err
}

func (s *Store) DeleteToken(ctx context.Context, id string) (bool, error) {
	return s.change(ctx, func(q bun.IDB) (sql.Result, error) {
		return q.NewDelete().Model((*token)(nil)).Where("id = ?", id).Exec(ctx)
	})
}

func (s *Store) Node(ctx context.Context, host string) (*join.Node, error) {
	return one(ctx, s.db.Q(ctx).NewSelect().Where("host = ?", host), &node{}, func(n *node) *join.Node { return &n.Node })
}

func (s *Store) Nodes(ctx context.Context) (all []*join.Node, err error) {
	var rows []*node
	err = s.db.Q(ctx).NewSelect().Model(&rows).OrderExpr("host").Scan(ctx)
	for _, r := range rows {
		all = append(all, &r.Node)
	}
	return all, err
}

func (s *Store) PutNode(ctx context.Context, n *join.Node) error {
	_, err := s.change(ctx, func(q bun.IDB) (sql.Result, error) {
		return q.NewInsert().Model(&node{Node: *n}).On("CONFLICT (host) DO UPDATE").
			Set("serial = EXCLUDED.serial").Set("previous = EXCLUDED.previous").Set("joined_at = EXCLUDED.joined_at").Set("expires_at = EXCLUDED.expires_at").Exec(ctx)
	})
	return err
}

func (s *Store) DeleteNode(ctx context.Context, host string) (bool, error) {
	return s.change(ctx, func(q bun.IDB) (sql.Result, error) {
		return q.NewDelete().Model((*node)(nil)).Where("host = ?", host).Exec(ctx)
	})
}

// change runs a statement in a transaction, and tells whether it touched a row.
func (s *Store) change(ctx context.Context, statement func(bun.IDB) (sql.Result, error)) (some bool, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		r, err := statement(s.db.Q(ctx))
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		some = n > 0
		return err
	})
	return some, err
}
