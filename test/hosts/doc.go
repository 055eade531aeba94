// Package hosts makes hosts of this machine for tests: each is a network namespace
// with mount, UTS and process namespaces of its own and an overlay of this machine's
// root, so that what one does to its files, processes and interfaces no other sees.
// One that is Emulated has a kernel of its own and is a machine of QEMU's instead.
// They are joined by switches, which are bridges in a namespace of their own.
// All of it is gone when the test ends. Root is needed.
package hosts
