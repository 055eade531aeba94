package cinder

import (
	"cmp"
	"context"

	"stackd/internal/token"
)

// RestoreBackup has a volume hold what a backup does: one that is there, or a new one.
func (s *Storage) RestoreBackup(ctx context.Context, who *token.Who, id, volume string, name *string) (*Volume, error) {
	if err := s.backing(); err != nil {
		return nil, err
	}
	var v *Volume
	err := s.Tx(ctx, func(ctx context.Context) error {
		b, err := s.Backup(ctx, id)
		if err != nil {
			return err
		}
		if b.Status != Available {
			return badBackup("Backup status must be available")
		}
		if volume == "" {
			if name == nil {
				text := restoredName(id)
				name = &text
			}
			v, err = s.CreateVolume(ctx, who, VolumeSpec{Name: name, Description: b.Description, Size: b.Size, BackupID: id, MayShare: true})
			return err
		}
		v, err = s.ChangeVolume(ctx, volume, func(ctx context.Context, v *Volume) error { return s.overwrite(ctx, v, b) })
		return err
	})
	return v, err
}

func (s *Storage) overwrite(ctx context.Context, v *Volume, b *Backup) error {
	if v.Status != Available {
		return badVolume("Volume to be restored to must be available")
	}
	if v.Size < b.Size {
		return badVolume("volume size %d is too small to restore backup of size %d.", v.Size, b.Size)
	}
	if err := s.still(ctx, v); err != nil {
		return err
	}
	if err := s.rekey(ctx, v, b); err != nil {
		return err
	}
	b.Status, b.RestoredTo, b.UpdatedAt = Restoring, v.ID, s.Now()
	s.task(ctx, v, Restore, RestoringBackup, map[string]string{"backup": b.ID})
	return s.UpdateBackup(ctx, b)
}

// fromBackup looks at the backup that a new volume is made from; typed says that the
// caller named the type.
func (s *Storage) fromBackup(ctx context.Context, who *token.Who, v *Volume, id string, typed bool) error {
	if err := s.backing(); err != nil {
		return err
	}
	b, err := s.Backup(ctx, id)
	if err != nil || b.ProjectID != v.ProjectID && !who.Admin() {
		return cmp.Or(err, NoBackup(id))
	}
	if b.Status != Available {
		return badInput("Backup status must be available")
	}
	if v.Size = cmp.Or(v.Size, b.Size); v.Size < b.Size {
		return badInput("Volume size %dGB cannot be smaller than the backup size %dGB.", v.Size, b.Size)
	}
	if err := s.unlockedBy(ctx, v, b, typed); err != nil {
		return err
	}
	b.Status, b.RestoredTo, b.UpdatedAt, v.Task = Restoring, v.ID, s.Now(), map[string]string{"backup": id}
	return s.UpdateBackup(ctx, b)
}

// Restored ends the status of the backup that a volume was made from.
func (s *Storage) Restored(ctx context.Context, v *Volume) error {
	if v.Task["backup"] == "" {
		return nil
	}
	b, err := s.Backup(ctx, v.Task["backup"])
	if err != nil || b.Status != Restoring {
		return ignoreMissing(err)
	}
	b.Status, b.UpdatedAt = Available, s.Now()
	return s.UpdateBackup(ctx, b)
}

// HasRestored is Restored of a volume that now holds what the backup does.
func (s *Storage) HasRestored(ctx context.Context, v *Volume) error {
	if v.Task["backup"] == "" {
		return nil
	}
	b, err := s.Store.Backup(ctx, v.Task["backup"])
	if err != nil {
		return ignoreMissing(err)
	}
	b.OfVolume.give(v, b.ID)
	return s.Restored(ctx, v)
}
