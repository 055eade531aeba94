package store

import (
	"context"

	"stackd/internal/listing"
	"stackd/keystone"
)

func (s *Store) Trusts(ctx context.Context, l listing.List) ([]*keystone.Trust, error) {
	var rows []*keystone.Trust
	q := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("keystone_trusts AS ?TableAlias").Where("deleted_at IS NULL")
	if err := s.filter(q, &rows, l); err != nil {
		return nil, err
	}
	return rows, q.Scan(ctx)
}
