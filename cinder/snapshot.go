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

// A Snapshot is what a volume held at one time.
type Snapshot struct {
	ID          string `bun:",pk"`
	VolumeID    string
	ProjectID   string
	UserID      string
	Name        *string
	Description *string
	Size        int64 // GiB
	Status      string
	Metadata    map[string]string

	GroupSnapshotID string
	Percent         string            // that somebody else reported
	Task            map[string]string // what the wish needs to know besides its name

	Wish      Wish
	Tries     int64
	DueAt     time.Time `bun:",nullzero"`
	LastFault string

	CreatedAt time.Time
	UpdatedAt time.Time `bun:",nullzero"`
}

func noSnapshot(id string) *fault.Error {
	return fault.New(fault.NotFound, "Snapshot %s could not be found.", id)
}

// NoSnapshot is the fault of a snapshot that is not there, or not for the caller.
func NoSnapshot(id string) error { return noSnapshot(id) }

func badSnapshot(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "Invalid snapshot: "+format, args...)
}

// SnapshotSpec is what a caller wants.
type SnapshotSpec struct {
	VolumeID          string
	Name, Description *string
	Metadata          map[string]string
	InUse             bool // also of a volume that is in use
	GroupSnapshotID   string
}

// CreateSnapshot has a volume's content kept as it is now.
func (s *Storage) CreateSnapshot(ctx context.Context, who *token.Who, w SnapshotSpec) (*Snapshot, error) {
	p := &Snapshot{ID: uuid.NewString(), VolumeID: w.VolumeID, ProjectID: who.Project.ID, UserID: who.User.ID, Name: w.Name, Description: w.Description, Metadata: w.Metadata, GroupSnapshotID: w.GroupSnapshotID, Wish: Make, Status: Creating}
	if p.Metadata == nil {
		p.Metadata = map[string]string{}
	}
	err := s.Tx(ctx, func(ctx context.Context) error {
		v, err := s.Store.Volume(ctx, w.VolumeID)
		if err != nil {
			return err
		}
		if v.Status != Available && !(w.InUse && v.Status == InUse) {
			want := Available
			if w.InUse {
				want = "available, in-use"
			}
			return badVolume("Volume %s status must be %s, but current status is: %s.", v.ID, want, v.Status)
		}
		if err := s.canSnapshot(v); err != nil {
			return err
		}
		p.Size, p.ProjectID = v.Size, v.ProjectID
		if err := s.room(ctx, p.ProjectID, v.TypeID, want{snapshots: 1, gigabytes: p.Size}); err != nil {
			return err
		}
		p.CreatedAt = s.Now()
		p.DueAt = p.CreatedAt
		s.After(ctx, s.wake)
		return s.InsertSnapshot(ctx, p)
	})
	return p, err
}

// Snapshots is one page of snapshots.
func (s *Storage) Snapshots(ctx context.Context, q VolumeQuery) (listing.Page[*Snapshot], error) {
	rows, err := s.Store.Snapshots(ctx, q)
	p := listing.Cut(rows, q.Limit)
	if err == nil && q.Count {
		p.Total, err = s.CountSnapshots(ctx, q)
	}
	return p, err
}

// ChangeSnapshot changes one in place, in one transaction.
func (s *Storage) ChangeSnapshot(ctx context.Context, id string, f func(context.Context, *Snapshot) error) (*Snapshot, error) {
	var p *Snapshot
	err := s.Tx(ctx, func(ctx context.Context) error {
		var err error
		if p, err = s.Store.Snapshot(ctx, id); err != nil {
			return err
		}
		if err := f(ctx, p); err != nil {
			return err
		}
		p.UpdatedAt = s.Now()
		return s.UpdateSnapshot(ctx, p)
	})
	return p, err
}

// DeleteSnapshot has one taken away.
func (s *Storage) DeleteSnapshot(ctx context.Context, id string, force bool) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		p, err := s.Store.Snapshot(ctx, id)
		if err != nil {
			return err
		}
		return s.dropSnapshot(ctx, p, force)
	})
}

func (s *Storage) dropSnapshot(ctx context.Context, p *Snapshot, force bool) error {
	if p.Status == Deleting && p.Wish == Drop {
		return nil
	}
	if !force && p.Status != Available && p.Status != Errored && p.Status != ErrorDeleting {
		return badSnapshot("Snapshot status must be available or error and must not be part of a group, currently %s.", p.Status)
	}
	p.Wish, p.Status, p.Tries, p.LastFault = Drop, Deleting, 0, ""
	p.DueAt = s.Now()
	p.UpdatedAt = p.DueAt
	s.After(ctx, s.wake)
	return s.UpdateSnapshot(ctx, p)
}

// Progress is how far it is.
func (p *Snapshot) Progress() string {
	switch {
	case p.Percent != "":
		return p.Percent
	case p.Status == Available:
		return "100%"
	}
	return "0%"
}

// ResetSnapshot writes another status over a snapshot's own.
func (s *Storage) ResetSnapshot(ctx context.Context, id, status string) error {
	_, err := s.ChangeSnapshot(ctx, id, func(_ context.Context, p *Snapshot) error {
		p.Wish, p.DueAt, p.Status = Kept, time.Time{}, status
		return nil
	})
	return err
}

// reports are the statuses that whoever takes a snapshot may report, by the present one.
var reports = map[string][]string{Creating: {Creating, Available, Errored}, Deleting: {Deleting, ErrorDeleting}}

// ReportSnapshot is how far somebody else is with a snapshot.
func (s *Storage) ReportSnapshot(ctx context.Context, id, status, progress string) error {
	_, err := s.ChangeSnapshot(ctx, id, func(_ context.Context, p *Snapshot) error {
		to, ok := reports[p.Status]
		if !ok {
			return fault.New(fault.Invalid, "Snapshot status %s not allowed for update_snapshot_status", p.Status)
		}
		if !slices.Contains(to, status) {
			return fault.New(fault.Invalid, "Provided snapshot status %s not allowed for snapshot with status %s.", status, p.Status)
		}
		if status != p.Status {
			p.Wish, p.DueAt = Kept, time.Time{}
		}
		p.Status = status
		if progress != "" {
			p.Percent = progress
		}
		return nil
	})
	return err
}

// canSnapshot refuses a snapshot of a volume in use that would be torn.
func (s *Storage) canSnapshot(v *Volume) error {
	if err := still(v); err != nil {
		return err
	}
	b := s.backends[v.Backend]
	switch {
	case v.Status != InUse || b == nil || b.Features().SnapshotInUse:
		return nil
	case v.KeyID != "": // a guest's host would copy what is inside, in the clear
		return badVolume("Volume %s is encrypted and in use: it can be taken when it is detached.", v.ID)
	}
	if _, able := b.(NodeCopied); able && s.guests != nil {
		return nil
	}
	return badVolume("Volume %s is in use, and nobody can take it at one instant.", v.ID)
}
