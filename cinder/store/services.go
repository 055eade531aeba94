package store

import (
	"context"

	"stackd/cinder"
)

func (s *Store) SwitchedServices(ctx context.Context) ([]cinder.Service, error) {
	var rows []cinder.Service
	err := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("volume_services AS ?TableAlias").Scan(ctx)
	return rows, err
}

func (s *Store) PutService(ctx context.Context, p cinder.Service) error {
	_, err := s.db.Q(ctx).NewInsert().Model(&p).ModelTableExpr("volume_services").On("CONFLICT (host, name) DO UPDATE").Set("disabled = EXCLUDED.disabled, reason = EXCLUDED.reason, frozen = EXCLUDED.frozen").Exec(ctx)
	return err
}

func (s *Store) BackendUse(ctx context.Context) ([]cinder.BackendUse, error) {
	var rows []cinder.BackendUse
	err := s.db.Q(ctx).NewRaw(`SELECT backend, project_id, SUM(volumes) AS volumes, SUM(gigabytes) AS gigabytes, SUM(snapshots) AS snapshots, SUM(snapshot_gigabytes) AS snapshot_gigabytes FROM (
		SELECT backend, project_id, COUNT(*) AS volumes, COALESCE(SUM(size), 0) AS gigabytes, 0 AS snapshots, 0 AS snapshot_gigabytes FROM volumes WHERE backend <> '' GROUP BY backend, project_id
		UNION ALL SELECT v.backend, s.project_id, 0, 0, COUNT(*), COALESCE(SUM(s.size), 0) FROM snapshots s JOIN volumes v ON v.id = s.volume_id GROUP BY v.backend, s.project_id) AS u GROUP BY backend, project_id`).Scan(ctx, &rows)
	return rows, err
}
