package cinder

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// AwaitingTransfer is the status of a volume that is offered to another project.
const AwaitingTransfer = "awaiting-transfer"

// A Transfer is the offer of a volume to whoever has its key; the key itself is shown
// once, and only a keyed hash of it is kept.
type Transfer struct {
	ID          string `bun:",pk"`
	VolumeID    string
	Name        *string
	Salt        string
	KeyHash     string
	NoSnapshots bool
	FromProject string
	CreatedAt   time.Time
}

// NoTransfer is the fault of a transfer that is not there, or not for the caller.
func NoTransfer(id string) error {
	return fault.New(fault.NotFound, "Transfer %s could not be found.", id)
}

func keyed(salt, key string) string {
	m := hmac.New(sha256.New, []byte(salt))
	m.Write([]byte(key))
	return hex.EncodeToString(m.Sum(nil))
}

// Offer offers a volume, and returns the key that takes it.
func (s *Storage) Offer(ctx context.Context, t *Transfer) (key string, err error) {
	key = rand.Text()[:16]
	t.ID, t.Salt = uuid.NewString(), rand.Text()
	t.KeyHash = keyed(t.Salt, key)
	_, err = s.ChangeVolume(ctx, t.VolumeID, func(ctx context.Context, v *Volume) error {
		if v.Status != Available {
			return badVolume("status must be available")
		}
		ps, err := s.SnapshotsOf(ctx, v.ID)
		if err != nil {
			return err
		}
		for _, p := range ps {
			if !t.NoSnapshots && p.Status != Available {
				return badSnapshot("snapshot: %s status must be available", p.ID)
			}
		}
		v.Status, t.FromProject, t.CreatedAt = AwaitingTransfer, v.ProjectID, s.Now()
		return s.InsertTransfer(ctx, t)
	})
	return key, err
}

// TransfersPage is one page of offers.
func (s *Storage) TransfersPage(ctx context.Context, q VolumeQuery) (listing.Page[*Transfer], error) {
	rows, err := s.Transfers(ctx, q)
	return listing.Cut(rows, q.Limit), err
}

// Withdraw ends an offer.
func (s *Storage) Withdraw(ctx context.Context, id string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		t, err := s.Transfer(ctx, id)
		if err != nil {
			return err
		}
		_, err = s.ChangeVolume(ctx, t.VolumeID, func(_ context.Context, v *Volume) error {
			if v.Status == AwaitingTransfer {
				v.Status = Available
			}
			return nil
		})
		if err != nil {
			return err
		}
		return s.DeleteTransferRow(ctx, id)
	})
}

// Accept makes an offered volume, with its snapshots, the caller's.
func (s *Storage) Accept(ctx context.Context, who *token.Who, id, key string) (*Transfer, error) {
	var t *Transfer
	err := s.Tx(ctx, func(ctx context.Context) error {
		var err error
		if t, err = s.Transfer(ctx, id); err != nil {
			return err
		}
		if subtle.ConstantTimeCompare([]byte(keyed(t.Salt, key)), []byte(t.KeyHash)) != 1 {
			return fault.New(fault.Invalid, "Invalid auth key: Attempt to transfer %s with invalid auth key.", id)
		}
		_, err = s.ChangeVolume(ctx, t.VolumeID, func(ctx context.Context, v *Volume) error { return s.handOver(ctx, v, t, who) })
		if err != nil {
			return err
		}
		return s.DeleteTransferRow(ctx, id)
	})
	return t, err
}

func (s *Storage) handOver(ctx context.Context, v *Volume, t *Transfer, who *token.Who) error {
	if v.GroupID != "" {
		return badVolume("Volume %s must not be part of a consistency group.", v.ID)
	}
	if v.Status != AwaitingTransfer {
		return badVolume("Volume %s status must be awaiting-transfer, but current status is: %s.", v.ID, v.Status)
	}
	if _, err := s.FindType(ctx, who, v.TypeID); err != nil {
		return err
	}
	ps, err := s.SnapshotsOf(ctx, v.ID)
	if err != nil {
		return err
	}
	w := want{volumes: 1, gigabytes: v.Size, each: v.Size}
	if t.NoSnapshots {
		ps = nil
	}
	for _, p := range ps {
		w.snapshots++
		w.gigabytes += p.Size
	}
	if err := s.room(ctx, who.Project.ID, v.TypeID, w); err != nil {
		return err
	}
	for _, p := range ps {
		p.ProjectID, p.UserID, p.UpdatedAt = who.Project.ID, who.User.ID, s.Now()
		if err := s.UpdateSnapshot(ctx, p); err != nil {
			return err
		}
	}
	v.ProjectID, v.UserID, v.Status = who.Project.ID, who.User.ID, Available
	return nil
}
