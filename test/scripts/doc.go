// Package scripts runs the openstack client, as people do, against a cloud on
// simulated hosts: one script for each kind of thing in testdata/*.txtar.
//
// The client takes more than a second to start; osc.py starts it once, and each
// command of a script is a child of that (build tag e2e).
package scripts
