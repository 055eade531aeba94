// Package iscsi exports the volumes of a backend whose volumes are files or block
// devices of this machine (cinder/lvm, cinder/file) over iSCSI, by tgtd, which needs
// nothing of the kernel.
//
// Every holder has a target of its own, iqn.2010-10.org.openstack:volume-ID.HOLDER, and
// a CHAP account of its own: to end one is to cut it off. The password is made of the
// cloud's key and the holder's id whenever it is needed, and is kept nowhere.
//
// tgtd is this package's own: it is started when it does not answer, listens at one
// address, and goes on when this process ends. What it forgets when it dies is made
// again by Keep, from the attachments' rows. It reads a disk's size when the target is
// made, so that Extend makes the targets of a volume in use again: QEMU's client
// connects anew by itself and repeats what had no answer.
//
// tgtd is spoken to through its socket in the dialect of tgtadm: an argument of tgtadm's
// would show the password to everybody on the machine.
package iscsi
