// Package sim is nodes without a hypervisor, for tests of scale and of faults.
//
// They are the real agent (package agent) on guests that are entries in a table:
// the control plane cannot tell them from real ones. Delays and failures are set
// by step, guests may crash or turn themselves off on demand, and with a
// directory given the guests outlive the process, as real ones do.
//
// world.go is the table, hypervisor.go, disks.go and vifs.go are the agent's
// needs met from it, nodes.go runs the agents.
package sim
