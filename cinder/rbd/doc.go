// Package rbd keeps volumes as images of a Ceph pool, by Ceph's own program rbd, and
// reads and writes them through QEMU's NBD server (docs/decisions/0007).
//
//	volume-ID                 a volume; its snapshots are
//	volume-ID@snapshot-ID
//	volume-ID@.clone-ID       of what a new volume is being cloned from
//	.new-volume-ID.XXXXXXXX   what is being made
//
// Everything is made under a name of its own and then renamed: a volume is there whole
// or not at all. Copies are clones of format 2: what was copied may go before its
// copies do. Its image then lies in the pool's trash, and is removed with the last
// copy, or by Tidy when whoever should have done so was cut off.
//
// A call of rbd is never broken off halfway, which would leave an image locked for half
// a minute: who waits for it may go, the call goes on, and holds the volume's lock.
//
// Ceph has writers to a full pool wait. A copy that would be one of them ends instead,
// with the error that other backends give (room.go); a guest that writes waits.
package rbd
