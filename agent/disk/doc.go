// Package disk keeps a node's image cache and its guests' local disks.
//
// cache.go brings images in, once, checked and read-only. guest.go makes a
// server's directory: a qcow2 overlay on a cached image as root, ephemeral and
// swap; configdrive.go adds the config drive. sweep.go bounds what grows. All
// that a server has is in its directory, so that removing it leaves nothing.
//
//	images/<image id>                  0444
//	instances/<server id>/disk         root, an overlay
//	                     /disk.eph0    ephemeral
//	                     /disk.swap
//	                     /disk.config  config drive
//	                     /console.log
//	                     /base         link to the cached image below root
//	                     /kernel, /ramdisk   likewise, if the image has them
//
// What a rebuild makes anew has its number: disk.r2. It is made beside what the guest
// uses, which goes when the guest is of the new.
package disk
