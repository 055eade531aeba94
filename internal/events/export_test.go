package events

// Forget is forget, for tests.
var Forget = forget
