package cinder

import (
	"context"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"

	"github.com/google/uuid"
)

// Attached is the status of an attachment that a guest uses.
const Attached = "attached"

// An Attachment is one volume's hold by one server: the row that compute and block
// storage share. Its status is reserved, attaching, attached or detaching.
type Attachment struct {
	ID         string `bun:",pk"`
	VolumeID   string
	ProjectID  string
	ServerID   string // "" when nobody was named
	Host       string // of the connector
	Mountpoint string // /dev/vdb
	Mode       string // rw, ro; "" until it is connected
	Status     string
	Connector  map[string]any
	Connection map[string]any // what the connector was told
	Tag        string
	// DeleteOnTermination takes the volume away with the server; BootIndex is the
	// place in the order of booting, -1 for none.
	DeleteOnTermination bool
	BootIndex           int64

	AttachedAt time.Time `bun:",nullzero"`
	CreatedAt  time.Time

	// Size, Shared and Backend are the volume's: GiB, whether several servers may have
	// it, and where it is. AttachmentsOf and AttachmentsOn read them.
	Size    int64  `bun:"volume_size,scanonly"`
	Shared  bool   `bun:"volume_shared,scanonly"`
	Backend string `bun:"volume_backend,scanonly"`
}

func noAttachment(id string) *fault.Error {
	return fault.New(fault.NotFound, "Volume attachment could not be found with filter: attachment_id = %s.", id)
}

// NoAttachment is the fault of an attachment that is not there, or not for the caller.
func NoAttachment(id string) error { return noAttachment(id) }

// Reserve takes a volume for a server; several may have it when its type says so.
func (s *Storage) Reserve(ctx context.Context, a *Attachment) error {
	a.ID, a.Status = uuid.NewString(), Reserved
	return s.Tx(ctx, func(ctx context.Context) error {
		v, err := s.Volume(ctx, a.VolumeID)
		if err != nil {
			return err
		}
		if v.Status != Available && !(v.Multiattach && (v.Status == InUse || v.Status == Reserved || v.Status == Attaching)) {
			return badVolume("Volume %s status must be available or downloading to reserve, but the current status is %s.", v.ID, v.Status)
		}
		if err := still(v); err != nil {
			return err
		}
		for _, o := range v.Attachments {
			if a.ServerID != "" && o.ServerID == a.ServerID {
				return badVolume("volume %s is already attached to server %s", v.ID, a.ServerID)
			}
		}
		if err := s.still(ctx, v); err != nil {
			return err
		}
		a.ProjectID, a.CreatedAt = v.ProjectID, s.Now()
		if err := s.InsertAttachment(ctx, a); err != nil {
			return err
		}
		return s.restate(ctx, v.ID)
	})
}

// ChangeAttachment changes one in place, and its volume's status with it.
func (s *Storage) ChangeAttachment(ctx context.Context, id string, f func(*Attachment) error) (*Attachment, error) {
	var a *Attachment
	err := s.Tx(ctx, func(ctx context.Context) error {
		var err error
		if a, err = s.Attachment(ctx, id); err != nil {
			return err
		}
		if err := f(a); err != nil {
			return err
		}
		if a.Status == Attached && a.AttachedAt.IsZero() {
			a.AttachedAt = s.Now()
		}
		if err := s.UpdateAttachment(ctx, a); err != nil {
			return err
		}
		return s.restate(ctx, a.VolumeID)
	})
	return a, err
}

// Release ends an attachment: nobody reads or writes there any more.
func (s *Storage) Release(ctx context.Context, id string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		a, err := s.Attachment(ctx, id)
		if err != nil {
			return err
		}
		if err := s.EndAttachment(ctx, a); err != nil {
			return err
		}
		return s.restate(ctx, a.VolumeID)
	})
}

// restate gives a volume the status that its attachments say: it cannot disagree. While
// something is under way the end of that does so, and a volume that was never made stays
// what it is.
func (s *Storage) restate(ctx context.Context, id string) error {
	v, err := s.Volume(ctx, id)
	if err != nil || v.Wish != Kept || v.Status == BackingUp || v.Status == Errored && v.LaunchedAt.IsZero() {
		return err
	}
	v.Status, v.UpdatedAt = statusOf(v.Attachments), s.Now()
	return s.UpdateVolume(ctx, v, "status", "updated_at")
}

// AttachmentsPage is one page of attachments.
func (s *Storage) AttachmentsPage(ctx context.Context, q VolumeQuery) (listing.Page[*Attachment], error) {
	rows, err := s.Attachments(ctx, q)
	return listing.Cut(rows, q.Limit), err
}

// statusOf is the status of a volume with these attachments.
func statusOf(as []*Attachment) string {
	status := Available
	for _, rank := range []string{Reserved, Attaching, Detaching, Attached} {
		for _, a := range as {
			if a.Status == rank {
				status = rank
			}
		}
	}
	if status == Attached {
		status = InUse
	}
	return status
}
