package store

import (
	"context"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
	"stackd/nova"
)

func noFlavor(id string) *fault.Error {
	return fault.New(fault.NotFound, "Flavor %s could not be found.", id)
}

func (s *Store) InsertFlavor(ctx context.Context, f *nova.Flavor) error {
	if n, err := s.db.Q(ctx).NewSelect().Model((*nova.Flavor)(nil)).Where("id = ?", f.ID).Count(ctx); err != nil {
		return err
	} else if n > 0 {
		return fault.New(fault.Conflict, "Flavor with ID %s already exists.", f.ID)
	}
	err := s.insert(ctx, f)
	if sqldb.Taken(err) {
		return fault.New(fault.Conflict, "Flavor with name %s already exists.", f.Name)
	}
	return err
}

func (s *Store) Flavor(ctx context.Context, id string) (*nova.Flavor, error) {
	return one[nova.Flavor](ctx, s, noFlavor(id), "id = ?", id)
}

var flavorColumns = sqldb.Columns{Table: "flavors", Sorts: []listing.Sort{{Key: "flavorid"}},
	By: map[string]string{"flavorid": "id", "id": "id", "name": "name", "memory_mb": "ram", "vcpus": "vcpus", "root_gb": "disk", "ephemeral_gb": "ephemeral", "swap": "swap",
		"created_at": "created_at", "updated_at": "updated_at", "is_public": "public", "disabled": "disabled", "rxtx_factor": "rxtx_factor"}}

func (s *Store) Flavors(ctx context.Context, l listing.List, q nova.FlavorQuery) ([]*nova.Flavor, error) {
	var rows []*nova.Flavor
	sel := s.db.Q(ctx).NewSelect().Model(&rows)
	mine := s.db.Q(ctx).NewSelect().Model((*nova.FlavorAccess)(nil)).Column("flavor_id").Where("project_id = ?", q.ProjectID)
	switch {
	case q.Public != nil && *q.Public:
		sel = sel.Where("public")
		if q.ProjectID != "" {
			sel = sel.WhereOr("id IN (?)", mine)
		}
	case q.Public != nil:
		sel = sel.Where("NOT public")
	}
	if q.MinDisk > 0 {
		sel = sel.Where("disk >= ?", q.MinDisk)
	}
	if q.MinRAM > 0 {
		sel = sel.Where("ram >= ?", q.MinRAM)
	}
	if l.Marker != "" {
		if _, err := s.Flavor(ctx, l.Marker); err != nil {
			return nil, fault.New(fault.Invalid, "marker [%s] not found", l.Marker)
		}
	}
	return rows, sqldb.Order(sel, l, flavorColumns).Scan(ctx)
}

func (s *Store) UpdateFlavor(ctx context.Context, f *nova.Flavor) error {
	res, err := s.db.Q(ctx).NewUpdate().Model(f).WherePK().Exec(ctx)
	return gone(res, err, noFlavor(f.ID))
}

func (s *Store) DeleteFlavor(ctx context.Context, id string) error {
	res, err := s.db.Q(ctx).NewDelete().Model((*nova.Flavor)(nil)).Where("id = ?", id).Exec(ctx)
	return gone(res, err, noFlavor(id))
}

func (s *Store) FlavorAccess(ctx context.Context, id string) ([]nova.FlavorAccess, error) {
	var rows []nova.FlavorAccess
	err := s.db.Q(ctx).NewSelect().Model(&rows).Where("flavor_id = ?", id).OrderExpr("project_id").Scan(ctx)
	return rows, err
}

func (s *Store) AddFlavorAccess(ctx context.Context, a nova.FlavorAccess) error {
	err := s.insert(ctx, &a)
	if sqldb.Taken(err) {
		return fault.New(fault.Conflict, "Flavor access already exists for flavor %s and project %s combination.", a.FlavorID, a.ProjectID)
	}
	return err
}

func (s *Store) RemoveFlavorAccess(ctx context.Context, a nova.FlavorAccess) error {
	res, err := s.db.Q(ctx).NewDelete().Model(&a).WherePK().Exec(ctx)
	return gone(res, err, fault.New(fault.NotFound, "Flavor access not found for %s / %s combination.", a.FlavorID, a.ProjectID))
}
