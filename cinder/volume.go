package cinder

import (
	"context"
	"slices"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
)

// Statuses of volumes and snapshots (API reference, "Volume status" and "Snapshot status").
const (
	Creating       = "creating"
	Downloading    = "downloading"
	Available      = "available"
	Reserved       = "reserved"
	Attaching      = "attaching"
	InUse          = "in-use"
	Detaching      = "detaching"
	Maintenance    = "maintenance"
	Extending      = "extending"
	Uploading      = "uploading"
	Deleting       = "deleting"
	Errored        = "error"
	ErrorDeleting  = "error_deleting"
	ErrorExtending = "error_extending"
	Retyping       = "retyping"
	Reverting      = "reverting"
	Restoring      = "restoring"
	Managing       = "managing"
	ErrorManaging  = "error_managing"
)

// A Wish is what is to be done with a volume or snapshot, or has just been done.
type Wish string

const (
	Kept   Wish = ""       // nothing
	Make   Wish = "make"   // make it, of what it is made from
	Extend Wish = "extend" // grow it to WantedSize
	Drop   Wish = "drop"   // take every trace away
	Move   Wish = "move"   // have it on Task's backend, and as Task's type
	Revert Wish = "revert" // to Task's snapshot
	Upload Wish = "upload" // its content to Task's image
	Refill Wish = "refill" // with Task's image, in place of what it holds
	Adopt  Wish = "adopt"  // what Task's ref names on its backend
)

// A Volume is one volume's row.
type Volume struct {
	ID          string `bun:",pk"`
	ProjectID   string
	UserID      string
	Name        *string
	Description *string
	Size        int64 // GiB
	Status      string
	TypeID      string
	Zone        string
	Backend     string // host@backend#pool that has it, "" until it is placed
	Bootable    bool
	Multiattach bool
	ReadOnly    bool

	SnapshotID string // what it was made from
	SourceID   string
	ImageID    string
	Image      map[string]string // the image's facts, shown as volume_image_metadata
	Metadata   map[string]string
	Admin      map[string]string // readonly, attached_mode: once they have been said
	GroupID    string
	KeyID      string // of what encrypts it
	Migration  string // how moving it to another backend goes, or went

	Wish       Wish
	Task       map[string]string // what the wish needs to know besides its name
	WantedSize int64
	Generation int64
	Tries      int64
	DueAt      time.Time `bun:",nullzero"`
	LastFault  string

	CreatedAt  time.Time
	UpdatedAt  time.Time `bun:",nullzero"`
	LaunchedAt time.Time `bun:",nullzero"`

	Attachments []*Attachment `bun:"-"`
	TypeName    string        `bun:"-"`
}

// noVolume is the fault of a volume that is not there, or not for the caller.
func noVolume(id string) *fault.Error {
	return fault.New(fault.NotFound, "Volume %s could not be found.", id)
}

// NoVolume is the same for the edge.
func NoVolume(id string) error { return noVolume(id) }

func badVolume(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "Invalid volume: "+format, args...)
}

func badInput(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "Invalid input received: "+format, args...)
}

// VolumeQuery is which volumes to list.
type VolumeQuery struct {
	listing.List
	ProjectID string // "" is all
	Count     bool   // of all pages, into the page's Total
	Offset    int
	Except    string // groups and their snapshots: of all types but this, by its id
}

// Volumes is one page of volumes, with their attachments and the names of their types.
func (s *Storage) Volumes(ctx context.Context, q VolumeQuery) (listing.Page[*Volume], error) {
	rows, err := s.Store.Volumes(ctx, q)
	if err != nil {
		return listing.Page[*Volume]{}, err
	}
	p := listing.Cut(rows, q.Limit)
	if q.Count {
		if p.Total, err = s.CountVolumes(ctx, q); err != nil {
			return p, err
		}
	}
	return p, s.complete(ctx, p.Items)
}

// Volume is one volume, complete.
func (s *Storage) Volume(ctx context.Context, id string) (*Volume, error) {
	v, err := s.Store.Volume(ctx, id)
	if err != nil {
		return nil, err
	}
	return v, s.complete(ctx, []*Volume{v})
}

func (s *Storage) complete(ctx context.Context, vs []*Volume) error {
	ids := make([]string, len(vs))
	for n, v := range vs {
		ids[n] = v.ID
	}
	as, err := s.AttachmentsOf(ctx, ids...)
	if err != nil {
		return err
	}
	types, err := s.typeNames(ctx)
	for _, v := range vs {
		v.Attachments, v.TypeName = as[v.ID], types[v.TypeID]
	}
	return err
}

// ChangeVolume changes one in place, in one transaction.
func (s *Storage) ChangeVolume(ctx context.Context, id string, f func(context.Context, *Volume) error) (*Volume, error) {
	var v *Volume
	err := s.Tx(ctx, func(ctx context.Context) error {
		var err error
		if v, err = s.Volume(ctx, id); err != nil {
			return err
		}
		if err := f(ctx, v); err != nil {
			return err
		}
		v.UpdatedAt = s.Now()
		return s.UpdateVolume(ctx, v)
	})
	return v, err
}

// wish leaves work on the volume's row, and wakes who does it.
func (s *Storage) wish(ctx context.Context, v *Volume, w Wish, status string) {
	v.Wish, v.Status, v.Tries, v.DueAt, v.LastFault = w, status, 0, s.Now(), ""
	v.Generation++
	s.After(ctx, s.wake)
}

const mayNotGo = "Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer."

// DeleteVolume has a volume taken away; cascade takes its snapshots too, and force
// asks for no status.
func (s *Storage) DeleteVolume(ctx context.Context, id string, cascade, force bool) error {
	_, err := s.ChangeVolume(ctx, id, func(ctx context.Context, v *Volume) error {
		if v.Status == Deleting && v.Wish == Drop {
			return nil
		}
		gone := slices.Contains([]string{Available, Errored, ErrorExtending, ErrorDeleting, ErrorManaging, "error_restoring"}, v.Status)
		if len(v.Attachments) > 0 || v.GroupID != "" || !gone && !force {
			return badVolume(mayNotGo)
		}
		ss, err := s.SnapshotsOf(ctx, id)
		if err != nil {
			return err
		}
		if len(ss) > 0 && !cascade {
			return badVolume(mayNotGo)
		}
		if v.Status == AwaitingTransfer { // force takes the offer away, too
			if err := s.DropOffer(ctx, id); err != nil {
				return err
			}
		}
		for _, p := range ss {
			if err := s.dropSnapshot(ctx, p, force); err != nil {
				return err
			}
		}
		if err := s.Restored(ctx, v); err != nil {
			return err
		}
		s.wish(ctx, v, Drop, Deleting)
		return nil
	})
	return err
}

// ExtendVolume has a volume grown to size GiB; attached says that the caller's
// version may ask it of one that is in use.
func (s *Storage) ExtendVolume(ctx context.Context, id string, size int64, attached bool) error {
	_, err := s.ChangeVolume(ctx, id, func(ctx context.Context, v *Volume) error {
		if err := still(v); err != nil {
			return err
		}
		if b := s.backends[v.Backend]; attached && v.Status == InUse && (b == nil || !b.Features().ExtendInUse) {
			return badVolume("Volume %s is in use, and its backend grows volumes that are not alone.", v.ID)
		}
		if v.Status != Available && !(attached && v.Status == InUse) {
			return badVolume("Volume %s status must be '%s' to extend, currently %s.", v.ID, Available, v.Status)
		}
		if size <= v.Size {
			return badInput("New size for extend must be greater than current size. (current: %d, extended: %d).", v.Size, size)
		}
		if err := s.room(ctx, v.ProjectID, v.TypeID, want{gigabytes: size - v.Size, each: size}); err != nil {
			return err
		}
		v.WantedSize, v.Task = size, map[string]string{"before": v.Status}
		s.wish(ctx, v, Extend, Extending)
		return nil
	})
	return err
}

// Reset is what to write over a volume's own statuses; nil leaves one.
type Reset struct{ Status, Attach, Migration *string }

// ResetVolume writes other statuses over a volume's own: the administrator's last resort.
func (s *Storage) ResetVolume(ctx context.Context, id string, r Reset) error {
	_, err := s.ChangeVolume(ctx, id, func(ctx context.Context, v *Volume) error {
		if v.Wish != Kept {
			if err := s.Restored(ctx, v); err != nil {
				return err
			}
			v.Wish, v.DueAt, v.Task = Kept, time.Time{}, nil
			v.Generation++
		}
		if r.Status != nil {
			v.Status = *r.Status
		}
		if r.Migration != nil {
			v.Migration = *r.Migration
			if v.Migration == "none" {
				v.Migration = ""
			}
		}
		if r.Attach == nil || *r.Attach != "detached" {
			return nil
		}
		for _, a := range v.Attachments {
			if err := s.EndAttachment(ctx, a); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}
