package events

import "time"

// Forget is forget, for tests.
var Forget = forget

// Hurry makes streams impatient; the test must end before others begin.
func Hurry(quiet, patience time.Duration) (undo func()) {
	a, b := silence, slow
	silence, slow = quiet, patience
	return func() { silence, slow = a, b }
}
