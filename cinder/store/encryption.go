package store

import (
	"context"

	"stackd/cinder"
	"stackd/internal/sqldb"
)

func (s *Store) InsertEncryption(ctx context.Context, e *cinder.Encryption) error {
	return s.insert(ctx, "volume_encryptions", e)
}

func (s *Store) Encryption(ctx context.Context, typeID string) (*cinder.Encryption, error) {
	e := new(cinder.Encryption)
	err := s.db.Q(ctx).NewSelect().Model(e).ModelTableExpr("volume_encryptions AS ?TableAlias").Where("type_id = ?", typeID).Scan(ctx)
	if sqldb.Missing(err) {
		return nil, nil
	}
	return e, err
}

func (s *Store) UpdateEncryption(ctx context.Context, e *cinder.Encryption) error {
	return s.update(ctx, "volume_encryptions", e, noType(e.TypeID))
}

func (s *Store) DeleteEncryption(ctx context.Context, typeID string) error {
	return s.remove(ctx, "volume_encryptions", "type_id = ?", typeID)
}

func (s *Store) DefaultTypeOf(ctx context.Context, project string) (string, error) {
	var ids []string
	err := s.db.Q(ctx).NewSelect().TableExpr("volume_default_types").Column("type_id").Where("project_id = ?", project).Scan(ctx, &ids)
	if err != nil || len(ids) == 0 {
		return "", err
	}
	return ids[0], nil
}
