// Package lvm keeps volumes as logical volumes of one volume group of this machine, by
// LVM's own programs. Guests reach them over iSCSI (cinder/iscsi).
//
//	GROUP-pool       the thin pool, made with the first volume where the kernel has thin
//	                 provisioning; without it volumes are thick
//	volume-ID        a volume
//	_snapshot-ID     a snapshot; the tag of.volume-ID says of which volume
//	new-volume-ID    what is being made
//	old-volume-ID    what a volume was until it went back to a snapshot, or into the pool
//
// Each bears the tag "stackd", but what was adopted: that is its owner's, and stays in the
// group when the cloud goes.
//
// Everything is made under a name of its own and then renamed: a volume is there whole
// or not at all.
//
// Thin: copies, snapshots and going back share blocks and take no time. The pool zeroes
// what it gives out.
//
// Thick: a new volume is zeroed before it is there, as its extents were somebody's; with
// NoClear a deleted one is not. A snapshot has room for every block of its volume. Copies
// and going back copy bytes. A volume that has snapshots cannot grow while it is open.
//
// An LV's own kind counts, so that both kinds may be in one group. Who adopts a thick LV
// into a group with a pool gets a thin copy of it, as the pool leaves no room for thick
// snapshots; one that has snapshots stays thick, with them.
package lvm
