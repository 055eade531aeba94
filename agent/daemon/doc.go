// Package daemon starts and watches what a node needs below it, without systemd:
// the OVN and OVS databases, northd, vswitchd, ovn-controller and libvirtd.
//
// Up makes everything so and may be called again at any time: what runs is
// adopted, what is dead is started. The daemons outlive the process that started
// them; only Down ends them. All of a cloud's packets live in a network
// namespace of its own, with a veth pair to the host (network.go, nat.go).
//
// Read options.go, host.go, then process.go.
package daemon
