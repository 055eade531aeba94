// Package backendtest is what every cinder.Backend is held to: Run goes through the
// contract case by case, on a backend's real storage, and prints what each act cost.
// A backend's own test gives a Rig; what the storage has no way for is left nil and
// its cases are not run, which Run says.
package backendtest
