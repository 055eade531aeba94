package store

import (
	"context"

	"stackd/cinder"
	"stackd/internal/sqldb"
)

var snapshotColumns = sqldb.Columns{Table: "snapshots", Sorts: newest, By: map[string]string{"id": "id", "name": "name", "display_name": "name", "status": "status", "volume_id": "volume_id", "volume_size": "size",
	"created_at": "created_at", "updated_at": "updated_at", "project_id": "project_id", "user_id": "user_id"}}

func (s *Store) InsertSnapshot(ctx context.Context, p *cinder.Snapshot) error {
	return s.insert(ctx, "snapshots", p)
}

func (s *Store) Snapshot(ctx context.Context, id string) (*cinder.Snapshot, error) {
	return one[cinder.Snapshot](ctx, s, cinder.NoSnapshot(id), "snapshots", "id = ?", id)
}

func (s *Store) UpdateSnapshot(ctx context.Context, p *cinder.Snapshot, columns ...string) error {
	return s.update(ctx, "snapshots", p, cinder.NoSnapshot(p.ID), columns...)
}

func (s *Store) DeleteSnapshotRow(ctx context.Context, id string) error {
	return s.remove(ctx, "snapshots", "id = ?", id)
}

func (s *Store) Snapshots(ctx context.Context, q cinder.VolumeQuery) ([]*cinder.Snapshot, error) {
	var rows []*cinder.Snapshot
	return rows, s.page(ctx, &rows, q, snapshotColumns)
}

func (s *Store) CountSnapshots(ctx context.Context, q cinder.VolumeQuery) (int, error) {
	return s.count(ctx, q, snapshotColumns)
}

func (s *Store) SnapshotsOf(ctx context.Context, volume string) ([]*cinder.Snapshot, error) {
	var rows []*cinder.Snapshot
	err := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("snapshots AS ?TableAlias").Where("volume_id = ?", volume).OrderExpr("created_at").Scan(ctx)
	return rows, err
}
