package cinder

import (
	"cmp"
	"context"
	"slices"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/token"

	"github.com/google/uuid"
)

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
