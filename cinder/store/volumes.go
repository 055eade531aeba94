package store

import (
	"context"
	"time"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"

	"github.com/uptrace/bun"
)

var newest = []listing.Sort{{Key: "created_at", Desc: true}, {Key: "id", Desc: true}}

var volumeColumns = sqldb.Columns{Table: "volumes", Sorts: newest, By: map[string]string{"id": "id", "name": "name", "display_name": "name", "status": "status", "size": "size", "created_at": "created_at",
	"updated_at": "updated_at", "user_id": "user_id", "project_id": "project_id", "availability_zone": "zone", "bootable": "bootable", "volume_type": "type_id", "volume_type_id": "type_id", "host": "backend",
	"snapshot_id": "snapshot_id", "source_volid": "source_id", "group_id": "group_id", "consistencygroup_id": "group_id", "migration_status": "migration"}}

func (s *Store) InsertVolume(ctx context.Context, v *cinder.Volume) error {
	return s.insert(ctx, "volumes", v)
}

func (s *Store) Volume(ctx context.Context, id string) (*cinder.Volume, error) {
	return one[cinder.Volume](ctx, s, cinder.NoVolume(id), "volumes", "id = ?", id)
}

func (s *Store) UpdateVolume(ctx context.Context, v *cinder.Volume, columns ...string) error {
	return s.update(ctx, "volumes", v, cinder.NoVolume(v.ID), columns...)
}

func (s *Store) DeleteVolumeRow(ctx context.Context, id string) error {
	return s.remove(ctx, "volumes", "id = ?", id)
}

func (s *Store) Volumes(ctx context.Context, q cinder.VolumeQuery) ([]*cinder.Volume, error) {
	var rows []*cinder.Volume
	return rows, s.page(ctx, &rows, q, volumeColumns)
}

func (s *Store) CountVolumes(ctx context.Context, q cinder.VolumeQuery) (int, error) {
	return s.count(ctx, q, volumeColumns)
}

func (s *Store) Sourced(ctx context.Context, id string) (bool, error) {
	n, err := s.db.Q(ctx).NewSelect().TableExpr("volumes").Where("(source_id = ? OR snapshot_id = ?) AND wish = 'make'", id, id).Count(ctx)
	return n > 0, err
}

func (s *Store) Totals(ctx context.Context, project string) (n, size int64, err error) {
	sel := s.db.Q(ctx).NewSelect().TableExpr("volumes").ColumnExpr("COUNT(*), COALESCE(SUM(size), 0)")
	if project != "" {
		sel = sel.Where("project_id = ?", project)
	}
	err = sel.Scan(ctx, &n, &size)
	return n, size, err
}

func (s *Store) Due(ctx context.Context, limit int) ([]string, error) {
	var ids []string
	now := s.Now()
	err := s.db.Q(ctx).NewRaw("SELECT id FROM (SELECT id, due_at FROM volumes WHERE due_at <= ? UNION SELECT volume_id, MIN(due_at) FROM snapshots WHERE due_at <= ? GROUP BY volume_id) AS due GROUP BY id ORDER BY MIN(due_at) LIMIT ?", now, now, limit).Scan(ctx, &ids)
	return ids, err
}

func (s *Store) ClaimVolume(ctx context.Context, id string, lease time.Duration) (*cinder.Volume, []*cinder.Snapshot, error) {
	var v *cinder.Volume
	var ps []*cinder.Snapshot
	err := s.Tx(ctx, func(ctx context.Context) error {
		var err error
		if v, err = s.Volume(ctx, id); err != nil {
			return err
		}
		now := s.Now()
		if err := s.db.Q(ctx).NewSelect().Model(&ps).ModelTableExpr("snapshots AS ?TableAlias").Where("volume_id = ? AND due_at <= ?", id, now).OrderExpr("created_at").Scan(ctx); err != nil {
			return err
		}
		if v.DueAt.After(now) { // another process has it
			v.DueAt = time.Time{}
		}
		if v.DueAt.IsZero() && len(ps) == 0 {
			v = nil
			return nil
		}
		_, err = s.RenewVolume(ctx, v, ps, lease)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return nil, nil, nil
	}
	return v, ps, err
}

func (s *Store) RenewVolume(ctx context.Context, v *cinder.Volume, ps []*cinder.Snapshot, lease time.Duration) (held bool, err error) {
	set, args := s.db.Claim(s.Now().Add(lease))
	held = true
	err = s.Tx(ctx, func(ctx context.Context) error {
		if !v.DueAt.IsZero() {
			held, err = touched(s.db.Q(ctx).NewUpdate().TableExpr("volumes").Set(set, args...).Where("id = ? AND generation = ? AND wish <> ''", v.ID, v.Generation).Exec(ctx))
			if err != nil {
				return err
			}
		}
		var ids []string
		for _, p := range ps {
			ids = append(ids, p.ID)
		}
		if len(ids) == 0 {
			return nil
		}
		_, err := s.db.Q(ctx).NewUpdate().TableExpr("snapshots").Set(set, args...).Where("id IN (?) AND wish <> ''", bun.List(ids)).Exec(ctx)
		return err
	})
	return held, err
}
