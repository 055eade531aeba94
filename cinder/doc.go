// Package cinder is block storage: volumes, their snapshots, and who has them.
//
// Read volume.go (what a volume is and may become), create.go, snapshot.go, type.go,
// attachment.go and quota.go: each a thing with its verbs. A verb decides in one
// transaction and leaves a wish on the row; package work carries it out through a
// Backend (backend.go) by steps that look first, so that whatever ends in the middle
// is finished or cleaned up by the next pass.
package cinder
