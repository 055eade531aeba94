package store

import (
	"context"
	"time"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/sqldb"
)

var backups = shelf[cinder.Backup]{sqldb.Columns{Table: "volume_backups", Sorts: newest, By: map[string]string{"id": "id", "name": "name", "display_name": "name", "status": "status", "volume_id": "volume_id", "snapshot_id": "snapshot_id", "size": "size", "container": "container",
	"created_at": "created_at", "updated_at": "updated_at", "data_timestamp": "data_at", "project_id": "project_id", "availability_zone": "zone", "parent_id": "parent_id"}}, cinder.NoBackup}

func (s *Store) InsertBackup(ctx context.Context, b *cinder.Backup) error {
	return s.insert(ctx, "volume_backups", b)
}

func (s *Store) Backup(ctx context.Context, id string) (*cinder.Backup, error) {
	return backups.get(ctx, s, id)
}

func (s *Store) Backups(ctx context.Context, q cinder.VolumeQuery) ([]*cinder.Backup, error) {
	return backups.list(ctx, s, q)
}

func (s *Store) CountBackups(ctx context.Context, q cinder.VolumeQuery) (int, error) {
	return s.count(ctx, q, backups.cols)
}

func (s *Store) BackupsOf(ctx context.Context, volume string) ([]*cinder.Backup, error) {
	var rows []*cinder.Backup
	err := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("volume_backups AS ?TableAlias").Where("volume_id = ?", volume).OrderExpr("data_at, created_at, id").Scan(ctx)
	return rows, err
}

func (s *Store) BackupsAt(ctx context.Context, place string) ([]*cinder.Backup, error) {
	var rows []*cinder.Backup
	err := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("volume_backups AS ?TableAlias").Where("place = ?", place).OrderExpr("id").Scan(ctx)
	return rows, err
}

func (s *Store) Parents(ctx context.Context, ids ...string) (map[string]bool, error) {
	out := map[string]bool{}
	if len(ids) == 0 {
		return out, nil
	}
	var parents []string
	err := s.db.Q(ctx).NewSelect().TableExpr("volume_backups").ColumnExpr("DISTINCT parent_id").Where("parent_id IN (?)", in(ids)).Scan(ctx, &parents)
	for _, p := range parents {
		out[p] = true
	}
	return out, err
}

func (s *Store) UpdateBackup(ctx context.Context, b *cinder.Backup) error {
	return s.update(ctx, "volume_backups", b, cinder.NoBackup(b.ID))
}

func (s *Store) DeleteBackupRow(ctx context.Context, id string) error {
	return s.remove(ctx, "volume_backups", "id = ?", id)
}

func (s *Store) DueBackups(ctx context.Context, limit int) ([]string, error) {
	var ids []string
	err := s.db.Q(ctx).NewSelect().TableExpr("volume_backups").Column("id").Where("due_at <= ?", s.Now()).OrderExpr("due_at").Limit(int64(limit)).Scan(ctx, &ids)
	return ids, err
}

func (s *Store) ClaimBackup(ctx context.Context, id string, lease time.Duration) (*cinder.Backup, error) {
	var b *cinder.Backup
	err := s.Tx(ctx, func(ctx context.Context) error {
		var err error
		if b, err = s.Backup(ctx, id); err != nil {
			return err
		}
		if b.DueAt.IsZero() || b.DueAt.After(s.Now()) {
			b = nil
			return nil
		}
		_, err = s.RenewBackup(ctx, b, lease)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return b, err
}

func (s *Store) RenewBackup(ctx context.Context, b *cinder.Backup, lease time.Duration) (held bool, err error) {
	until := s.Now().Add(lease)
	set, args := s.db.Claim(until)
	err = s.Tx(ctx, func(ctx context.Context) error {
		held, err = touched(s.db.Q(ctx).NewUpdate().TableExpr("volume_backups").Set(set, args...).Set("busy_until = ?", until).Where("id = ? AND generation = ? AND wish <> ''", b.ID, b.Generation).Exec(ctx))
		return err
	})
	return held, err
}
