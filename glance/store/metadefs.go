package store

import (
	"context"
	"slices"

	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"

	"github.com/uptrace/bun"
)

// The rows of glance's types, by their tables.
type (
	namespace struct {
		bun.BaseModel `bun:"table:metadef_namespaces"`
		*glance.Namespace
	}
	definition struct {
		bun.BaseModel `bun:"table:metadef_definitions"`
		*glance.Definition
	}
	association struct {
		bun.BaseModel `bun:"table:metadef_associations"`
		*glance.Association
	}
	resourceType struct {
		bun.BaseModel `bun:"table:metadef_resource_types"`
		*glance.ResourceType
	}
)

func (s *Store) NamespaceNamed(ctx context.Context, name string) (*glance.Namespace, error) {
	n := new(glance.Namespace)
	err := s.db.Q(ctx).NewSelect().Model(n).ModelTableExpr("metadef_namespaces AS ?TableAlias").Where("name = ?", name).Scan(ctx)
	if sqldb.Missing(err) {
		return nil, nil
	}
	return n, err
}

var namespaceColumns = sqldb.Columns{Table: "metadef_namespaces", ID: "name", Sorts: []listing.Sort{{Key: "created_at", Desc: true}, {Key: "name"}},
	By: map[string]string{"namespace": "name", "display_name": "display_name", "visibility": "visibility", "protected": "protected", "created_at": "created_at", "updated_at": "updated_at", "owner": "owner", "id": "name"}}

func (s *Store) Namespaces(ctx context.Context, q glance.NamespaceQuery) ([]*glance.Namespace, error) {
	var rows []*glance.Namespace
	sel := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("metadef_namespaces AS ?TableAlias")
	if !q.All {
		sel = sel.Where("(visibility = 'public' OR owner = ?)", q.ProjectID)
	}
	if q.Visibility != "" {
		sel = sel.Where("visibility = ?", q.Visibility)
	}
	if len(q.ResourceTypes) > 0 {
		sel = sel.Where("id IN (SELECT namespace_id FROM metadef_associations WHERE name IN (?))", bun.List(q.ResourceTypes))
	}
	if q.Marker != "" {
		if n, err := s.NamespaceNamed(ctx, q.Marker); err != nil || n == nil {
			return nil, fault.New(fault.Invalid, "Invalid marker. Namespace %s could not be found.", q.Marker).Because(err)
		}
	}
	q.Where = nil
	q.Sorts = slices.Clone(q.Sorts)
	return rows, sqldb.Page(sel, q.List, namespaceColumns).Scan(ctx)
}

func (s *Store) InsertNamespace(ctx context.Context, n *glance.Namespace) error {
	_, err := s.db.Q(ctx).NewInsert().Model(&namespace{Namespace: n}).Exec(ctx)
	return namespaceTaken(n, err)
}

func namespaceTaken(n *glance.Namespace, err error) error {
	if sqldb.Taken(err) {
		return fault.New(fault.Conflict, "The metadata definition namespace=%s already exists.", n.Name)
	}
	return err
}

func (s *Store) UpdateNamespace(ctx context.Context, n *glance.Namespace) error {
	_, err := s.db.Q(ctx).NewUpdate().Model(&namespace{Namespace: n}).WherePK().Exec(ctx)
	return namespaceTaken(n, err)
}

func (s *Store) DeleteNamespace(ctx context.Context, id string) error {
	_, err := s.db.Q(ctx).NewDelete().TableExpr("metadef_namespaces").Where("id = ?", id).Exec(ctx)
	return err
}

func (s *Store) Defined(ctx context.Context, ns, kind, name string) ([]*glance.Definition, error) {
	var rows []*glance.Definition
	q := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("metadef_definitions AS ?TableAlias").Where("namespace_id = ?", ns)
	if kind != "" {
		q = q.Where("kind = ?", kind)
	}
	if name != "" {
		q = q.Where("name = ?", name)
	}
	return rows, q.OrderExpr("created_at, name").Scan(ctx)
}

func (s *Store) InsertDefinition(ctx context.Context, d *glance.Definition) error {
	_, err := s.db.Q(ctx).NewInsert().Model(&definition{Definition: d}).Exec(ctx)
	return err
}

func (s *Store) DeleteDefinitions(ctx context.Context, ns, kind, name string) (int, error) {
	q := s.db.Q(ctx).NewDelete().TableExpr("metadef_definitions").Where("namespace_id = ? AND kind = ?", ns, kind)
	if name != "" {
		q = q.Where("name = ?", name)
	}
	return affected(q.Exec(ctx))
}

func affected(r interface{ RowsAffected() (int64, error) }, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	return int(n), err
}

func (s *Store) Associations(ctx context.Context, namespaces []string) ([]*glance.Association, error) {
	var rows []*glance.Association
	if len(namespaces) == 0 {
		return nil, nil
	}
	err := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("metadef_associations AS ?TableAlias").Where("namespace_id IN (?)", bun.List(namespaces)).OrderExpr("name").Scan(ctx)
	return rows, err
}

func (s *Store) SaveAssociation(ctx context.Context, a *glance.Association) error {
	_, err := s.db.Q(ctx).NewInsert().Model(&association{Association: a}).On("CONFLICT (namespace_id, name) DO UPDATE").
		Set("prefix = EXCLUDED.prefix").Set("properties_target = EXCLUDED.properties_target").Set("updated_at = EXCLUDED.updated_at").Exec(ctx)
	return err
}

func (s *Store) DeleteAssociation(ctx context.Context, ns, name string) (int, error) {
	return affected(s.db.Q(ctx).NewDelete().TableExpr("metadef_associations").Where("namespace_id = ? AND name = ?", ns, name).Exec(ctx))
}

func (s *Store) ResourceTypes(ctx context.Context) ([]*glance.ResourceType, error) {
	var rows []*glance.ResourceType
	err := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("metadef_resource_types AS ?TableAlias").OrderExpr("name").Scan(ctx)
	return rows, err
}

func (s *Store) EnsureResourceType(ctx context.Context, t *glance.ResourceType) error {
	_, err := s.db.Q(ctx).NewInsert().Model(&resourceType{ResourceType: t}).On("CONFLICT (name) DO NOTHING").Exec(ctx)
	return err
}

func (s *Store) Mark(ctx context.Context, what string) (bool, error) {
	res, err := s.db.Q(ctx).NewRaw("INSERT INTO image_marks (name) VALUES (?) ON CONFLICT (name) DO NOTHING", what).Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 0, err
}
