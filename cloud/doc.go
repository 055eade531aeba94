// Package cloud puts the services together: it alone knows all of them, and hands
// to each what it asks of the others (their needs.go). cmd/stackd serves what it
// makes; tests make a whole control plane with it in a few milliseconds.
package cloud
