package store

import (
	"context"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
	"stackd/nova"
)

func noKeypair(user, name string) *fault.Error {
	return fault.New(fault.NotFound, "Keypair %s not found for user %s", name, user)
}

func (s *Store) InsertKeypair(ctx context.Context, k *nova.Keypair) (err error) {
	if k.Num, err = s.next(ctx, "keypairs", "num"); err != nil {
		return err
	}
	err = s.insert(ctx, k)
	if sqldb.Taken(err) {
		return fault.New(fault.Conflict, "Key pair '%s' already exists.", k.Name)
	}
	return err
}

func (s *Store) Keypair(ctx context.Context, user, name string) (*nova.Keypair, error) {
	return one[nova.Keypair](ctx, s, noKeypair(user, name), "user_id = ? AND name = ?", user, name)
}

// Keypairs are paged by name, as their marker is one.
func (s *Store) Keypairs(ctx context.Context, user string, l listing.List) ([]*nova.Keypair, error) {
	var rows []*nova.Keypair
	q := s.db.Q(ctx).NewSelect().Model(&rows).Where("user_id = ?", user).OrderExpr("name")
	if l.Marker != "" {
		if _, err := s.Keypair(ctx, user, l.Marker); err != nil {
			return nil, fault.New(fault.Invalid, "marker [%s] not found", l.Marker)
		}
		q = q.Where("name > ?", l.Marker)
	}
	if l.Limit > 0 {
		q = q.Limit(int64(l.Limit) + 1)
	}
	return rows, q.Scan(ctx)
}

func (s *Store) DeleteKeypair(ctx context.Context, user, name string) error {
	res, err := s.db.Q(ctx).NewDelete().Model((*nova.Keypair)(nil)).Where("user_id = ? AND name = ?", user, name).Exec(ctx)
	return gone(res, err, noKeypair(user, name))
}
