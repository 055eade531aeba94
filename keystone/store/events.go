package store

import (
	"context"
	"time"

	"stackd/internal/listing"
	"stackd/keystone"

	"github.com/uptrace/bun"
)

func (s *Store) KeepEvent(ctx context.Context, e *keystone.Event) error {
	_, err := s.db.Q(ctx).NewInsert().Model(e).ModelTableExpr("keystone_events").
		On("CONFLICT (id) DO UPDATE").Set("repeats = keystone_events.repeats + CASE WHEN keystone_events.outcome = excluded.outcome THEN 1 ELSE 0 END, outcome = excluded.outcome, code = excluded.code, reason = excluded.reason").Exec(ctx)
	return err
}

func (s *Store) Events(ctx context.Context, l listing.List, since, until time.Time) ([]*keystone.Event, error) {
	var rows []*keystone.Event
	q := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("keystone_events AS ?TableAlias")
	for op, at := range map[string]time.Time{">=": since, "<": until} {
		if !at.IsZero() {
			q.Where("at ? ?", bun.Safe(op), at)
		}
	}
	if err := s.filter(q, &rows, l); err != nil {
		return nil, err
	}
	return rows, q.Scan(ctx)
}

func (s *Store) PurgeEvents(ctx context.Context, before time.Time, most int) (int, error) {
	r, err := s.db.Q(ctx).ExecContext(ctx, "DELETE FROM keystone_events WHERE id IN (SELECT id FROM keystone_events WHERE at < ? ORDER BY at LIMIT ?)", before, most)
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	return int(n), err
}
