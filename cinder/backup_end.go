package cinder

import (
	"context"
	"time"

	"stackd/internal/fault"
)

// DeleteBackup has one taken away; force asks for no status.
func (s *Storage) DeleteBackup(ctx context.Context, id string, force bool) error {
	if err := s.backing(); err != nil {
		return err
	}
	_, err := s.ChangeBackup(ctx, id, func(ctx context.Context, b *Backup) error {
		if !force && b.Status != Available && b.Status != Errored {
			return badBackup("Backup status must be available or error")
		}
		if b.Children {
			return badBackup("Incremental backups exist for this backup.")
		}
		if err := s.Released(ctx, b); err != nil {
			return err
		}
		s.wishBackup(ctx, b, Drop, Deleting)
		return nil
	})
	return err
}

// Released gives what a backup was made of its status back.
func (s *Storage) Released(ctx context.Context, b *Backup) error {
	if b.Wish != Make {
		return nil
	}
	if b.SnapshotID != "" {
		p, err := s.Store.Snapshot(ctx, b.SnapshotID)
		if err != nil || p.Status != BackingUp {
			return ignoreMissing(err)
		}
		p.Status, p.UpdatedAt = Available, s.Now()
		return s.UpdateSnapshot(ctx, p)
	}
	v, err := s.Volume(ctx, b.VolumeID)
	if err != nil || v.Status != BackingUp {
		return ignoreMissing(err)
	}
	v.Status, v.Task, v.UpdatedAt = statusOf(v.Attachments), nil, s.Now()
	return s.UpdateVolume(ctx, v)
}

func ignoreMissing(err error) error {
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// ResetBackup writes another status over a backup's own. One that was being made is given up.
func (s *Storage) ResetBackup(ctx context.Context, id, status string) error {
	_, err := s.ChangeBackup(ctx, id, func(ctx context.Context, b *Backup) error {
		if err := s.Released(ctx, b); err != nil {
			return err
		}
		if b.Wish == Make || b.Wish == Clear {
			s.wishBackup(ctx, b, Clear, status)
			return nil
		}
		b.Wish, b.DueAt, b.Status = Kept, time.Time{}, status
		b.Generation++
		return nil
	})
	return err
}
