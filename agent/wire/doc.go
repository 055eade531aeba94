// Package wire carries a node's talk with the control plane between hosts: HTTP/2
// with mutual TLS, by certificates of the cloud's own authority (package join).
//
// The node calls: it asks for its wishes and waits for their next change, reports, and
// reads images (Plane on the node, Serve at the control plane). The control plane calls
// the node for what a user waits for: a console, a display, a copy (Live at the control
// plane, ServeLive on the node). A node sees what concerns it and nothing else: its own
// wishes, and those images that one of them names.
//
// A node's key and certificate are files in a folder of its own (Identity), where OVN's
// daemons find them too.
package wire
