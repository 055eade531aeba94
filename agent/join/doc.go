// Package join says who may be a node of the cloud.
//
// A cloud has a certificate authority of its own (Authority). Its key lies in the
// database, sealed by the master key, so that every control plane can issue and none
// needs a file. A host becomes a node by a join token, which an operator makes and
// which holds the fingerprint of the authority: the host knows whom it speaks to
// before it has any certificate. What it gets is a certificate for its name alone; it
// renews that by itself (Renew) and loses it when the node is taken off (Forget) or
// joins anew.
//
// Names in certificates: a node is "HOST.node.stackd", a control plane "plane.stackd".
// Each side looks for the other's, so that neither a node nor a stranger can pass for
// a control plane, and no node for another.
//
// Read gate.go first, then authority.go and token.go; the rows are join/store's.
package join
