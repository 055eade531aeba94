package cinder

import (
	"context"
	"io"
	"log/slog"
	"time"

	"stackd/internal/listing"
)

// ImageFacts are what a volume keeps of its image.
type ImageFacts struct {
	ID, Name, Status, Format, Container, Checksum string
	Size, Virtual                                 int64 // bytes
	MinDisk, MinRAM                               int
	Properties                                    map[string]string
}

// Images is what block storage asks of the image service.
type Images interface {
	// Image is one that the caller in ctx may see; NotFound otherwise.
	Image(ctx context.Context, id string) (ImageFacts, error)
	// Open opens an active image's bytes, whoever asks.
	Open(ctx context.Context, id string) (io.ReadCloser, error)
	// Place is where an image's bytes lie, for a backend that may clone them: a URL, ""
	// when nowhere.
	Place(ctx context.Context, id string) (string, error)
	// Create makes an image of the caller's that has no bytes yet.
	Create(ctx context.Context, i *ImageSpec) error
	// Fill gives such an image its bytes, whoever asks, once: one that has them keeps
	// them. It is a converge.Later while another fill of it has not ended, or has just
	// been cut off, and NotFound when somebody has taken the image away.
	Fill(ctx context.Context, id string, body io.Reader, size int64) error
	// Discard takes an image away that Create made, whoever asks.
	Discard(ctx context.Context, id string) error
}

// An ImageSpec is an image to be made of a volume.
type ImageSpec struct {
	ID, Name, Format, Container, Visibility string
	Protected                               bool
	MinDisk                                 int
	Properties                              map[string]string
}

// Guests is what block storage asks of those who run guests, about volumes in use:
// what it tells them is Servers.
type Guests interface {
	// Exists tells whether there is such a server.
	Exists(ctx context.Context, server string) (bool, error)
	// Copy has the node that runs a guest copy what its volume holds at one instant to
	// a place that QEMU reaches so (see NodeCopied); done once it has. It is asked
	// again until then.
	Copy(ctx context.Context, server, volume, snapshot, kind string, to map[string]string) (done bool, err error)
	// Move has the guest of a server go over to another place of a volume that it has, in
	// the transaction of ctx, or refuses. Moving tells whether it is still on the way: when
	// not, and the volume has not Arrived, it has come to nothing.
	Move(ctx context.Context, server, volume string, place map[string]any) error
	Moving(ctx context.Context, server, volume string) (bool, error)
}

// Logs is what block storage asks of the program's log, by the names of those who log:
// cinder.work.
type Logs interface {
	Of(name string) slog.Level
	Set(name string, level slog.Level)
}

// Vault keeps backups, by their places. Its acts may be repeated and leave all or nothing
// behind, as a Backend's do. Which backup is whose parent the rows know.
type Vault interface {
	// Keep keeps a content. With a parent it keeps what differs from it, and the backup
	// is of use only while the parent is there. One that is there is left as it is.
	Keep(ctx context.Context, backup, parent string, from Content) (objects int64, err error)
	// Has tells whether a backup is there, whole.
	Has(ctx context.Context, backup string) (bool, error)
	// Open opens what a backup holds, put together from its parents.
	Open(ctx context.Context, backup string) (Content, error)
	// Delete takes a backup away; none to take is no error. Nobody has it as parent.
	Delete(ctx context.Context, backup string) error
}

// Store keeps block storage's rows. Finders return fault NotFound with cinder's
// words where the name says one thing, and nothing where it says many.
type Store interface {
	// Tx runs f in one transaction; see sqldb.
	Tx(ctx context.Context, f func(context.Context) error) error
	// After runs f once the transaction in ctx has been committed.
	After(ctx context.Context, f func())
	Now() time.Time

	InsertVolume(ctx context.Context, v *Volume) error
	Volume(ctx context.Context, id string) (*Volume, error)
	UpdateVolume(ctx context.Context, v *Volume, columns ...string) error
	DeleteVolumeRow(ctx context.Context, id string) error
	Volumes(ctx context.Context, q VolumeQuery) ([]*Volume, error)
	CountVolumes(ctx context.Context, q VolumeQuery) (int, error)
	// Totals are the count and GiB of a project's volumes, "" being all.
	Totals(ctx context.Context, project string) (n, size int64, err error)
	// Due are the ids of volumes that have work, or whose snapshots have.
	Due(ctx context.Context, limit int) ([]string, error)
	// Unclaim makes due what earlier processes of this control plane had claimed.
	Unclaim(ctx context.Context) error
	// ClaimVolume takes a volume with its due snapshots for one pass; nobody else gets
	// it for the lease. It is nil when nothing of it is due.
	ClaimVolume(ctx context.Context, id string, lease time.Duration) (*Volume, []*Snapshot, error)
	// RenewVolume pushes the lease of what ClaimVolume gave; it is no longer held when
	// somebody has given the volume another wish.
	RenewVolume(ctx context.Context, v *Volume, ps []*Snapshot, lease time.Duration) (held bool, err error)

	InsertSnapshot(ctx context.Context, p *Snapshot) error
	Snapshot(ctx context.Context, id string) (*Snapshot, error)
	UpdateSnapshot(ctx context.Context, p *Snapshot, columns ...string) error
	DeleteSnapshotRow(ctx context.Context, id string) error
	Snapshots(ctx context.Context, q VolumeQuery) ([]*Snapshot, error)
	CountSnapshots(ctx context.Context, q VolumeQuery) (int, error)
	// Sourced tells whether a volume is about to be made of a volume or snapshot.
	Sourced(ctx context.Context, id string) (bool, error)
	SnapshotsOf(ctx context.Context, volume string) ([]*Snapshot, error)

	InsertType(ctx context.Context, t *Type) error
	Type(ctx context.Context, idOrName string) (*Type, error)
	Types(ctx context.Context, q TypeQuery) ([]*Type, error)
	UpdateType(ctx context.Context, t *Type) error
	DeleteType(ctx context.Context, id string) error
	TypeInUse(ctx context.Context, id string) (bool, error)
	TypeAccess(ctx context.Context, id string) ([]string, error)
	AddTypeAccess(ctx context.Context, a TypeAccess) error
	RemoveTypeAccess(ctx context.Context, a TypeAccess) error

	InsertAttachment(ctx context.Context, a *Attachment) error
	Attachment(ctx context.Context, id string) (*Attachment, error)
	UpdateAttachment(ctx context.Context, a *Attachment) error
	DeleteAttachmentRow(ctx context.Context, id string) error
	// Connected are the volumes of a backend that holders were told how to reach, by holder.
	Connected(ctx context.Context, backend string) (map[string]string, error)
	InsertConnection(ctx context.Context, c *Connection) error
	ConnectionsOf(ctx context.Context, volume string) ([]*Connection, error)
	DeleteConnection(ctx context.Context, holder string) error
	InsertEnded(ctx context.Context, e *Ended) error
	EndedOf(ctx context.Context, volume string) ([]*Ended, error)
	DeleteEnded(ctx context.Context, holder string) error
	DueExports(ctx context.Context, limit int) ([]string, error) // volumes
	PostponeExports(ctx context.Context, volume string, d time.Duration) error
	Attachments(ctx context.Context, q VolumeQuery) ([]*Attachment, error)
	AttachmentsOf(ctx context.Context, volumes ...string) (map[string][]*Attachment, error)
	AttachmentsOn(ctx context.Context, servers ...string) (map[string][]*Attachment, error)

	// Used is what a project has; a type's name as key of PerType.
	Used(ctx context.Context, project string) (Usage, error)
	Quotas(ctx context.Context, project string) (map[string]int64, error)
	// BackendUse is what each backend holds of each project.
	BackendUse(ctx context.Context) ([]BackendUse, error)
	SetQuota(ctx context.Context, q VolumeQuota) error
	DeleteQuotas(ctx context.Context, project string) error

	InsertBackup(ctx context.Context, b *Backup) error
	Backup(ctx context.Context, id string) (*Backup, error)
	Backups(ctx context.Context, q VolumeQuery) ([]*Backup, error)
	CountBackups(ctx context.Context, q VolumeQuery) (int, error)
	// BackupsOf are a volume's, the oldest content first.
	BackupsOf(ctx context.Context, volume string) ([]*Backup, error)
	// Parents are those of ids that others have as parent.
	Parents(ctx context.Context, ids ...string) (map[string]bool, error)
	UpdateBackup(ctx context.Context, b *Backup) error
	DeleteBackupRow(ctx context.Context, id string) error
	// BackupsAt are those that have the same bytes.
	BackupsAt(ctx context.Context, place string) ([]*Backup, error)
	DueBackups(ctx context.Context, limit int) ([]string, error)
	// ClaimBackup takes a due backup for one pass; it is nil when it is not due.
	ClaimBackup(ctx context.Context, id string, lease time.Duration) (*Backup, error)
	RenewBackup(ctx context.Context, b *Backup, lease time.Duration) (held bool, err error)

	SwitchedServices(ctx context.Context) ([]Service, error)
	PutService(ctx context.Context, p Service) error

	InsertQoS(ctx context.Context, q *QoS) error
	QoS(ctx context.Context, id string) (*QoS, error)
	QoSList(ctx context.Context, l listing.List) ([]*QoS, error)
	UpdateQoS(ctx context.Context, q *QoS) error
	DeleteQoSRow(ctx context.Context, id string) error
	TypesOfQoS(ctx context.Context, id string) ([]*Type, error)

	InsertTransfer(ctx context.Context, t *Transfer) error
	Transfer(ctx context.Context, id string) (*Transfer, error)
	Transfers(ctx context.Context, q VolumeQuery) ([]*Transfer, error)
	DeleteTransferRow(ctx context.Context, id string) error
	DropOffer(ctx context.Context, volume string) error

	InsertGroupType(ctx context.Context, t *GroupType) error
	GroupType(ctx context.Context, idOrName string) (*GroupType, error)
	GroupTypes(ctx context.Context, q TypeQuery) ([]*GroupType, error)
	UpdateGroupType(ctx context.Context, t *GroupType) error
	DeleteGroupTypeRow(ctx context.Context, id string) error
	GroupTypeInUse(ctx context.Context, id string) (bool, error)

	InsertGroup(ctx context.Context, g *Group) error
	Group(ctx context.Context, id string) (*Group, error)
	Groups(ctx context.Context, q VolumeQuery) ([]*Group, error)
	UpdateGroup(ctx context.Context, g *Group) error
	DeleteGroupRow(ctx context.Context, id string) error
	// GroupsOfType are those of ids that have a type.
	GroupsOfType(ctx context.Context, groupType string, ids []string) (map[string]bool, error)
	// VolumesIn are the volumes of each group.
	VolumesIn(ctx context.Context, groups ...string) (map[string][]*Volume, error)

	InsertGroupSnapshot(ctx context.Context, g *GroupSnapshot) error
	GroupSnapshot(ctx context.Context, id string) (*GroupSnapshot, error)
	GroupSnapshots(ctx context.Context, q VolumeQuery) ([]*GroupSnapshot, error)
	GroupSnapshotsOf(ctx context.Context, group string) ([]*GroupSnapshot, error)
	UpdateGroupSnapshot(ctx context.Context, g *GroupSnapshot) error
	DeleteGroupSnapshotRow(ctx context.Context, id string) error
	SnapshotsIn(ctx context.Context, groupSnapshot string) ([]*Snapshot, error)

	InsertMessage(ctx context.Context, m *Message) error
	Message(ctx context.Context, id string) (*Message, error)
	Messages(ctx context.Context, q VolumeQuery) ([]*Message, error)
	DeleteMessageRow(ctx context.Context, id string) error
	DropOldMessages(ctx context.Context) error

	SetDefaultType(ctx context.Context, d ProjectType) error
	UnsetDefaultType(ctx context.Context, project string) error
	DefaultTypes(ctx context.Context) ([]ProjectType, error)
	DefaultTypeOf(ctx context.Context, project string) (typeID string, err error) // "" when none
	InsertKey(ctx context.Context, k *Key) error
	Key(ctx context.Context, id string) (*Key, error)
	KeysOf(ctx context.Context, volumes ...string) (map[string]*Key, error) // by volume
	DeleteKey(ctx context.Context, id string) error
	InsertEncryption(ctx context.Context, e *Encryption) error
	Encryption(ctx context.Context, typeID string) (*Encryption, error) // nil when none
	UpdateEncryption(ctx context.Context, e *Encryption) error
	DeleteEncryption(ctx context.Context, typeID string) error
}

// TypeQuery is which types to list.
type TypeQuery struct {
	listing.List
	ProjectID string // sees public ones and those it has access to; "" sees all
	Public    *bool
}
