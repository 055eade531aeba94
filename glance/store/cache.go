package store

import (
	"context"

	"stackd/glance"
	"stackd/internal/sqldb"

	"github.com/uptrace/bun"
)

// cached is the row of a glance.Cached.
type cached struct {
	bun.BaseModel `bun:"table:image_cache"`
	*glance.Cached
}

func (s *Store) CacheRow(ctx context.Context, image, host string) (*glance.Cached, error) {
	c := &cached{Cached: new(glance.Cached)}
	err := s.db.Q(ctx).NewSelect().Model(c).Where("image_id = ? AND host = ?", image, host).Scan(ctx)
	if sqldb.Missing(err) {
		return nil, nil
	}
	return c.Cached, err
}

func (s *Store) CacheRowsOf(ctx context.Context, host string) ([]*glance.Cached, error) {
	return s.cached(ctx, "host = ?", host)
}

func (s *Store) CacheGone(ctx context.Context, host string) ([]*glance.Cached, error) {
	return s.cached(ctx, "host = ? AND image_id NOT IN (SELECT id FROM images)", host)
}

// cached has the one that was used last first.
func (s *Store) cached(ctx context.Context, where string, args ...any) ([]*glance.Cached, error) {
	var rows []cached
	err := s.db.Q(ctx).NewSelect().Model(&rows).Where(where, args...).OrderExpr("last_accessed DESC, image_id").Scan(ctx)
	out := make([]*glance.Cached, len(rows))
	for n, r := range rows {
		out[n] = r.Cached
	}
	return out, err
}

func (s *Store) SaveCacheRow(ctx context.Context, c *glance.Cached) error {
	q := s.db.Q(ctx).NewInsert().Model(&cached{Cached: c}).On("CONFLICT (image_id, host) DO UPDATE")
	for _, col := range []string{"state", "size", "hits", "due_at", "last_accessed", "last_modified"} {
		q = q.Set("? = EXCLUDED.?", bun.Ident(col), bun.Ident(col))
	}
	_, err := q.Exec(ctx)
	return err
}

func (s *Store) DropCacheRow(ctx context.Context, image, host string) error {
	_, err := s.db.Q(ctx).NewDelete().Model((*cached)(nil)).Where("image_id = ? AND host = ?", image, host).Exec(ctx)
	return err
}
