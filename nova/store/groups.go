package store

import (
	"context"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
	"stackd/nova"

	"github.com/uptrace/bun"
)

func noGroup(id string) *fault.Error {
	return fault.New(fault.NotFound, "Instance group %s could not be found.", id)
}

func (s *Store) InsertGroup(ctx context.Context, g *nova.ServerGroup) error { return s.insert(ctx, g) }

func (s *Store) Group(ctx context.Context, id string) (*nova.ServerGroup, error) {
	g, err := one[nova.ServerGroup](ctx, s, noGroup(id), "id = ?", id)
	if err != nil {
		return nil, err
	}
	return g, s.fillMembers(ctx, g)
}

// Groups are all groups of a project; "" is every project's.
func (s *Store) Groups(ctx context.Context, projectID string, l listing.List) ([]*nova.ServerGroup, error) {
	var rows []*nova.ServerGroup
	q := s.db.Q(ctx).NewSelect().Model(&rows)
	if projectID != "" {
		q = q.Where("project_id = ?", projectID)
	}
	cols := sqldb.Columns{Table: "server_groups", Sorts: []listing.Sort{{Key: "created_at"}}}
	if err := sqldb.Order(q, l, cols).Scan(ctx); err != nil {
		return nil, err
	}
	return rows, s.fillMembers(ctx, rows...)
}

func (s *Store) fillMembers(ctx context.Context, groups ...*nova.ServerGroup) error {
	by := map[string]*nova.ServerGroup{}
	ids := []string{""}
	for _, g := range groups {
		by[g.ID] = g
		ids = append(ids, g.ID)
	}
	var rows []nova.GroupMember
	if err := s.db.Q(ctx).NewSelect().Model(&rows).Where("group_id IN (?)", bun.List(ids)).OrderExpr("server_id").Scan(ctx); err != nil {
		return err
	}
	for _, r := range rows {
		by[r.GroupID].Members = append(by[r.GroupID].Members, r.ServerID)
	}
	return nil
}

func (s *Store) DeleteGroup(ctx context.Context, id string) error {
	res, err := s.db.Q(ctx).NewDelete().Model((*nova.ServerGroup)(nil)).Where("id = ?", id).Exec(ctx)
	return gone(res, err, noGroup(id))
}

func (s *Store) JoinGroup(ctx context.Context, m nova.GroupMember) error { return s.insert(ctx, &m) }

func (s *Store) LeaveGroup(ctx context.Context, serverID string) error {
	_, err := s.db.Q(ctx).NewDelete().Model((*nova.GroupMember)(nil)).Where("server_id = ?", serverID).Exec(ctx)
	return err
}

// GroupsOf is server → group, for those in one.
func (s *Store) GroupsOf(ctx context.Context, serverIDs ...string) (map[string]string, error) {
	var rows []nova.GroupMember
	err := s.db.Q(ctx).NewSelect().Model(&rows).Where("server_id IN (?)", bun.List(append([]string{""}, serverIDs...))).Scan(ctx)
	out := map[string]string{}
	for _, r := range rows {
		out[r.ServerID] = r.GroupID
	}
	return out, err
}
