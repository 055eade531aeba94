package store

import (
	"context"
	"time"

	"stackd/internal/sqldb"
	"stackd/nova"
)

func (s *Store) InsertCapture(ctx context.Context, k *nova.Capture) error { return s.insert(ctx, k) }

func (s *Store) DeleteCapture(ctx context.Context, image string) error {
	_, err := s.db.Q(ctx).NewDelete().Model((*nova.Capture)(nil)).Where("image_id = ?", image).Exec(ctx)
	return err
}

func (s *Store) DueCaptures(ctx context.Context, limit int) ([]string, error) {
	var ids []string
	err := s.db.Q(ctx).NewSelect().Model((*nova.Capture)(nil)).Column("image_id").Where("due_at <= ?", s.Now()).Order("due_at").Limit(int64(limit)).Scan(ctx, &ids)
	return ids, err
}

// ClaimCapture takes a due capture for one pass; it is nil when another has it.
func (s *Store) ClaimCapture(ctx context.Context, image string, lease time.Duration) (*nova.Capture, error) {
	k := new(nova.Capture)
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.db.Q(ctx).NewSelect().Model(k).Where("image_id = ? AND due_at <= ?", image, s.Now()).Scan(ctx); err != nil {
			return err
		}
		k.DueAt = s.Now().Add(lease)
		return s.claimCapture(ctx, image, k.DueAt)
	})
	if sqldb.Missing(err) {
		return nil, nil
	}
	return k, err
}

func (s *Store) claimCapture(ctx context.Context, image string, until time.Time) error {
	set, args := s.db.Claim(until)
	return s.setCapture(ctx, image, set, args...)
}

func (s *Store) RenewCapture(ctx context.Context, image string, lease time.Duration) error {
	return s.claimCapture(ctx, image, s.Now().Add(lease))
}

func (s *Store) RetryCapture(ctx context.Context, image string, after time.Duration) error {
	return s.setCapture(ctx, image, "due_at = ?, tries = tries + 1", s.Now().Add(after))
}

func (s *Store) setCapture(ctx context.Context, image, set string, args ...any) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		_, err := s.db.Q(ctx).NewUpdate().Model((*nova.Capture)(nil)).Set(set, args...).Where("image_id = ?", image).Exec(ctx)
		return err
	})
}
