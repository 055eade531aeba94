package store

import (
	"context"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/sqldb"
)

func noGroupType(id string) error {
	return fault.New(fault.NotFound, "Group type %s could not be found.", id)
}

func (s *Store) InsertGroupType(ctx context.Context, t *cinder.GroupType) error {
	return s.insert(ctx, "volume_group_types", t)
}

func (s *Store) GroupType(ctx context.Context, idOrName string) (*cinder.GroupType, error) {
	return one[cinder.GroupType](ctx, s, noGroupType(idOrName), "volume_group_types", "id = ? OR name = ?", idOrName, idOrName)
}

func (s *Store) GroupTypes(ctx context.Context, q cinder.TypeQuery) ([]*cinder.GroupType, error) {
	var rows []*cinder.GroupType
	sel := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("volume_group_types AS ?TableAlias")
	if q.Public != nil {
		sel = sel.Where("public = ?", *q.Public)
	}
	if q.Marker != "" {
		if _, err := s.GroupType(ctx, q.Marker); err != nil {
			return nil, err
		}
	}
	cols := typeColumns
	cols.Table = "volume_group_types"
	return rows, sqldb.Page(sel, q.List, cols).Scan(ctx)
}

func (s *Store) UpdateGroupType(ctx context.Context, t *cinder.GroupType) error {
	return s.update(ctx, "volume_group_types", t, noGroupType(t.ID))
}

func (s *Store) DeleteGroupTypeRow(ctx context.Context, id string) error {
	return s.remove(ctx, "volume_group_types", "id = ?", id)
}

func (s *Store) GroupTypeInUse(ctx context.Context, id string) (bool, error) {
	n, err := s.db.Q(ctx).NewSelect().TableExpr("volume_groups").Where("group_type_id = ?", id).Count(ctx)
	return n > 0, err
}

func (s *Store) InsertGroup(ctx context.Context, g *cinder.Group) error {
	return s.insert(ctx, "volume_groups", g)
}

func (s *Store) Group(ctx context.Context, id string) (*cinder.Group, error) {
	return groups.get(ctx, s, id)
}

func (s *Store) Groups(ctx context.Context, q cinder.VolumeQuery) ([]*cinder.Group, error) {
	return groups.list(ctx, s, q)
}

func (s *Store) UpdateGroup(ctx context.Context, g *cinder.Group) error {
	return s.update(ctx, "volume_groups", g, cinder.NoGroup(g.ID))
}

func (s *Store) DeleteGroupRow(ctx context.Context, id string) error {
	return s.remove(ctx, "volume_groups", "id = ?", id)
}

func (s *Store) GroupsOfType(ctx context.Context, groupType string, ids []string) (map[string]bool, error) {
	rows, err := where[cinder.Group](ctx, s, "volume_groups", "group_type_id = ? AND id IN (?)", groupType, in(ids))
	out := map[string]bool{}
	for _, g := range rows {
		out[g.ID] = true
	}
	return out, err
}

func (s *Store) VolumesIn(ctx context.Context, ids ...string) (map[string][]*cinder.Volume, error) {
	out := map[string][]*cinder.Volume{}
	if len(ids) == 0 {
		return out, nil
	}
	rows, err := where[cinder.Volume](ctx, s, "volumes", "group_id IN (?)", in(ids))
	for _, v := range rows {
		out[v.GroupID] = append(out[v.GroupID], v)
	}
	return out, err
}

func (s *Store) InsertGroupSnapshot(ctx context.Context, g *cinder.GroupSnapshot) error {
	return s.insert(ctx, "volume_group_snapshots", g)
}

func (s *Store) GroupSnapshot(ctx context.Context, id string) (*cinder.GroupSnapshot, error) {
	return groupSnapshots.get(ctx, s, id)
}

func (s *Store) GroupSnapshots(ctx context.Context, q cinder.VolumeQuery) ([]*cinder.GroupSnapshot, error) {
	return groupSnapshots.list(ctx, s, q)
}

func (s *Store) GroupSnapshotsOf(ctx context.Context, group string) ([]*cinder.GroupSnapshot, error) {
	return where[cinder.GroupSnapshot](ctx, s, "volume_group_snapshots", "group_id = ?", group)
}

func (s *Store) UpdateGroupSnapshot(ctx context.Context, g *cinder.GroupSnapshot) error {
	return s.update(ctx, "volume_group_snapshots", g, cinder.NoGroupSnapshot(g.ID))
}

func (s *Store) DeleteGroupSnapshotRow(ctx context.Context, id string) error {
	return s.remove(ctx, "volume_group_snapshots", "id = ?", id)
}

func (s *Store) SnapshotsIn(ctx context.Context, groupSnapshot string) ([]*cinder.Snapshot, error) {
	return where[cinder.Snapshot](ctx, s, "snapshots", "group_snapshot_id = ?", groupSnapshot)
}
