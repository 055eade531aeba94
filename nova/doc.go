// Package nova is compute: servers, and what they are made of and run on.
//
// Read server.go (what a server is and which states it has), compute.go (the
// verbs), create.go, power.go, then work/server.go: the ladder that makes a
// server be what its row says. plane.go is what a node asks and reports.
//
// A verb changes rows in one transaction and returns; a Server row says where the
// server should be (Goal, Wanted) and what was last seen of it (Seen…). Nothing
// else is remembered, so whatever process dies, another goes on.
package nova
