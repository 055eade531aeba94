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
const backupService = "cinder.backup.drivers.stackd"

// record is what another cloud must know of a backup to have it.
type record struct {
	ID          string            `json:"id"`
	Place       string            `json:"place"`
	VolumeID    string            `json:"volume_id"`
	ParentID    string            `json:"parent_id"`
	Container   string            `json:"container"`
	Name        *string           `json:"display_name"`
	Description *string           `json:"display_description"`
	Size        int64             `json:"size"`
	ObjectCount int64             `json:"object_count"`
	DataAt      time.Time         `json:"data_timestamp"`
	Metadata    map[string]string `json:"metadata"`
	OfVolume    Facts             `json:"of_volume"`
	TypeID      string            `json:"volume_type_id"`
	Key         string            `json:"closed_key,omitempty"` // with the same master key it opens
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
	key, err := s.closedKey(ctx, b.KeyID)
	if err != nil {
		return "", "", err
	}
	j, err := json.Marshal(record{b.ID, b.Place, b.VolumeID, b.ParentID, b.Container, b.Name, b.Description, b.Size, b.ObjectCount, b.DataAt, b.Metadata, b.OfVolume, b.TypeID, key})
	return backupService, base64.StdEncoding.EncodeToString(j), err
}

func readRecord(service, url string) (r record, err error) {
	j, err := base64.StdEncoding.DecodeString(url)
	if err == nil {
		err = json.Unmarshal(j, &r)
	}
	if err != nil || service != backupService || !isID(r.ID) || !isID(r.Place) || r.ParentID != "" && !isID(r.ParentID) || r.Size < 1 {
		return r, badInput("Can't parse backup record.")
	}
	return r, nil
}

// ImportBackup takes up a backup that ExportBackup told of, under the record's id: if its
// bytes are there, and can be read.
func (s *Storage) ImportBackup(ctx context.Context, who *token.Who, service, url string) (*Backup, error) {
	if err := s.backing(); err != nil {
		return nil, err
	}
	if who.Project.ID == "" {
		return nil, badInput("A backup is imported into a project, and the token has none.")
	}
	r, err := readRecord(service, url)
	if err != nil {
		return nil, err
	}
	ok, err := s.vault.Has(ctx, r.Place)
	if err == nil && !ok {
		err = badBackup("The bytes of backup %s are not there.", r.ID)
	}
	if err == nil {
		err = s.opens(r.Key)
	}
	if err != nil {
		return nil, err
	}
	b := &Backup{ID: r.ID, Place: r.Place, ProjectID: who.Project.ID, UserID: who.User.ID, VolumeID: r.VolumeID, ParentID: r.ParentID, Name: r.Name, Description: r.Description, Container: r.Container, Size: r.Size, ObjectCount: r.ObjectCount, DataAt: r.DataAt,
		Zone: Zone, Status: Available, Metadata: clone(r.Metadata), OfVolume: r.OfVolume, TypeID: r.TypeID}
	return b, s.Tx(ctx, func(ctx context.Context) error { return s.takeUp(ctx, b, r.Key) })
}

func (s *Storage) takeUp(ctx context.Context, b *Backup, key string) error {
	if _, err := s.Store.Backup(ctx, b.ID); !fault.Is(err, fault.NotFound) {
		return cmp.Or(err, error(badBackup("Backup already exists in database.")))
	}
	if b.ParentID != "" {
		if _, err := s.Store.Backup(ctx, b.ParentID); err != nil {
			return badBackup("The parent %s of backup %s is not there.", b.ParentID, b.ID)
		}
	}
	err := s.backupRoom(ctx, b)
	if err == nil {
		b.KeyID, err = s.addKey(ctx, key)
	}
	if err != nil {
		return err
	}
	b.CreatedAt = s.Now()
	return s.InsertBackup(ctx, b)
}

// isID tells whether a text is an id as we write them.
func isID(text string) bool { id, err := uuid.Parse(text); return err == nil && id.String() == text }
