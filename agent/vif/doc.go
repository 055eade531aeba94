// Package vif joins guests and metadata servers to the integration bridge.
//
// A guest's NIC is a tap that stackd makes (plug.go) and that becomes a port of
// br-int with the OVN logical port's name in its external ids; from there OVN
// does the rest. A network's metadata server sits in a namespace of its own
// behind OVN's localport (network.go). ovs.go is the switch's database.
//
// The order of taking down matters: the guest lets go, then the switch, then
// the link. A link that goes first leaves its port dead for ever.
package vif
