package cinder

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// A GroupType is a kind of group of volumes.
type GroupType struct {
	ID          string `bun:",pk"`
	Name        string
	Description *string
	Public      bool
	Specs       map[string]string
	CreatedAt   time.Time
	UpdatedAt   time.Time `bun:",nullzero"`
}

// DefaultGroupType is the type that groups of old, the consistency groups, had.
const DefaultGroupType = "default_cgsnapshot_type"

// CreateGroupType keeps a new one.
func (s *Storage) CreateGroupType(ctx context.Context, t *GroupType) error {
	t.ID = uuid.NewString()
	return s.Tx(ctx, func(ctx context.Context) error {
		if err := s.groupTypeFree(ctx, t); err != nil {
			return err
		}
		t.CreatedAt = s.Now()
		return s.InsertGroupType(ctx, t)
	})
}

func (s *Storage) groupTypeFree(ctx context.Context, t *GroupType) error {
	old, err := s.GroupType(ctx, t.Name)
	if err == nil && old.ID != t.ID {
		return fault.New(fault.Conflict, "Group Type %s already exists.", t.Name)
	}
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// ChangeGroupType changes one in place.
func (s *Storage) ChangeGroupType(ctx context.Context, id string, f func(*GroupType) error) (*GroupType, error) {
	var t *GroupType
	err := s.Tx(ctx, func(ctx context.Context) error {
		var err error
		if t, err = s.GroupType(ctx, id); err != nil {
			return err
		}
		t.Specs = clone(t.Specs)
		if err := f(t); err != nil {
			return err
		}
		if err := s.groupTypeFree(ctx, t); err != nil {
			return err
		}
		t.UpdatedAt = s.Now()
		return s.UpdateGroupType(ctx, t)
	})
	return t, err
}

// RemoveGroupType takes one away that no group has.
func (s *Storage) RemoveGroupType(ctx context.Context, id string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		t, err := s.GroupType(ctx, id)
		if err != nil {
			return err
		}
		used, err := s.GroupTypeInUse(ctx, t.ID)
		if err == nil && used {
			err = fault.New(fault.Invalid, "Target group type is still in use. Group Type %s deletion is not allowed with groups present with the type.", t.ID)
		}
		if err != nil {
			return err
		}
		return s.DeleteGroupTypeRow(ctx, t.ID)
	})
}

// GroupTypesPage is one page of them.
func (s *Storage) GroupTypesPage(ctx context.Context, q TypeQuery) (listing.Page[*GroupType], error) {
	rows, err := s.GroupTypes(ctx, q)
	return listing.Cut(rows, q.Limit), err
}

// A Group is volumes that are treated together. Its status follows its volumes': work
// on the last of them settles it (Settle).
type Group struct {
	ID              string `bun:",pk"`
	ProjectID       string
	UserID          string
	Name            *string
	Description     *string
	GroupTypeID     string
	TypeIDs         []string `bun:"type_ids"`
	Zone            string
	Status          string
	GroupSnapshotID string
	SourceID        string
	CreatedAt       time.Time
	UpdatedAt       time.Time `bun:",nullzero"`

	Volumes []*Volume `bun:"-"`
}

// NoGroup is the fault of a group that is not there, or not for the caller.
func NoGroup(id string) error { return fault.New(fault.NotFound, "Group %s could not be found.", id) }

func badGroup(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "Invalid group: "+format, args...)
}

// GroupsPage is one page of groups, with their volumes.
func (s *Storage) GroupsPage(ctx context.Context, q VolumeQuery) (listing.Page[*Group], error) {
	rows, err := s.Groups(ctx, q)
	p := listing.Cut(rows, q.Limit)
	if err != nil {
		return p, err
	}
	var ids []string
	for _, g := range p.Items {
		ids = append(ids, g.ID)
	}
	in, err := s.VolumesIn(ctx, ids...)
	for _, g := range p.Items {
		g.Volumes = in[g.ID]
	}
	return p, err
}

// OneGroup is a group with its volumes.
func (s *Storage) OneGroup(ctx context.Context, id string) (*Group, error) {
	g, err := s.Group(ctx, id)
	if err != nil {
		return nil, err
	}
	in, err := s.VolumesIn(ctx, id)
	g.Volumes = in[id]
	return g, err
}

// CreateGroup keeps a new, empty group.
func (s *Storage) CreateGroup(ctx context.Context, who *token.Who, g *Group, groupType string, types []string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		t, err := s.GroupType(ctx, groupType)
		if err != nil {
			return err
		}
		g.GroupTypeID, g.Zone = t.ID, cmp.Or(g.Zone, Zone)
		for _, name := range types {
			v, err := s.FindType(ctx, who, name)
			if err != nil {
				return err
			}
			g.TypeIDs = append(g.TypeIDs, v.ID)
		}
		return s.keepGroup(ctx, who, g, Available)
	})
}

func (s *Storage) keepGroup(ctx context.Context, who *token.Who, g *Group, status string) error {
	if who.Project.ID == "" {
		return badInput("A group is made in a project, and the token has none.")
	}
	if g.Zone != Zone {
		return badInput("Availability zone '%s' is invalid.", g.Zone)
	}
	g.ID, g.ProjectID, g.UserID, g.Status, g.CreatedAt = uuid.NewString(), who.Project.ID, who.User.ID, status, s.Now()
	limits, err := s.Limits(ctx, g.ProjectID)
	if err != nil {
		return err
	}
	u, err := s.Used(ctx, g.ProjectID)
	if err != nil {
		return err
	}
	if l := limits["groups"]; l >= 0 && u.Groups >= l {
		return fault.New(fault.OverQuota, "GroupLimitExceeded: Maximum number of groups allowed (%d) exceeded", l)
	}
	return s.InsertGroup(ctx, g)
}

// CopyGroup makes a group, and its volumes, of a group snapshot or of another group.
func (s *Storage) CopyGroup(ctx context.Context, who *token.Who, g *Group) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		specs, err := s.sources(ctx, who, g)
		if err != nil {
			return err
		}
		status := Creating
		if len(specs) == 0 {
			status = Available
		}
		if err := s.keepGroup(ctx, who, g, status); err != nil {
			return err
		}
		for _, w := range specs {
			w.GroupID, w.MayShare = g.ID, true
			if _, err := s.CreateVolume(ctx, who, w); err != nil {
				return err
			}
		}
		return nil
	})
}

// sources are the volumes to make for a copy, and whose it may be.
func (s *Storage) sources(ctx context.Context, who *token.Who, g *Group) (specs []VolumeSpec, err error) {
	from := g.SourceID
	if g.GroupSnapshotID != "" {
		gs, err := s.GroupSnapshot(ctx, g.GroupSnapshotID)
		if err != nil || gs.ProjectID != who.Project.ID {
			return nil, cmp.Or(err, NoGroupSnapshot(g.GroupSnapshotID))
		}
		from = gs.GroupID
		ps, err := s.SnapshotsIn(ctx, gs.ID)
		if err != nil {
			return nil, err
		}
		for _, p := range ps {
			specs = append(specs, VolumeSpec{SnapshotID: p.ID})
		}
	}
	o, err := s.OneGroup(ctx, from)
	if err != nil || o.ProjectID != who.Project.ID {
		return nil, cmp.Or(err, NoGroup(from))
	}
	g.GroupTypeID, g.TypeIDs, g.Zone = o.GroupTypeID, o.TypeIDs, o.Zone
	for _, v := range o.Volumes {
		if g.GroupSnapshotID == "" {
			specs = append(specs, VolumeSpec{SourceID: v.ID})
		}
	}
	return specs, nil
}

// joins looks at the group that a new volume is to be in.
func (s *Storage) joins(ctx context.Context, v *Volume) error {
	if v.GroupID == "" {
		return nil
	}
	g, err := s.Group(ctx, v.GroupID)
	if err != nil || g.ProjectID != v.ProjectID {
		return cmp.Or(err, NoGroup(v.GroupID))
	}
	if !slices.Contains(g.TypeIDs, v.TypeID) {
		return badInput("Invalid volume_type provided: %s (requested type must be supported by this group).", v.TypeID)
	}
	return nil
}

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
