package cinder

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"stackd/internal/fault"
)

// ChangeGroup renames a group and changes which volumes it has: ids with commas between.
func (s *Storage) ChangeGroup(ctx context.Context, id string, name, text *string, add, remove string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		g, err := s.OneGroup(ctx, id)
		if err != nil {
			return err
		}
		if g.Status != Available {
			return badGroup("Group status must be available, but current status is: %s.", g.Status)
		}
		g.Name, g.Description, g.UpdatedAt = cmp.Or(name, g.Name), cmp.Or(text, g.Description), s.Now()
		for v := range strings.FieldsFuncSeq(remove, comma) {
			if err := s.leave(ctx, g, v); err != nil {
				return err
			}
		}
		for v := range strings.FieldsFuncSeq(add, comma) {
			if err := s.enter(ctx, g, v); err != nil {
				return err
			}
		}
		return s.UpdateGroup(ctx, g)
	})
}

func comma(r rune) bool { return r == ',' || r == ' ' }

func (s *Storage) leave(ctx context.Context, g *Group, volume string) error {
	if !slices.ContainsFunc(g.Volumes, func(v *Volume) bool { return v.ID == volume }) {
		return badGroup("Cannot remove volume %s from group %s because it is not in the group.", volume, g.ID)
	}
	_, err := s.ChangeVolume(ctx, volume, func(_ context.Context, v *Volume) error {
		if v.Status != Available && v.Status != InUse && v.Status != Errored && v.Status != ErrorDeleting {
			return badGroup("Cannot remove volume %s from group %s because volume is in an invalid state: %s.", volume, g.ID, v.Status)
		}
		v.GroupID = ""
		return nil
	})
	return err
}

func (s *Storage) enter(ctx context.Context, g *Group, volume string) error {
	_, err := s.ChangeVolume(ctx, volume, func(_ context.Context, v *Volume) error {
		switch {
		case v.ProjectID != g.ProjectID:
			return badGroup("Cannot add volume %s to group %s because volume cannot be found.", volume, g.ID)
		case v.GroupID != "":
			return badGroup("Cannot add volume %s to group %s because it is already in group %s.", volume, g.ID, v.GroupID)
		case !slices.Contains(g.TypeIDs, v.TypeID):
			return badGroup("Cannot add volume %s to group %s because volume type %s is not supported by the group.", volume, g.ID, v.TypeID)
		case v.Status != Available && v.Status != InUse:
			return badGroup("Cannot add volume %s to group %s because volume is in an invalid state: %s.", volume, g.ID, v.Status)
		}
		v.GroupID = g.ID
		return nil
	})
	if fault.Is(err, fault.NotFound) {
		err = badGroup("Cannot add volume %s to group %s because volume cannot be found.", volume, g.ID)
	}
	return err
}

// DropGroup takes a group away, and its volumes when asked to.
func (s *Storage) DropGroup(ctx context.Context, id string, volumes bool) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		g, err := s.OneGroup(ctx, id)
		if err != nil {
			return err
		}
		if g.Status != Available && g.Status != Errored && g.Status != ErrorDeleting {
			return badGroup("Group status must be available or error, but current status is: %s", g.Status)
		}
		gs, err := s.GroupSnapshotsOf(ctx, id)
		switch {
		case err != nil:
			return err
		case len(gs) > 0:
			return badGroup("Cannot delete group %s: it has dependent group snapshots.", id)
		case len(g.Volumes) > 0 && !volumes:
			return badGroup("Group %s is not empty. Please set the delete-volumes option to delete group with volumes.", id)
		case len(g.Volumes) == 0:
			return s.DeleteGroupRow(ctx, id)
		}
		for _, v := range g.Volumes {
			_, err := s.ChangeVolume(ctx, v.ID, func(_ context.Context, v *Volume) error { v.GroupID = ""; return nil })
			if err == nil {
				err = s.DeleteVolume(ctx, v.ID, false, false)
			}
			if err == nil { // the group goes with the last of them
				_, err = s.ChangeVolume(ctx, v.ID, func(_ context.Context, v *Volume) error { v.GroupID = id; return nil })
			}
			if err != nil {
				return err
			}
		}
		g.Status, g.UpdatedAt = Deleting, s.Now()
		return s.UpdateGroup(ctx, g)
	})
}

// ResetGroup writes another status over a group's own.
func (s *Storage) ResetGroup(ctx context.Context, id, status string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		g, err := s.Group(ctx, id)
		if err != nil {
			return err
		}
		g.Status, g.UpdatedAt = status, s.Now()
		return s.UpdateGroup(ctx, g)
	})
}

// Settle gives a group the status that its volumes say, after work on one of them.
func (s *Storage) Settle(ctx context.Context, group string) error {
	if group == "" {
		return nil
	}
	g, err := s.OneGroup(ctx, group)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	any := func(status string) bool {
		return slices.ContainsFunc(g.Volumes, func(v *Volume) bool { return v.Status == status })
	}
	status := g.Status
	switch {
	case g.Status == Deleting && len(g.Volumes) == 0:
		return s.DeleteGroupRow(ctx, group)
	case g.Status == Deleting && any(ErrorDeleting):
		status = ErrorDeleting
	case g.Status == Creating && any(Errored):
		status = Errored
	case g.Status == Creating && !any(Creating) && !any(Downloading):
		status = Available
	}
	if status == g.Status {
		return nil
	}
	g.Status, g.UpdatedAt = status, s.Now()
	return s.UpdateGroup(ctx, g)
}
