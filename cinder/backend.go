package cinder

import (
	"context"
	"errors"
	"io"
)

// GiB is the unit of volumes' sizes, in bytes.
const GiB = 1 << 30

// A Backend keeps volumes' bytes. Volumes and snapshots are named by their ids,
// sizes are GiB.
//
// Every act may be repeated, also after it was cut off anywhere, and leaves all or
// nothing behind: Has and HasSnapshot tell of whole things only. What is there is
// never written over by Create or CreateSnapshot. Two who do the same at the same
// time get one thing, or one of them an error. An error that trying again cannot
// mend (no room, a bad image, a missing original) is a converge.Final; none of its
// words are for tenants.
//
// What rows know the caller decides: whether a volume is in use, which snapshot is
// the last one, who may do what.
type Backend interface {
	Features() Features
	// Capacity is what there is and what is free.
	Capacity(ctx context.Context) (total, free float64, err error)

	// Has tells whether a volume is there, whole, and its size in whole GiB.
	Has(ctx context.Context, volume string) (size int64, ok bool, err error)
	// Create makes a volume of a source; what the source lacks reads as zeros, and
	// nothing of what others once kept in the same place is seen. A volume that is
	// there is left as it is.
	Create(ctx context.Context, volume string, size int64, from Source) error
	// Extend grows a volume; one that is as large already is left as it is. A volume
	// in use may be grown where the features say so: the node then tells the guest.
	Extend(ctx context.Context, volume string, size int64) error
	// Delete takes a volume away; none to take is no error. One that has snapshots
	// is refused with ErrHasSnapshots. What was made of it keeps its content.
	Delete(ctx context.Context, volume string) error

	HasSnapshot(ctx context.Context, volume, snapshot string) (bool, error)
	// CreateSnapshot keeps what a volume holds now. Of a volume in use it is of one
	// instant only where the features say so; see NodeCopied.
	CreateSnapshot(ctx context.Context, volume, snapshot string) error
	// DeleteSnapshot takes one away; none to take is no error. What was made of it
	// keeps its content.
	DeleteSnapshot(ctx context.Context, volume, snapshot string) error
	// Revert gives a volume that is not in use a snapshot's content again. The
	// volume keeps its size, and every snapshot stays.
	Revert(ctx context.Context, volume, snapshot string) error

	// Open opens what a volume holds, or with a snapshot what that holds, for
	// backups, uploads and moves to another backend. A volume in use changes below
	// the reader: open a snapshot of it.
	Open(ctx context.Context, volume, snapshot string) (Content, error)
	// Edit opens a volume that is not in use for writing over it, as a restore does.
	// This alone is not all or nothing: who is cut off begins again.
	Edit(ctx context.Context, volume string) (Target, error)

	// Connect lets a holder (an attachment's id) at a volume, and says how QEMU
	// reaches it: the kind and the source of a disk as agent/libvirt knows them, but
	// for a password; see Keyed.
	Connect(ctx context.Context, volume, holder string) (kind string, source map[string]string, err error)
	// Disconnect ends what Connect gave; with the last holder the export goes.
	Disconnect(ctx context.Context, volume, holder string) error

	// Manageable lists what there is, ours or not: volumes, or one volume's
	// snapshots when one is named.
	Manageable(ctx context.Context, volume string) ([]Found, error)
	// Adopt makes the thing of a reference's name the volume; its size is rounded up
	// to whole GiB. To have a volume no longer managed needs no act: its row goes.
	Adopt(ctx context.Context, name, volume string) (size int64, err error)
	// AdoptSnapshot does the same for a snapshot of a volume.
	AdoptSnapshot(ctx context.Context, volume, name, snapshot string) (size int64, err error)
}

// Faults of a backend that callers tell apart.
var (
	// ErrHasSnapshots is the error of deleting a volume that has snapshots.
	ErrHasSnapshots = errors.New("the volume has snapshots")
	// ErrMissing is the error of an act on a volume, snapshot or reference that is not there.
	ErrMissing = errors.New("it is not on the backend")
	// ErrFull is the error when there is no room.
	ErrFull = errors.New("the storage is full")
)

// Features are what differs between backends. Limits of a volume's rate are set in
// QEMU, so every backend has front-end QoS.
type Features struct {
	Protocol      string // file, iSCSI, ceph
	Vendor        string // as the pools' listing names it
	Thin          bool   // a volume takes the room of what is written
	Multiattach   bool   // several guests may have one volume
	ExtendInUse   bool   // Extend of a volume in use; the guest sees it when its node resized the disk
	SnapshotInUse bool   // CreateSnapshot of a volume in use is of one instant
	FastClone     bool   // a copy costs no time and no room
}

// A Source is what a new volume's content comes from; the zero Source is nothing:
// the volume reads as zeros.
type Source struct {
	SnapshotID, VolumeID string    // a volume of the same backend; the volume that the snapshot is of, too
	Image                io.Reader // an image's bytes, believed in nothing: inspected, converted with bounds
	Format               string    // of the image, in glance's words
	Place                string    // where the image's bytes lie: a URL that a backend may know and clone; "" when nowhere
	Content              Content   // of another backend, or a backup
	// Passphrase makes a LUKS container of a new volume: with an image, encrypted;
	// without, blank. Copies of volumes and snapshots have their original's. The
	// guest sees two MiB less than the size.
	Passphrase []byte
}

// A Content is a disk's bytes, to be read at any place, also by several at once.
type Content interface {
	io.ReaderAt
	io.Closer
	// Size is in bytes.
	Size() int64
	// Data is the next run of bytes, from off on, that may not be zero; io.EOF when
	// none comes.
	Data(off int64) (start, end int64, err error)
}

// A Target is a volume that is written.
type Target interface {
	io.WriterAt
	// Zero makes n bytes read as zeros, and frees their room where that can be.
	Zero(off, n int64) error
	// Close sees that all is on the disk.
	io.Closer
}

// A Keyed backend lets holders in by a password, which Connect does not tell: rows keep
// what that says.
type Keyed interface {
	// Secret is the password of a holder's at a volume. It is found without asking the
	// storage, as nodes are told by it again and again.
	Secret(ctx context.Context, volume, holder string) (string, error)
}

// An Exporting backend has a server that forgets what Connect gave when it is started anew.
type Exporting interface {
	// Keep lets holders in, by their volumes, that are let in no more, and gives those
	// that it did so for.
	Keep(ctx context.Context, volumes map[string]string) (again []string, err error)
}

// A Tidied backend has now and then what nobody else takes away.
type Tidied interface {
	Tidy(ctx context.Context) error
}

// A NodeCopied backend cannot take one instant of a volume in use by itself: the
// node that runs the guest copies the disk (see package doc of cinder/file). It is
// asked when Features().SnapshotInUse is false and the volume is in use.
type NodeCopied interface {
	// BeginSnapshot makes an empty place of the volume's size, anew each time, and
	// says how QEMU reaches it, as Connect does.
	BeginSnapshot(ctx context.Context, volume, snapshot string) (kind string, source map[string]string, err error)
	// FinishSnapshot makes what the node copied there the snapshot. Once done it may
	// be repeated. DeleteSnapshot instead takes an unfinished one away.
	FinishSnapshot(ctx context.Context, volume, snapshot string) error
}

// A Found is something on a backend that may be managed.
type Found struct {
	Name  string // the reference: {"source-name": Name}
	ID    string // of the volume or snapshot that it is or once was by its name, "" for none
	Bytes int64
	InUse bool   // a guest has it: not safe to manage
	Why   string // it cannot be managed, for an administrator; "" when it can
}
