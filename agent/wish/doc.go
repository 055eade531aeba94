// Package wish is what the control plane and a node say to each other.
//
// The control plane states wishes: what should be on a host. A node pulls them,
// makes them so, and reports what it sees. Both are whole documents, never
// commands: a lost or repeated one does no harm. A node sees the wishes of its
// own host only.
package wish
