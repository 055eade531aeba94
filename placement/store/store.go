// Package store keeps placement's rows.
package store

import (
	"context"
	"embed"
	"time"

	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/placement"

	"github.com/uptrace/bun"
)

//go:embed migrations/*.sql
var files embed.FS

// Store is placement.Store over the database.
type Store struct{ db *sqldb.DB }

var _ placement.Store = (*Store)(nil)

// Open brings the tables up to date.
func Open(ctx context.Context, db *sqldb.DB) (*Store, error) {
	return &Store{db}, db.Migrate(ctx, "placement", files)
}

func (s *Store) Tx(ctx context.Context, f func(context.Context) error) error { return s.db.Tx(ctx, f) }
func (s *Store) Now() time.Time                                              { return s.db.Now() }

func (s *Store) insert(ctx context.Context, row any) error {
	_, err := s.db.Q(ctx).NewInsert().Model(row).Exec(ctx)
	return err
}

// among narrows to values of a column; none is all.
func among(q *bun.SelectQuery, column string, values []string) *bun.SelectQuery {
	if len(values) == 0 {
		return q
	}
	return q.Where("? IN (?)", bun.Ident(column), bun.List(values))
}

func (s *Store) Providers(ctx context.Context, q placement.ProviderQuery) ([]*placement.Provider, error) {
	var rows []*placement.Provider
	sel := s.db.Q(ctx).NewSelect().Model(&rows).OrderExpr("created_at, id")
	if q.IDs != nil {
		sel = sel.Where("id IN (?)", bun.List(append([]string{""}, q.IDs...)))
	}
	if q.Name != "" {
		sel = sel.Where("name = ?", q.Name)
	}
	if q.Root != "" {
		sel = sel.Where("root_id = ?", q.Root)
	}
	return rows, sel.Scan(ctx)
}

func taken(err error, p *placement.Provider) error {
	if sqldb.Taken(err) {
		return fault.New(fault.Conflict, "Conflicting resource provider name: %s already exists.", p.Name).Named(placement.CodeDuplicate)
	}
	return err
}

func (s *Store) InsertProvider(ctx context.Context, p *placement.Provider) error {
	return taken(s.insert(ctx, p), p)
}

func (s *Store) UpdateProvider(ctx context.Context, p *placement.Provider) error {
	_, err := s.db.Q(ctx).NewUpdate().Model(p).WherePK().Exec(ctx)
	return taken(err, p)
}

func (s *Store) DeleteProvider(ctx context.Context, id string) error {
	_, err := s.db.Q(ctx).NewDelete().Model((*placement.Provider)(nil)).Where("id = ?", id).Exec(ctx)
	return err
}

func (s *Store) Inventories(ctx context.Context, providers ...string) ([]placement.Inventory, error) {
	var rows []placement.Inventory
	err := among(s.db.Q(ctx).NewSelect().Model(&rows), "provider_id", providers).OrderExpr("provider_id, class").Scan(ctx)
	return rows, err
}

// SetInventories replaces what a provider has.
func (s *Store) SetInventories(ctx context.Context, provider string, rows []placement.Inventory) error {
	if _, err := s.db.Q(ctx).NewDelete().Model((*placement.Inventory)(nil)).Where("provider_id = ?", provider).Exec(ctx); err != nil || len(rows) == 0 {
		return err
	}
	return s.insert(ctx, &rows)
}

func (s *Store) Usages(ctx context.Context, providers ...string) (placement.Usage, error) {
	var rows []struct {
		ProviderID, Class string
		Used              int64
	}
	q := s.db.Q(ctx).NewSelect().Model((*placement.Allocation)(nil)).Column("provider_id", "class").ColumnExpr("CAST(SUM(used) AS BIGINT) AS used").Group("provider_id", "class")
	if err := among(q, "provider_id", providers).Scan(ctx, &rows); err != nil {
		return nil, err
	}
	out := placement.Usage{}
	for _, r := range rows {
		if out[r.ProviderID] == nil {
			out[r.ProviderID] = map[string]int64{}
		}
		out[r.ProviderID][r.Class] = r.Used
	}
	return out, nil
}

func (s *Store) AllocationsOf(ctx context.Context, consumers ...string) ([]placement.Allocation, error) {
	var rows []placement.Allocation
	err := s.db.Q(ctx).NewSelect().Model(&rows).Where("consumer_id IN (?)", bun.List(append([]string{""}, consumers...))).OrderExpr("provider_id, class").Scan(ctx)
	return rows, err
}

func (s *Store) AllocationsOn(ctx context.Context, provider string) ([]placement.Allocation, error) {
	var rows []placement.Allocation
	err := s.db.Q(ctx).NewSelect().Model(&rows).Where("provider_id = ?", provider).OrderExpr("consumer_id, class").Scan(ctx)
	return rows, err
}

// SetAllocations replaces what a consumer has.
func (s *Store) SetAllocations(ctx context.Context, consumer string, rows []placement.Allocation) error {
	if _, err := s.db.Q(ctx).NewDelete().Model((*placement.Allocation)(nil)).Where("consumer_id = ?", consumer).Exec(ctx); err != nil || len(rows) == 0 {
		return err
	}
	return s.insert(ctx, &rows)
}

func (s *Store) ConsumersLike(ctx context.Context, project, user, kind string) ([]placement.Consumer, error) {
	var rows []placement.Consumer
	q := s.db.Q(ctx).NewSelect().Model(&rows).Where("project_id = ?", project)
	if user != "" {
		q = q.Where("user_id = ?", user)
	}
	if kind != "" {
		q = q.Where("type = ?", kind)
	}
	return rows, q.Scan(ctx)
}

func (s *Store) Consumers(ctx context.Context, ids ...string) (map[string]*placement.Consumer, error) {
	var rows []*placement.Consumer
	err := s.db.Q(ctx).NewSelect().Model(&rows).Where("id IN (?)", bun.List(append([]string{""}, ids...))).Scan(ctx)
	out := map[string]*placement.Consumer{}
	for _, r := range rows {
		out[r.ID] = r
	}
	return out, err
}

// SaveConsumer inserts or replaces.
func (s *Store) SaveConsumer(ctx context.Context, c *placement.Consumer) error {
	_, err := s.db.Q(ctx).NewInsert().Model(c).On("CONFLICT (id) DO UPDATE").Set("project_id = EXCLUDED.project_id").Set("user_id = EXCLUDED.user_id").
		Set("type = EXCLUDED.type").Set("generation = EXCLUDED.generation").Set("updated_at = EXCLUDED.updated_at").Exec(ctx)
	return err
}

func (s *Store) DeleteConsumer(ctx context.Context, id string) error {
	_, err := s.db.Q(ctx).NewDelete().Model((*placement.Consumer)(nil)).Where("id = ?", id).Exec(ctx)
	return err
}

func (s *Store) Names(ctx context.Context, kind string) ([]placement.Name, error) {
	var rows []placement.Name
	err := s.db.Q(ctx).NewSelect().Model(&rows).Where("kind = ?", kind).OrderExpr("created_at, name").Scan(ctx)
	return rows, err
}

func (s *Store) InsertName(ctx context.Context, n placement.Name) error {
	err := s.insert(ctx, &n)
	if sqldb.Taken(err) {
		return fault.New(fault.Conflict, "Conflicting %s already exists: %s.", n.Kind, n.Name)
	}
	return err
}

func (s *Store) DeleteName(ctx context.Context, n placement.Name) error {
	_, err := s.db.Q(ctx).NewDelete().Model(&n).WherePK().Exec(ctx)
	return err
}

func (s *Store) NameUsed(ctx context.Context, n placement.Name) (bool, error) {
	q := s.db.Q(ctx).NewSelect().Model((*placement.Inventory)(nil)).Where("class = ?", n.Name)
	if n.Kind == "trait" {
		q = s.db.Q(ctx).NewSelect().Model((*placement.Provider)(nil)).Where("traits LIKE ?", `%"`+n.Name+`"%`)
	}
	return q.Exists(ctx)
}
