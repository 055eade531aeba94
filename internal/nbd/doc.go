// Package nbd is a client of the Network Block Device protocol, as much as reading and
// writing a disk behind QEMU's servers takes: fixed newstyle negotiation, structured
// replies and the context base:allocation, in the clear, over a connection that is
// given. See https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md.
package nbd
