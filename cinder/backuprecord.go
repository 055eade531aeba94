package cinder

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"stackd/internal/fault"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// backupService names the format of the records that ExportBackup makes.
const backupService = "stackd.backup"

// record is what another cloud must know of a backup to have it.
type record struct {
	ID, VolumeID, ParentID, Container string
	Name, Description                 *string
	Size, ObjectCount                 int64
	DataAt                            time.Time
	Metadata                          map[string]string
	TypeID, Key                       string // Key is closed: with the same master key it opens
}

// ExportBackup is what another cloud, whose Vault has the bytes, must know of a backup.
func (s *Storage) ExportBackup(ctx context.Context, id string) (service, url string, err error) {
	if err := s.backing(); err != nil {
		return "", "", err
	}
	b, err := s.Backup(ctx, id)
	if err != nil {
		return "", "", err
	}
	if b.Status != Available {
		return "", "", badBackup("Backup status must be available and not %s.", b.Status)
	}
	r := record{b.ID, b.VolumeID, b.ParentID, b.Container, b.Name, b.Description, b.Size, b.ObjectCount, b.DataAt, b.Metadata, b.TypeID, ""}
	if r.Key, err = s.closedKey(ctx, b.KeyID); err != nil {
		return "", "", err
	}
	j, err := json.Marshal(r)
	return backupService, base64.StdEncoding.EncodeToString(j), err
}

// ImportBackup takes up a backup that ExportBackup told of: if its bytes are there.
func (s *Storage) ImportBackup(ctx context.Context, who *token.Who, service, url string) (*Backup, error) {
	if err := s.backing(); err != nil {
		return nil, err
	}
	if who.Project.ID == "" {
		return nil, badInput("A backup is imported into a project, and the token has none.")
	}
	var r record
	j, err := base64.StdEncoding.DecodeString(url)
	if err != nil || json.Unmarshal(j, &r) != nil || !isID(r.ID) || r.ParentID != "" && !isID(r.ParentID) || service != backupService || r.Size < 1 {
		return nil, badInput("Can't parse backup record.")
	}
	ok, err := s.vault.Has(ctx, r.ID)
	if err == nil && !ok {
		err = badBackup("The bytes of backup %s are not there.", r.ID)
	}
	if err != nil {
		return nil, err
	}
	if err := s.opens(r.Key); err != nil {
		return nil, err
	}
	b := &Backup{ID: r.ID, TypeID: r.TypeID, ProjectID: who.Project.ID, UserID: who.User.ID, VolumeID: r.VolumeID, ParentID: r.ParentID, Name: r.Name, Description: r.Description, Container: r.Container, Size: r.Size, ObjectCount: r.ObjectCount, DataAt: r.DataAt,
		Zone: Zone, Status: Available, Metadata: clone(r.Metadata)}
	return b, s.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.Store.Backup(ctx, b.ID); !fault.Is(err, fault.NotFound) {
			return cmp.Or(err, error(badBackup("Backup already exists in database.")))
		}
		if b.ParentID != "" {
			if _, err := s.Store.Backup(ctx, b.ParentID); err != nil {
				return badBackup("The parent %s of backup %s is not there.", b.ParentID, b.ID)
			}
		}
		if err := s.backupRoom(ctx, b); err != nil {
			return err
		}
		b.CreatedAt = s.Now()
		if b.KeyID, err = s.addKey(ctx, r.Key); err != nil {
			return err
		}
		return s.InsertBackup(ctx, b)
	})
}

// isID tells whether a text is an id as we write them.
func isID(text string) bool { id, err := uuid.Parse(text); return err == nil && id.String() == text }
