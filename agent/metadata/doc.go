// Package metadata answers guests at 169.254.169.254 and fe80::a9fe:a9fe.
//
// Every network has a listener in a namespace of its own, so who asks is known
// by the network and the source address, which OVN lets nobody forge; no header
// is believed. service.go keeps listeners and answers in step with the wishes,
// tree.go turns a server's metadata into the paths that guests ask for.
package metadata
