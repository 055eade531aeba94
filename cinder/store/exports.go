package store

import (
	"context"
	"time"

	"stackd/cinder"
)

func (s *Store) InsertEnded(ctx context.Context, e *cinder.Ended) error {
	_, err := s.db.Q(ctx).NewInsert().Model(e).ModelTableExpr("volume_exports_ended").On("CONFLICT (holder) DO NOTHING").Exec(ctx)
	return err
}

func (s *Store) EndedOf(ctx context.Context, volume string) ([]*cinder.Ended, error) {
	var rows []*cinder.Ended
	err := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("volume_exports_ended AS ?TableAlias").Where("volume_id = ?", volume).Scan(ctx)
	return rows, err
}

func (s *Store) DeleteEnded(ctx context.Context, holder string) error {
	return s.remove(ctx, "volume_exports_ended", "holder = ?", holder)
}

// DueExports are volumes that have some; they are due again after a while, so that one
// that fails does not stand in the way.
func (s *Store) DueExports(ctx context.Context, limit int) ([]string, error) {
	var ids []string
	err := s.db.Q(ctx).NewSelect().TableExpr("volume_exports_ended").Column("volume_id").Where("due_at <= ?", s.Now()).Group("volume_id").Limit(int64(limit)).Scan(ctx, &ids)
	return ids, err
}

func (s *Store) PostponeExports(ctx context.Context, volume string, d time.Duration) error {
	_, err := s.db.Q(ctx).NewUpdate().TableExpr("volume_exports_ended").Set("due_at = ?", s.Now().Add(d)).Where("volume_id = ?", volume).Exec(ctx)
	return err
}
