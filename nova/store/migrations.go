package store

import (
	"context"
	"slices"

	"stackd/internal/fault"
	"stackd/nova"

	"github.com/uptrace/bun"
)

func (s *Store) InsertMigration(ctx context.Context, m *nova.Migration) (err error) {
	if m.ID, err = s.next(ctx, "migrations", "id"); err != nil {
		return err
	}
	return s.insert(ctx, m)
}

func noMigration(id any) *fault.Error {
	return fault.New(fault.NotFound, "Migration %v could not be found.", id)
}

func (s *Store) UpdateMigration(ctx context.Context, m *nova.Migration) error {
	res, err := s.db.Q(ctx).NewUpdate().Model(m).WherePK().Exec(ctx)
	return gone(res, err, noMigration(m.ID))
}

func (s *Store) Migration(ctx context.Context, id int64) (*nova.Migration, error) {
	return one[nova.Migration](ctx, s, noMigration(id), "id = ?", id)
}

func (s *Store) MigrationsAside(ctx context.Context, host string) ([]*nova.Migration, error) {
	var rows []*nova.Migration
	err := s.db.Q(ctx).NewSelect().Model(&rows).Where("goal <> ?", nova.MoveOver).Where("(source = ? OR dest = ?)", host, host).OrderExpr("id").Scan(ctx)
	return rows, err
}

// Migrations reads one page, the latest first: the limit plus one row.
func (s *Store) Migrations(ctx context.Context, q nova.MigrationQuery) ([]*nova.Migration, error) {
	var rows []*nova.Migration
	sel := s.db.Q(ctx).NewSelect().Model(&rows).OrderExpr("created_at DESC, id DESC")
	for _, column := range []string{"server_id", "type", "status", "source", "project_id", "user_id"} {
		if v, ok := q.Where[column]; ok {
			sel = sel.Where("? IN (?)", bun.Ident(column), bun.List(slices.Concat([]string{""}, v)))
		}
	}
	if q.Host != "" {
		sel = sel.Where("(source = ? OR dest = ?)", q.Host, q.Host)
	}
	if !q.ChangesSince.IsZero() {
		sel = sel.Where("updated_at >= ?", q.ChangesSince)
	}
	if !q.ChangesBefore.IsZero() {
		sel = sel.Where("updated_at <= ?", q.ChangesBefore)
	}
	if q.Marker != "" {
		at, err := one[nova.Migration](ctx, s, fault.New(fault.Invalid, "Marker %s could not be found.", q.Marker), "uuid = ?", q.Marker)
		if err != nil {
			return nil, err
		}
		sel = sel.Where("(created_at < ? OR created_at = ? AND id < ?)", at.CreatedAt, at.CreatedAt, at.ID)
	}
	if q.Limit > 0 {
		sel = sel.Limit(int64(q.Limit) + 1)
	}
	return rows, sel.Scan(ctx)
}
