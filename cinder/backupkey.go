package cinder

import (
	"bytes"
	"context"

	"stackd/internal/fault"

	"github.com/google/uuid"
)

// A backup of an encrypted volume is what lies on the volume, a LUKS container. The row of
// a backup has a key of its own, that opens it when the volume is long gone.

// keepKey gives a backup its volume's key.
func (s *Storage) keepKey(ctx context.Context, b *Backup, v *Volume) error {
	if v.KeyID == "" {
		return nil
	}
	closed, err := s.closedKey(ctx, v.KeyID)
	if err == nil {
		b.KeyID, err = s.addKey(ctx, closed)
	}
	return err
}

// closedKey is a key as the database has it; "" for none.
func (s *Storage) closedKey(ctx context.Context, id string) (string, error) {
	if id == "" {
		return "", nil
	}
	k, err := s.Key(ctx, id)
	if err != nil {
		return "", err
	}
	return k.Sealed, nil
}

// addKey is the id of a new key that holds the same.
func (s *Storage) addKey(ctx context.Context, closed string) (id string, err error) {
	if closed == "" {
		return "", nil
	}
	k := &Key{uuid.NewString(), closed, s.Now()}
	return k.ID, s.InsertKey(ctx, k)
}

// opens says why a closed key is of no use here.
func (s *Storage) opens(closed string) error {
	if closed == "" {
		return nil
	}
	if s.sealer == nil {
		return noSealer()
	}
	if _, err := s.sealer.Open(closed); err != nil {
		return badBackup("It is encrypted, and its key is closed with the master key of another cloud.")
	}
	return nil
}

// unlockedBy gives a new volume the key of the backup that it is made from, and when the
// caller named no type, the type of what was backed up.
func (s *Storage) unlockedBy(ctx context.Context, v *Volume, b *Backup, typed bool) error {
	if b.KeyID == "" {
		e, err := s.EncryptionOf(ctx, v.TypeID)
		if err == nil && e != nil {
			err = badInput("Invalid volume_type provided: %s (the backup is not encrypted).", v.TypeID)
		}
		return err
	}
	if !typed {
		t, err := s.Store.Type(ctx, b.TypeID)
		if err == nil {
			v.Become(t)
		} else if !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	closed, err := s.closedKey(ctx, b.KeyID)
	if err == nil {
		err = s.opens(closed)
	}
	if err == nil {
		v.KeyID, err = s.addKey(ctx, closed)
	}
	return err
}

// rekey gives a volume that a backup is written over the backup's key: what was written
// with the other goes.
func (s *Storage) rekey(ctx context.Context, v *Volume, b *Backup) error {
	if (v.KeyID == "") != (b.KeyID == "") {
		return badInput("Destination volume type is different from source volume type for an encrypted volume. Encrypted backup restore has failed.")
	}
	if v.KeyID == "" {
		return nil
	}
	closed, err := s.closedKey(ctx, b.KeyID)
	if err != nil {
		return err
	}
	if err := s.opens(closed); err != nil {
		return err
	}
	if same, err := s.sameKey(ctx, v, closed); err != nil || same {
		return err
	}
	snapshots, err := s.SnapshotsOf(ctx, v.ID)
	if err != nil {
		return err
	}
	if len(snapshots) > 0 {
		return badVolume("Volume %s has snapshots, which its key opens; the backup has another one.", v.ID)
	}
	if err := s.DeleteKey(ctx, v.KeyID); err != nil {
		return err
	}
	v.KeyID, err = s.addKey(ctx, closed)
	return err
}

// sameKey tells whether a volume is opened by what is closed there.
func (s *Storage) sameKey(ctx context.Context, v *Volume, closed string) (bool, error) {
	mine, err := s.Passphrase(ctx, v)
	if err != nil {
		return false, err
	}
	other, err := s.sealer.Open(closed)
	return bytes.Equal(mine, other), err
}
