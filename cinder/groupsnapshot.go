package cinder

import (
	"context"
	"slices"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// A GroupSnapshot is a snapshot of each of a group's volumes.
type GroupSnapshot struct {
	ID          string `bun:",pk"`
	GroupID     string
	GroupTypeID string
	ProjectID   string
	UserID      string
	Name        *string
	Description *string
	Status      string
	CreatedAt   time.Time
	UpdatedAt   time.Time `bun:",nullzero"`
}

// NoGroupSnapshot is the fault of one that is not there, or not for the caller.
func NoGroupSnapshot(id string) error {
	return fault.New(fault.NotFound, "GroupSnapshot %s could not be found.", id)
}

// GroupSnapshotsPage is one page of them.
func (s *Storage) GroupSnapshotsPage(ctx context.Context, q VolumeQuery) (listing.Page[*GroupSnapshot], error) {
	rows, err := s.GroupSnapshots(ctx, q)
	return listing.Cut(rows, q.Limit), err
}

// SnapGroup has each volume of a group snapshotted.
func (s *Storage) SnapGroup(ctx context.Context, who *token.Who, gs *GroupSnapshot) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		g, err := s.OneGroup(ctx, gs.GroupID)
		if err != nil {
			return err
		}
		if len(g.Volumes) == 0 {
			return badGroup("The source group %s of the group snapshot has no volumes.", g.ID)
		}
		if g.Status != Available {
			return badGroup("Group status must be available, but current status is: %s.", g.Status)
		}
		if err := s.idle(ctx, g); err != nil {
			return err
		}
		gs.ID, gs.GroupTypeID, gs.ProjectID, gs.UserID, gs.Status, gs.CreatedAt = uuid.NewString(), g.GroupTypeID, g.ProjectID, who.User.ID, Creating, s.Now()
		if err := s.InsertGroupSnapshot(ctx, gs); err != nil {
			return err
		}
		for _, v := range g.Volumes {
			_, err := s.CreateSnapshot(ctx, who, SnapshotSpec{VolumeID: v.ID, Name: gs.Name, Description: gs.Description, InUse: true, GroupSnapshotID: gs.ID})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// DropGroupSnapshot has one taken away, with its snapshots.
func (s *Storage) DropGroupSnapshot(ctx context.Context, id string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		gs, err := s.GroupSnapshot(ctx, id)
		if err != nil {
			return err
		}
		if gs.Status != Available && gs.Status != Errored {
			return fault.New(fault.Invalid, "Invalid GroupSnapshot: GroupSnapshot status must be available or error, and no Group can be currently using it as source for its creation.")
		}
		ps, err := s.SnapshotsIn(ctx, id)
		if err != nil {
			return err
		}
		for _, p := range ps {
			if err := s.dropSnapshot(ctx, p, true); err != nil {
				return err
			}
		}
		if len(ps) == 0 {
			return s.DeleteGroupSnapshotRow(ctx, id)
		}
		gs.Status, gs.UpdatedAt = Deleting, s.Now()
		return s.UpdateGroupSnapshot(ctx, gs)
	})
}

// RenameGroupSnapshot changes what users call one; nil leaves a part as it is.
func (s *Storage) RenameGroupSnapshot(ctx context.Context, id string, f func(*GroupSnapshot)) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		gs, err := s.GroupSnapshot(ctx, id)
		if err != nil {
			return err
		}
		f(gs)
		gs.UpdatedAt = s.Now()
		return s.UpdateGroupSnapshot(ctx, gs)
	})
}

// SettleSnapshots gives a group snapshot the status that its snapshots say.
func (s *Storage) SettleSnapshots(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	gs, err := s.GroupSnapshot(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	ps, err := s.SnapshotsIn(ctx, id)
	if err != nil {
		return err
	}
	any := func(status string) bool {
		return slices.ContainsFunc(ps, func(p *Snapshot) bool { return p.Status == status })
	}
	status := gs.Status
	switch {
	case gs.Status == Deleting && len(ps) == 0:
		return s.DeleteGroupSnapshotRow(ctx, id)
	case gs.Status == Deleting && any(ErrorDeleting), gs.Status == Creating && any(Errored):
		status = Errored
	case gs.Status == Creating && !any(Creating):
		status = Available
	}
	if status == gs.Status {
		return nil
	}
	gs.Status, gs.UpdatedAt = status, s.Now()
	return s.UpdateGroupSnapshot(ctx, gs)
}
