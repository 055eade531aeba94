package store

import (
	"context"

	"stackd/cinder"
)

func (s *Store) Used(ctx context.Context, project string) (cinder.Usage, error) {
	u := cinder.Usage{PerType: map[string][3]int64{}}
	var rows []struct {
		TypeID    string
		Kind      string
		N, Amount int64
	}
	err := s.db.Q(ctx).NewRaw(`SELECT type_id, 'volume' AS kind, COUNT(*) AS n, COALESCE(SUM(CASE WHEN wanted_size > size THEN wanted_size ELSE size END), 0) AS amount FROM volumes WHERE project_id = ? GROUP BY type_id
		UNION ALL SELECT v.type_id, 'snapshot', COUNT(*), COALESCE(SUM(s.size), 0) FROM snapshots s JOIN volumes v ON v.id = s.volume_id WHERE s.project_id = ? GROUP BY v.type_id`, project, project).Scan(ctx, &rows)
	for _, r := range rows {
		t := u.PerType[r.TypeID]
		u.Gigabytes += r.Amount
		t[1] += r.Amount
		if r.Kind == "volume" {
			u.Volumes += r.N
			t[0] += r.N
		} else {
			u.Snapshots += r.N
			t[2] += r.N
		}
		u.PerType[r.TypeID] = t
	}
	if err != nil {
		return u, err
	}
	err = s.db.Q(ctx).NewRaw("SELECT (SELECT COUNT(*) FROM volume_groups WHERE project_id = ?), COUNT(*), COALESCE(SUM(size), 0) FROM volume_backups WHERE project_id = ?", project, project).Scan(ctx, &u.Groups, &u.Backups, &u.BackupGigabytes)
	return u, err
}

func (s *Store) Quotas(ctx context.Context, project string) (map[string]int64, error) {
	var rows []cinder.VolumeQuota
	err := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("volume_quota AS ?TableAlias").Where("project_id = ?", project).Scan(ctx)
	out := map[string]int64{}
	for _, r := range rows {
		out[r.Resource] = r.Value
	}
	return out, err
}

func (s *Store) SetQuota(ctx context.Context, q cinder.VolumeQuota) error {
	_, err := s.db.Q(ctx).NewInsert().Model(&q).ModelTableExpr("volume_quota").On("CONFLICT (project_id, resource) DO UPDATE").Set("value = EXCLUDED.value").Exec(ctx)
	return err
}

func (s *Store) DeleteQuotas(ctx context.Context, project string) error {
	return s.remove(ctx, "volume_quota", "project_id = ?", project)
}
