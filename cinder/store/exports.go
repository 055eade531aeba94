package store

import (
	"context"
	"time"

	"stackd/cinder"
)

func (s *Store) Connected(ctx context.Context, backend string) (map[string]string, error) {
	var rows []cinder.Connection
	err := s.db.Q(ctx).NewRaw(`SELECT a.id AS holder, a.volume_id FROM attachments AS a JOIN volumes AS v ON v.id = a.volume_id WHERE v.backend = ? AND a.connection <> 'null'
		UNION ALL SELECT c.holder, c.volume_id FROM volume_connections AS c JOIN volumes AS v ON v.id = c.volume_id WHERE v.backend = ?`, backend, backend).Scan(ctx, &rows)
	out := map[string]string{}
	for _, r := range rows {
		out[r.Holder] = r.VolumeID
	}
	return out, err
}

func (s *Store) InsertConnection(ctx context.Context, c *cinder.Connection) error {
	_, err := s.db.Q(ctx).NewInsert().Model(c).ModelTableExpr("volume_connections").On("CONFLICT (holder) DO NOTHING").Exec(ctx)
	return err
}

func (s *Store) ConnectionsOf(ctx context.Context, volume string) ([]*cinder.Connection, error) {
	var rows []*cinder.Connection
	err := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("volume_connections AS ?TableAlias").Where("volume_id = ?", volume).Scan(ctx)
	return rows, err
}

func (s *Store) DeleteConnection(ctx context.Context, holder string) error {
	return s.remove(ctx, "volume_connections", "holder = ?", holder)
}

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
