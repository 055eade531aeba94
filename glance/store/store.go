// Package store keeps images' rows.
package store

import (
	"context"
	"embed"
	"time"

	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"

	"github.com/uptrace/bun"
)

//go:embed migrations/*.sql
var files embed.FS

// Store is glance.Store over the database.
type Store struct{ db *sqldb.DB }

var _ glance.Store = (*Store)(nil)

// Open brings the tables up to date.
func Open(ctx context.Context, db *sqldb.DB) (*Store, error) {
	return &Store{db}, db.Migrate(ctx, "glance", files)
}

func (s *Store) Tx(ctx context.Context, f func(context.Context) error) error { return s.db.Tx(ctx, f) }
func (s *Store) After(ctx context.Context, f func())                         { s.db.After(ctx, f) }
func (s *Store) Now() time.Time                                              { return s.db.Now() }
func (s *Store) Alone() bool                                                 { return !s.db.Postgres() }

func (s *Store) Insert(ctx context.Context, i *glance.Image) error {
	_, err := s.db.Q(ctx).NewInsert().Model(i).Exec(ctx)
	if sqldb.Taken(err) {
		return fault.New(fault.Conflict, "Image ID %s already exists!", i.ID)
	}
	return err
}

func (s *Store) Image(ctx context.Context, id string) (*glance.Image, error) {
	i := new(glance.Image)
	err := s.db.Q(ctx).NewSelect().Model(i).Where("id = ?", id).Scan(ctx)
	if sqldb.Missing(err) {
		return nil, glance.NotFound(id)
	}
	return i, err
}

var columns = sqldb.Columns{Table: "images", Sorts: []listing.Sort{{Key: "created_at", Desc: true}, {Key: "id", Desc: true}}, By: map[string]string{
	"id": "id", "name": "name", "status": "status", "container_format": "container_format", "disk_format": "disk_format", "owner": "owner", "checksum": "checksum",
	"os_hash_value": "hash_value", "min_disk": "min_disk", "min_ram": "min_ram", "size": "size", "virtual_size": "virtual_size", "created_at": "created_at", "updated_at": "updated_at",
	"protected": "protected", "visibility": "visibility", "os_hidden": "hidden"}}

// Images reads the limit plus one, so that the caller sees whether there are more.
func (s *Store) Images(ctx context.Context, q glance.Query) ([]*glance.Image, error) {
	var rows []*glance.Image
	sel := s.visible(ctx, s.db.Q(ctx).NewSelect().Model(&rows), q).Where("hidden = ?", q.Hidden)
	for _, t := range q.Tags {
		sel = within(sel, "tags", t)
	}
	for k, v := range q.Properties {
		sel = within(sel, "properties", map[string]string{k: v})
	}
	for _, c := range q.Compare {
		sel = sel.Where("? "+c.Op+" ?", bun.Ident(c.Column), c.Value)
	}
	if q.Marker != "" {
		if _, err := s.Image(ctx, q.Marker); err != nil {
			return nil, fault.New(fault.Invalid, "Invalid marker. Image %s could not be found.", q.Marker)
		}
	}
	return rows, sqldb.Page(sel, q.List, columns).Scan(ctx)
}

// visible narrows to what the query's project may see.
func (s *Store) visible(ctx context.Context, sel *bun.SelectQuery, q glance.Query) *bun.SelectQuery {
	mine := func(statuses ...string) *bun.SelectQuery {
		m := s.db.Q(ctx).NewSelect().TableExpr("image_members").Column("image_id").Where("project_id = ?", q.ProjectID)
		if len(statuses) > 0 {
			m = m.Where("status IN (?)", bun.List(statuses))
		}
		return m
	}
	member := mine("accepted")
	switch q.MemberStatus {
	case "all":
		member = mine()
	case "pending", "rejected":
		member = mine(q.MemberStatus)
	}
	if v := q.Visibility; v != "" && v != "all" {
		sel = sel.Where("visibility = ?", v)
	}
	if q.All && q.Visibility != "shared" {
		return sel
	}
	return sel.WhereGroup(" AND ", func(g *bun.SelectQuery) *bun.SelectQuery {
		g = g.Where("owner = ?", q.ProjectID).WhereOr("visibility = 'public'").WhereOr("visibility = 'shared' AND id IN (?)", member)
		if q.Visibility == "community" || q.Visibility == "all" {
			g = g.WhereOr("visibility = 'community'")
		}
		return g
	})
}

func (s *Store) Update(ctx context.Context, i *glance.Image) error {
	_, err := s.db.Q(ctx).NewUpdate().Model(i).WherePK().Exec(ctx)
	return err
}

// Touch says that an upload goes on; Gone when it is no longer the image's.
func (s *Store) Touch(ctx context.Context, id, upload string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		res, err := s.db.Q(ctx).NewUpdate().Model((*glance.Image)(nil)).Set("touched_at = ?", s.Now()).Where("id = ? AND upload = ?", id, upload).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return fault.New(fault.Gone, "Image %s was deleted during the upload.", id)
	})
}

func (s *Store) Delete(ctx context.Context, id string) error {
	_, err := s.db.Q(ctx).NewDelete().Model((*glance.Image)(nil)).Where("id = ?", id).Exec(ctx)
	return err
}

// member is the row of a glance.Member.
type member struct {
	bun.BaseModel `bun:"table:image_members"`
	glance.Member
}

func (s *Store) Members(ctx context.Context, image string) ([]glance.Member, error) {
	var rows []member
	err := s.db.Q(ctx).NewSelect().Model(&rows).Where("image_id = ?", image).OrderExpr("created_at, project_id").Scan(ctx)
	out := make([]glance.Member, len(rows))
	for i, r := range rows {
		out[i] = r.Member
	}
	return out, err
}

func (s *Store) SaveMember(ctx context.Context, m *glance.Member) error {
	_, err := s.db.Q(ctx).NewInsert().Model(&member{Member: *m}).On("CONFLICT (image_id, project_id) DO UPDATE").
		Set("status = EXCLUDED.status").Set("updated_at = EXCLUDED.updated_at").Exec(ctx)
	return err
}

func (s *Store) DeleteMember(ctx context.Context, image, project string) error {
	_, err := s.db.Q(ctx).NewDelete().Model((*member)(nil)).Where("image_id = ? AND project_id = ?", image, project).Exec(ctx)
	return err
}
