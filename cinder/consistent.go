package cinder

import (
	"context"
	"slices"

	"stackd/internal/fault"
)

// A group of a consistent type has its volumes' snapshots of one instant. As no backend
// stops several guests at once, nobody may have a volume of it while they are taken, and
// nobody gets one until they are.

func (t *GroupType) consistent() bool {
	return t.Specs["consistent_group_snapshot_enabled"] == "<is> True"
}

// still refuses what may change a volume's content while a consistent snapshot of its
// group is taken.
func (s *Storage) still(ctx context.Context, v *Volume) error {
	if v.GroupID == "" {
		return nil
	}
	all, err := s.GroupSnapshotsOf(ctx, v.GroupID)
	i := slices.IndexFunc(all, func(g *GroupSnapshot) bool { return g.Status == Creating })
	if err != nil || i < 0 {
		return err
	}
	t, err := s.GroupType(ctx, all[i].GroupTypeID)
	if err != nil || !t.consistent() {
		return err
	}
	return badVolume("Volume %s is in group %s, whose snapshot %s is being taken: try again when that is available.", v.ID, v.GroupID, all[i].ID)
}

// idle refuses a consistent snapshot of volumes that somebody has.
func (s *Storage) idle(ctx context.Context, g *Group) error {
	t, err := s.GroupType(ctx, g.GroupTypeID)
	if err != nil || !t.consistent() {
		return err
	}
	for _, v := range g.Volumes {
		if v.Status != Available {
			return badGroup("Volume %s is %s: a consistent snapshot is taken when all volumes of the group are available.", v.ID, v.Status)
		}
	}
	return nil
}

// Legacy is the id of the type of consistency groups, "" when an administrator has
// deleted it.
func (s *Storage) Legacy(ctx context.Context) (string, error) {
	t, err := s.GroupType(ctx, DefaultGroupType)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return t.ID, nil
}

// Generic refuses what the API of groups may not touch: what has the type of consistency groups.
func (s *Storage) Generic(ctx context.Context, groupType, what string) error {
	id, err := s.Legacy(ctx)
	if err == nil && id != "" && (groupType == id || groupType == DefaultGroupType) {
		err = fault.New(fault.Invalid, "Group_type %s is reserved for migrating CGs to groups. Migrated %s.", id, what)
	}
	return err
}

// LegacyAmong are those of groups that are consistency groups.
func (s *Storage) LegacyAmong(ctx context.Context, groups []string) (map[string]bool, error) {
	groups = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(groups))), func(id string) bool { return id == "" })
	if len(groups) == 0 {
		return nil, nil
	}
	id, err := s.Legacy(ctx)
	if err != nil || id == "" {
		return nil, err
	}
	return s.GroupsOfType(ctx, id, groups)
}
