// Package neutron is networks: switches, addresses, routers, and who may talk to whom.
//
// Read the things first, each its own file with its rules: network.go, subnet.go,
// pool.go (which addresses are free), port.go, securitygroup.go, router.go,
// floatingip.go, subnetpool.go, rbac.go, quota.go, agent.go. Then networking.go and
// the verb_*.go files beside it: Networking, what may be done with them. needs.go
// states what it asks of others: a Store, and a Fabric that carries the packets.
// servers.go is what compute asks in the same process.
//
// Every verb is one SQL transaction, and what it changed is told to the Fabric by
// key after the commit. The Fabric reads the rows again (Topology) and makes the
// packets follow; the rows are the truth.
package neutron
