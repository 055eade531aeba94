package store

import (
	"context"

	"stackd/internal/fault"
	"stackd/nova"

	"github.com/uptrace/bun"
)

func (s *Store) InsertSwap(ctx context.Context, w *nova.Swap) error { return s.insert(ctx, w) }

func (s *Store) UpdateSwap(ctx context.Context, w *nova.Swap) error {
	res, err := s.db.Q(ctx).NewUpdate().Model(w).WherePK().Exec(ctx)
	return gone(res, err, fault.New(fault.NotFound, "The swap %s has ended.", w.ID))
}

func (s *Store) DeleteSwap(ctx context.Context, id string) error {
	_, err := s.db.Q(ctx).NewDelete().Model((*nova.Swap)(nil)).Where("id = ?", id).Exec(ctx)
	return err
}

// Swaps are those of servers, by the hold that is to be another.
func (s *Store) Swaps(ctx context.Context, servers ...string) (map[string]*nova.Swap, error) {
	var rows []*nova.Swap
	err := s.db.Q(ctx).NewSelect().Model(&rows).Where("server_id IN (?)", bun.List(append([]string{""}, servers...))).Scan(ctx)
	out := map[string]*nova.Swap{}
	for _, w := range rows {
		out[w.HoldID] = w
	}
	return out, err
}
