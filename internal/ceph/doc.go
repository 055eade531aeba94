// Package ceph speaks to a Ceph cluster by its own programs (ceph, rbd, rados): what
// images and volumes need of it alike. docs/decisions/0007 says why not by librbd. No
// key is ever an argument: the programs read it from the keyring that the
// configuration or the options name.
package ceph
