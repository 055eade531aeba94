// Package libvirt runs guests in QEMU through libvirtd. It is the only caller of
// libvirt, and speaks its protocol over the daemon's socket.
//
// domain.go is the XML as types, build.go makes it from a wish (see testdata/
// for what comes out), hypervisor.go and power.go are the verbs, and mark.go is
// the element in a domain's metadata by which we know it as ours.
package libvirt
