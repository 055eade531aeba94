// Package deploy makes a cloud of hosts from an answer file (package answers).
//
// A Plan says which host does what. Before anything is changed every host is looked at
// (preflight.go), all of them at the same time, and everything that is wrong is told at
// once. Then each host climbs a ladder of steps (steps.go): a step looks first and acts
// only if it must, so that a run may be repeated at any time, and uninstalling is the
// same ladder descended. A host that fails does not stop the others.
//
// Hosts are spoken to by SSH, or directly if they are this machine (shell.go). What
// people see is packstack's screen (screen.go).
package deploy
