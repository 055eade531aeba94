// Package node puts a real node together: an agent on libvirt, local disks, OVS
// and metadata, above the daemons of a Host.
package node
