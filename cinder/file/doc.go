// Package file keeps volumes as raw sparse files in a folder: the backend that
// needs nothing. A copy shares blocks with its original where the file system can
// (reflink), and skips holes elsewhere.
//
//	volume-ID                           a volume
//	volume-ID.snapshots/_snapshot-ID    its snapshots
//	.new-…                              what is being made
//	.lock                               who is making what
//
// Everything is made under a name of its own, flushed, and then renamed to its
// place: a volume or snapshot is there whole or not at all.
//
// # What the node does
//
// A volume in use is a raw file that QEMU has open on this host.
//
// Extend: this backend makes the file longer first, which a running QEMU does not
// see. The node then resizes the disk of the guest, to the volume's size in bytes:
//
//	Live.ResizeDisk(ctx, server, volume, bytes) // virDomainBlockResize, flag BYTES; may be repeated
//
// Snapshot: where files share blocks, cloning one is atomic against writes, and this
// backend takes one instant by itself (Features().SnapshotInUse). Elsewhere a copy
// takes time while the guest goes on writing, so the node makes it: BeginSnapshot
// gives an empty raw file of the volume's size, the node runs
//
//	Live.CopyDisk(ctx, server, volume, kind, source) // returns when the copy is whole
//
// and FinishSnapshot gives the file its place. CopyDisk is libvirt's push backup
// (virDomainBackupBegin with a domainbackup of mode push: the one disk with
// backup='yes', type='file', driver raw, target file=path, flag REUSE_EXTERNAL; the
// others backup='no'), after domfsfreeze where a guest agent answers, thawed as soon
// as the job has begun: QEMU copies what the guest is about to overwrite first, so
// that the copy is the disk as it was when the job began. The call waits for the
// job's end (virDomainGetJobStats, COMPLETED), aborts the job when its context ends,
// and begins anew when it finds one of its own under way. A volume that several
// guests of different hosts write to cannot be had so; it is refused, as is a
// snapshot of a running guest's volume whose node does not answer.
//
// An encrypted volume's source holds passphrase, as package cinder's Connect adds it.
package file
