package cinder

import (
	"cmp"
	"context"
	"slices"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// Statuses of volumes and snapshots while backups are made and restored.
const (
	BackingUp       = "backing-up"
	RestoringBackup = "restoring-backup"
	ErrorRestoring  = "error_restoring"
)

// Wishes of volumes and backups besides those of all.
const (
	Restore Wish = "restore" // of a volume: to hold what Task's backup does
	Clear   Wish = "clear"   // of a backup that was given up: nothing is left of it but its row
)

// A Backup is what a volume held at one time, kept in the Vault. One with a parent
// keeps only what is not as there.
type Backup struct {
	ID          string `bun:",pk"`
	ProjectID   string
	UserID      string
	VolumeID    string
	SnapshotID  string
	ParentID    string
	Name        *string
	Description *string
	Container   string
	Status      string
	FailReason  string
	Size        int64 // GiB, of the volume
	ObjectCount int64
	Zone        string
	Metadata    map[string]string
	RestoredTo  string
	TypeID      string // of the volume
	KeyID       string // of what encrypts it
	Place       string // its id in the Vault: one that was imported may have another one's bytes
	OfVolume    Facts

	Wish       Wish
	Tries      int64
	Generation int64
	DueAt      time.Time `bun:",nullzero"`
	BusyUntil  time.Time `bun:",nullzero"` // somebody may be working on it until then
	LastFault  string
	DataAt     time.Time
	CreatedAt  time.Time
	UpdatedAt  time.Time `bun:",nullzero"`

	Children bool `bun:"-"` // others have it as parent
}

// Facts are what a backup knows of its volume besides the bytes; the volume that it is
// restored to has them then.
type Facts struct {
	Name     string            `json:"name,omitempty"`
	Bootable bool              `json:"bootable,omitempty"`
	Image    map[string]string `json:"image,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

func factsOf(v *Volume) Facts {
	f := Facts{Bootable: v.Bootable, Image: v.Image, Metadata: v.Metadata}
	if v.Name != nil {
		f.Name = *v.Name
	}
	return f
}

// give makes them a volume's. A name that was made up goes for the one that was.
func (f Facts) give(v *Volume, backup string) {
	if made := restoredName(backup); f.Name != "" && v.Name != nil && *v.Name == made {
		v.Name = &f.Name
	}
	v.Bootable, v.Image, v.Metadata = f.Bootable, f.Image, clone(f.Metadata)
}

func restoredName(backup string) string { return "restore_backup_" + backup }

// NoBackup is the fault of a backup that is not there, or not for the caller.
func NoBackup(id string) error {
	return fault.New(fault.NotFound, "Backup %s could not be found.", id)
}

func badBackup(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "Invalid backup: "+format, args...)
}

// Kept says where backups are kept; without, there is no backup service.
func (s *Storage) Kept(v Vault) { s.vault = v }

// Vault is where backups are kept; nil when there is none.
func (s *Storage) Vault() Vault { return s.vault }

func (s *Storage) backing() error {
	if s.vault == nil {
		return fault.New(fault.Unavailable, "Service cinder-backup could not be found.")
	}
	return nil
}

// A BackupSpec is what a caller wants.
type BackupSpec struct {
	VolumeID, SnapshotID, Container, Zone string
	Name, Description                     *string
	Incremental, Force                    bool
	Metadata                              map[string]string
}

// CreateBackup has a volume, or a snapshot of it, backed up.
func (s *Storage) CreateBackup(ctx context.Context, who *token.Who, w BackupSpec) (*Backup, error) {
	if err := s.backing(); err != nil {
		return nil, err
	}
	if w.Zone != "" && w.Zone != Zone {
		return nil, fault.New(fault.Unavailable, "Service cinder-backup could not be found.")
	}
	b := &Backup{ID: uuid.NewString(), VolumeID: w.VolumeID, SnapshotID: w.SnapshotID, UserID: who.User.ID, Name: w.Name, Description: w.Description, Container: cmp.Or(w.Container, "volumebackups"), Zone: Zone, Metadata: clone(w.Metadata)}
	err := s.Tx(ctx, func(ctx context.Context) error {
		v, err := s.Store.Volume(ctx, w.VolumeID)
		if err != nil {
			return err
		}
		b.ProjectID, b.Size, b.TypeID, b.OfVolume, b.Place, b.CreatedAt = v.ProjectID, v.Size, v.TypeID, factsOf(v), b.ID, s.Now()
		b.DataAt = b.CreatedAt
		if err := s.backupRoom(ctx, b); err != nil {
			return err
		}
		if err := s.readied(ctx, v, b, w.Force); err != nil {
			return err
		}
		if w.Incremental {
			if err := s.chained(ctx, b); err != nil {
				return err
			}
		}
		if err := s.keepKey(ctx, b, v); err != nil {
			return err
		}
		s.wishBackup(ctx, b, Make, Creating)
		return s.InsertBackup(ctx, b)
	})
	return b, err
}

// wishBackup leaves work on a backup's row. Whoever works on what was wished before ends
// first, or his lease does: two never have their hands on the same bytes.
func (s *Storage) wishBackup(ctx context.Context, b *Backup, w Wish, status string) {
	b.Wish, b.Status, b.Tries, b.LastFault, b.DueAt = w, status, 0, "", s.Now()
	if b.BusyUntil.After(b.DueAt) {
		b.DueAt = b.BusyUntil
	}
	b.Generation++
	s.After(ctx, s.wake)
}

func (s *Storage) backupRoom(ctx context.Context, b *Backup) error {
	limits, err := s.Limits(ctx, b.ProjectID)
	if err != nil {
		return err
	}
	u, err := s.Used(ctx, b.ProjectID)
	if err != nil {
		return err
	}
	if l := limits["backups"]; l >= 0 && u.Backups >= l {
		return fault.New(fault.OverQuota, "BackupLimitExceeded: Maximum number of backups allowed (%d) exceeded", l)
	}
	if l := limits["backup_gigabytes"]; l >= 0 && u.BackupGigabytes+b.Size > l {
		return fault.New(fault.OverQuota, "VolumeBackupSizeExceedsAvailableQuota: Requested backup exceeds allowed Backup gigabytes quota. Requested %dG, quota is %dG and %dG has been consumed.", b.Size, l, u.BackupGigabytes)
	}
	return nil
}

// readied gives what is to be read the status that keeps others off.
func (s *Storage) readied(ctx context.Context, v *Volume, b *Backup, force bool) error {
	if b.SnapshotID != "" {
		p, err := s.Store.Snapshot(ctx, b.SnapshotID)
		switch {
		case err != nil:
			return err
		case p.ProjectID != v.ProjectID:
			return noSnapshot(p.ID)
		case p.VolumeID != v.ID:
			return badVolume("Volume %s does not match with snapshot's volume %s.", v.ID, p.VolumeID)
		case p.Status != Available:
			return badSnapshot("Snapshot to be backed up must be available, but the current status is \"%s\".", p.Status)
		}
		b.DataAt, p.Status, p.UpdatedAt = p.CreatedAt, BackingUp, s.Now()
		return s.UpdateSnapshot(ctx, p)
	}
	switch {
	case v.Status != Available && v.Status != InUse:
		return badVolume("Volume to be backed up must be available or in-use, but the current status is \"%s\".", v.Status)
	case v.Status == InUse && !force:
		return badVolume("Backing up an in-use volume must use the force flag.")
	}
	if err := s.canSnapshot(v); err != nil {
		return err
	}
	v.Task = map[string]string{"before": v.Status}
	v.Status, v.UpdatedAt = BackingUp, s.Now()
	return s.UpdateVolume(ctx, v)
}

// chained finds the parent: the volume's latest backup.
func (s *Storage) chained(ctx context.Context, b *Backup) error {
	all, err := s.BackupsOf(ctx, b.VolumeID)
	if err != nil {
		return err
	}
	for _, o := range slices.Backward(all) {
		if o.Status == Available && o.ProjectID == b.ProjectID && !o.DataAt.After(b.DataAt) {
			b.ParentID = o.ID
			return nil
		}
	}
	return badBackup("No backups available to do an incremental backup.")
}

// Backups is one page of backups.
func (s *Storage) Backups(ctx context.Context, q VolumeQuery) (listing.Page[*Backup], error) {
	rows, err := s.Store.Backups(ctx, q)
	p := listing.Cut(rows, q.Limit)
	if err == nil && q.Count {
		p.Total, err = s.CountBackups(ctx, q)
	}
	if err != nil {
		return p, err
	}
	return p, s.withChildren(ctx, p.Items)
}

// Backup is one backup, complete.
func (s *Storage) Backup(ctx context.Context, id string) (*Backup, error) {
	b, err := s.Store.Backup(ctx, id)
	if err != nil {
		return nil, err
	}
	return b, s.withChildren(ctx, []*Backup{b})
}

func (s *Storage) withChildren(ctx context.Context, bs []*Backup) error {
	var ids []string
	for _, b := range bs {
		ids = append(ids, b.ID)
	}
	parents, err := s.Parents(ctx, ids...)
	for _, b := range bs {
		b.Children = parents[b.ID]
	}
	return err
}

// ChangeBackup changes one in place, in one transaction.
func (s *Storage) ChangeBackup(ctx context.Context, id string, f func(context.Context, *Backup) error) (*Backup, error) {
	var b *Backup
	err := s.Tx(ctx, func(ctx context.Context) error {
		var err error
		if b, err = s.Backup(ctx, id); err != nil {
			return err
		}
		if err := f(ctx, b); err != nil {
			return err
		}
		b.UpdatedAt = s.Now()
		return s.UpdateBackup(ctx, b)
	})
	return b, err
}
