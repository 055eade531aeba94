package neutron

import (
	"net/netip"
	"slices"
)

// A Router carries packets between its subnets, and by its gateway to the outside.
type Router struct {
	Base
	AdminStateUp     bool     `bun:"admin_state_up"`
	GatewayNetworkID string   `bun:"gateway_network_id"` // "" is no gateway
	GatewayPortID    string   `bun:"gateway_port_id"`
	EnableSNAT       bool     `bun:"enable_snat"`
	Distributed      bool     `bun:"distributed"`
	HA               bool     `bun:"ha"`
	Routes           []Route  `bun:"routes"`
	AZHints          []string `bun:"availability_zone_hints"`

	GatewayIPs []FixedIP `bun:"-"`
}

// Gateway is a request for a way out. NetworkID "" takes it away.
type Gateway struct {
	NetworkID  string
	EnableSNAT Maybe[bool]
	FixedIPs   Maybe[[]FixedIP]
}

// RouterSpec is a request for a router, or a change of one.
type RouterSpec struct {
	Common
	AdminStateUp Maybe[bool]
	Gateway      Maybe[Gateway]
	Routes       Maybe[[]Route]
	Distributed  Maybe[bool]
	HA           Maybe[bool]
	AZHints      Maybe[[]string]
}

func (s RouterSpec) apply(r *Router) {
	s.Common.apply(&r.Base)
	s.AdminStateUp.To(&r.AdminStateUp)
	s.Distributed.To(&r.Distributed)
	s.HA.To(&r.HA)
	s.AZHints.To(&r.AZHints)
}

// An Interface is what adding or removing one answers.
type Interface struct {
	RouterID, ProjectID, PortID, NetworkID, SubnetID string
	SubnetIDs                                        []string
}

// InterfaceSpec names a subnet or a port, not both to add.
type InterfaceSpec struct{ SubnetID, PortID string }

// checkRoutes: every next hop must be on a subnet of the router, and be no port of it.
func checkRoutes(router string, routes []Route, subnets []Subnet, own []string) error {
	if len(routes) > maxRoutes {
		return badValue("RoutesExhausted", "Unable to complete operation for %s. The number of routes exceeds the maximum %d.", router, maxRoutes)
	}
	seen := map[Route]bool{}
	for _, r := range routes {
		if seen[r] {
			return invalid("Duplicate items in the list: '%s'", r.Destination)
		}
		seen[r] = true
		a, err := netip.ParseAddr(r.Nexthop)
		if err != nil {
			return invalid("'%s' is not a valid IP address", r.Nexthop)
		}
		if _, err := netip.ParsePrefix(r.Destination); err != nil {
			return invalid("'%s' is not a valid CIDR", r.Destination)
		}
		if slices.Contains(own, a.String()) {
			return badValue("InvalidRoutes", "Invalid format for routes: %s, the nexthop is used by router", routesText(routes))
		}
		if !slices.ContainsFunc(subnets, func(t Subnet) bool { return t.Prefix().Contains(a) }) {
			return badValue("InvalidRoutes", "Invalid format for routes: %s, the nexthop is not connected with router", routesText(routes))
		}
	}
	return nil
}

func routesText(routes []Route) string {
	s := "["
	for i, r := range routes {
		if i > 0 {
			s += ", "
		}
		s += "{'destination': '" + r.Destination + "', 'nexthop': '" + r.Nexthop + "'}"
	}
	return s + "]"
}
