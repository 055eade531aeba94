// Package personas walks every operation of every service as each kind of caller,
// on things of the caller's own project and domain and on those of another, and
// compares what happens with one golden file and with the table of rules.
//
// world.go makes the cloud, the callers and two of everything; things.go says how a
// path and a body are filled; walk.go makes the requests, each inside a transaction
// that is rolled back, so that no request sees what another did.
package personas
