// Package netns is the network namespaces of a node: make, remove, work inside.
//
// The name "" is the namespace the process itself runs in. Others are named as
// ip-netns(8) names them, so that an operator may look inside with `ip netns exec`.
package netns
