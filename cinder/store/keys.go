package store

import (
	"context"

	"stackd/cinder"
	"stackd/internal/fault"

	"github.com/uptrace/bun"
)

func (s *Store) InsertKey(ctx context.Context, k *cinder.Key) error {
	return s.insert(ctx, "volume_keys", k)
}

func (s *Store) Key(ctx context.Context, id string) (*cinder.Key, error) {
	return one[cinder.Key](ctx, s, fault.New(fault.Internal, "The key %s is not there.", id), "volume_keys", "id = ?", id)
}

// KeysOf are the closed keys of volumes, by volume.
func (s *Store) KeysOf(ctx context.Context, volumes ...string) (map[string]*cinder.Key, error) {
	var rows []struct{ VolumeID, KeyID, Sealed string }
	err := s.db.Q(ctx).NewSelect().TableExpr("volumes AS v").Join("JOIN volume_keys AS k ON k.id = v.key_id").ColumnExpr("v.id AS volume_id, k.id AS key_id, k.sealed").
		Where("v.id IN (?)", bun.List(volumes)).Scan(ctx, &rows)
	out := map[string]*cinder.Key{}
	for _, r := range rows {
		out[r.VolumeID] = &cinder.Key{ID: r.KeyID, Sealed: r.Sealed}
	}
	return out, err
}

func (s *Store) DeleteKey(ctx context.Context, id string) error {
	return s.remove(ctx, "volume_keys", "id = ?", id)
}
