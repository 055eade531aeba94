package store

import (
	"context"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/sqldb"
)

var typeColumns = sqldb.Columns{Table: "volume_types", Sorts: newest, By: map[string]string{"id": "id", "name": "name", "created_at": "created_at", "updated_at": "updated_at"}}

func noType(id string) error {
	return fault.New(fault.NotFound, "Volume type %s could not be found.", id)
}

func (s *Store) InsertType(ctx context.Context, t *cinder.Type) error {
	return s.insert(ctx, "volume_types", t)
}

func (s *Store) Type(ctx context.Context, idOrName string) (*cinder.Type, error) {
	missing := fault.New(fault.NotFound, "Volume type with name %s could not be found.", idOrName)
	if len(idOrName) == 36 {
		missing = fault.New(fault.NotFound, "Volume type %s could not be found.", idOrName)
	}
	return one[cinder.Type](ctx, s, missing, "volume_types", "id = ? OR name = ?", idOrName, idOrName)
}

func (s *Store) Types(ctx context.Context, q cinder.TypeQuery) ([]*cinder.Type, error) {
	var rows []*cinder.Type
	sel := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("volume_types AS ?TableAlias")
	if q.ProjectID != "" {
		sel = sel.Where("(public OR id IN (SELECT type_id FROM volume_type_accesses WHERE project_id = ?))", q.ProjectID)
	}
	if q.Public != nil {
		sel = sel.Where("public = ?", *q.Public)
	}
	if q.Marker != "" {
		if _, err := s.Type(ctx, q.Marker); err != nil {
			return nil, err
		}
	}
	return rows, sqldb.Page(sel, q.List, typeColumns).Scan(ctx)
}

func (s *Store) UpdateType(ctx context.Context, t *cinder.Type) error {
	return s.update(ctx, "volume_types", t, noType(t.ID))
}

func (s *Store) DeleteType(ctx context.Context, id string) error {
	return s.remove(ctx, "volume_types", "id = ?", id)
}

func (s *Store) TypeInUse(ctx context.Context, id string) (bool, error) {
	n, err := s.db.Q(ctx).NewSelect().TableExpr("volumes").Where("type_id = ?", id).Count(ctx)
	return n > 0, err
}

func (s *Store) TypeAccess(ctx context.Context, id string) ([]string, error) {
	var projects []string
	err := s.db.Q(ctx).NewSelect().TableExpr("volume_type_accesses").Column("project_id").Where("type_id = ?", id).OrderExpr("project_id").Scan(ctx, &projects)
	return projects, err
}

func (s *Store) AddTypeAccess(ctx context.Context, a cinder.TypeAccess) error {
	err := s.insert(ctx, "volume_type_accesses", &a)
	if sqldb.Taken(err) {
		return fault.New(fault.Conflict, "Volume type access for %s / %s combination already exists.", a.TypeID, a.ProjectID)
	}
	return err
}

func (s *Store) RemoveTypeAccess(ctx context.Context, a cinder.TypeAccess) error {
	r, err := s.db.Q(ctx).NewDelete().TableExpr("volume_type_accesses").Where("type_id = ? AND project_id = ?", a.TypeID, a.ProjectID).Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return fault.New(fault.NotFound, "Volume type access not found for %s / %s combination.", a.TypeID, a.ProjectID)
}
