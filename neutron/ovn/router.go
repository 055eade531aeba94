package ovn

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"stackd/neutron"
)

func routerPortName(port string) string { return "lrp-" + port }

// router makes a router, its ports, routes and translations.
func (b *builder) router(r *neutron.Router) {
	key := "router/" + r.ID
	lr := &logicalRouter{UUID: named("Logical_Router", r.ID), Name: "neutron-" + r.ID, Enabled: ref(r.AdminStateUp),
		Options:     map[string]string{"always_learn_from_arp_request": "false", "dynamic_neigh_routers": "true"},
		ExternalIDs: owned(key, "neutron:router_name", r.Name)}
	var gateway *neutron.Port
	for _, p := range b.of[r.ID] {
		if p.DeviceOwner == neutron.OwnerGateway {
			gateway = p
		}
		if p.DeviceOwner == neutron.OwnerGateway || p.DeviceOwner == neutron.OwnerRouter {
			if id := b.routerPort(key, r, p); id != "" {
				lr.Ports = append(lr.Ports, id)
			}
		}
	}
	lr.StaticRoutes = b.routes(key, r, gateway)
	lr.NAT = b.translations(key, r, gateway)
	b.rows.add("Logical_Router", lr.UUID, lr)
}

// routerPort makes one port of a router; a gateway is held by a chassis.
func (b *builder) routerPort(key string, r *neutron.Router, p *neutron.Port) string {
	l := &logicalRouterPort{UUID: named("Logical_Router_Port", p.ID), Name: routerPortName(p.ID), MAC: p.MAC, Options: map[string]string{}, ExternalIDs: owned(key)}
	for _, f := range p.FixedIPs {
		if t := b.subs[f.SubnetID]; t != nil {
			l.Networks = append(l.Networks, prefixed(f.Address, t))
			b.advertise(l, p, t)
		}
	}
	if len(l.Networks) == 0 {
		return ""
	}
	net := b.nets[p.NetworkID]
	switch {
	case p.DeviceOwner == neutron.OwnerGateway:
		l.GatewayChassis = b.gateways(key, p)
		if net != nil && b.greater(r, net.MTU) {
			l.Options["gateway_mtu"] = strconv.Itoa(net.MTU)
		}
	case net != nil && net.NetworkType == neutron.VLAN && r.GatewayPortID != "":
		l.Options["reside-on-redirect-chassis"] = "true"
	}
	return b.rows.add("Logical_Router_Port", l.UUID, l)
}

// greater tells whether packets inside may be too great for the outside: then the
// gateway says so to who sends them.
func (b *builder) greater(r *neutron.Router, mtu int) bool {
	for _, p := range b.of[r.ID] {
		if n := b.nets[p.NetworkID]; n != nil && n.MTU > mtu {
			return true
		}
	}
	return false
}

// advertise tells guests of an IPv6 subnet how they get their address, and the router.
func (b *builder) advertise(l *logicalRouterPort, p *neutron.Port, t *neutron.Subnet) {
	mode := map[string]string{neutron.SLAAC: "slaac", neutron.DHCPv6Stateful: "dhcpv6_stateful", neutron.DHCPv6Stateless: "dhcpv6_stateless"}[t.RAMode]
	if t.IPVersion != 6 || mode == "" || p.DeviceOwner != neutron.OwnerRouter {
		return
	}
	l.RAConfigs = map[string]string{"address_mode": mode, "send_periodic": "true", "max_interval": "30", "min_interval": "10"}
	if net := b.nets[p.NetworkID]; net != nil {
		l.RAConfigs["mtu"] = strconv.Itoa(net.MTU)
	}
	if dns := b.nameservers(t); len(dns) > 0 {
		l.RAConfigs["rdnss"] = dns[0]
	}
}

// gateways are the chassis that may hold the gateway: those on its physical network,
// the first by priority in an order of the port's own, so that routers spread.
func (b *builder) gateways(key string, p *neutron.Port) []string {
	net := b.nets[p.NetworkID]
	var fit, chosen []Chassis
	for _, c := range b.Chassis {
		if net != nil && (net.Overlay() || slices.Contains(c.Physnets, net.PhysicalNetwork)) {
			fit = append(fit, c)
			if c.Gateway {
				chosen = append(chosen, c)
			}
		}
	}
	if len(chosen) > 0 {
		fit = chosen
	}
	slices.SortFunc(fit, func(x, y Chassis) int {
		return strings.Compare(named(p.ID, x.Name), named(p.ID, y.Name))
	})
	var out []string
	for i, c := range fit[:min(len(fit), 5)] {
		name := routerPortName(p.ID) + "_" + c.Name
		g := &gatewayChassis{UUID: named("Gateway_Chassis", name), Name: name, ChassisName: c.Name, Priority: 5 - i, ExternalIDs: owned(key)}
		out = append(out, b.rows.add("Gateway_Chassis", g.UUID, g))
	}
	return out
}

// routes are the way out, and those that the tenant added.
func (b *builder) routes(key string, r *neutron.Router, gateway *neutron.Port) []string {
	var out []string
	add := func(prefix, nexthop string, port *string) {
		id := named("Logical_Router_Static_Route", r.ID+" "+prefix+" "+nexthop)
		out = append(out, b.rows.add("Logical_Router_Static_Route", id, &staticRoute{UUID: id, IPPrefix: prefix, Nexthop: nexthop, OutputPort: port, ExternalIDs: owned(key)}))
	}
	if gateway != nil {
		for _, f := range gateway.FixedIPs {
			t := b.subs[f.SubnetID]
			if t == nil || t.GatewayIP == "" {
				continue
			}
			prefix := "0.0.0.0/0"
			if t.IPVersion == 6 {
				prefix = "::/0"
			}
			add(prefix, t.GatewayIP, ref(routerPortName(gateway.ID)))
		}
	}
	for _, x := range r.Routes {
		add(x.Destination, x.Nexthop, nil)
	}
	return out
}

// translations are SNAT for every IPv4 subnet inside, and the floating IPs.
func (b *builder) translations(key string, r *neutron.Router, gateway *neutron.Port) []string {
	if gateway == nil {
		return nil
	}
	var out []string
	add := func(kind, outside, inside string) {
		id := named("NAT", r.ID+" "+kind+" "+outside+" "+inside)
		out = append(out, b.rows.add("NAT", id, &nat{UUID: id, Type: kind, ExternalIP: outside, LogicalIP: inside, ExternalIDs: owned(key)}))
	}
	if own, ok := gateway.V4(); ok && r.EnableSNAT {
		for _, cidr := range b.inside(r) {
			add("snat", own.Address, cidr)
		}
	}
	for _, f := range b.fips[r.ID] {
		if f.FixedIP != "" {
			add("dnat_and_snat", f.Address, f.FixedIP)
		}
	}
	return out
}

// inside are the IPv4 ranges of the router's own subnets.
func (b *builder) inside(r *neutron.Router) []string {
	var out []string
	for _, p := range b.of[r.ID] {
		if p.DeviceOwner != neutron.OwnerRouter {
			continue
		}
		for _, f := range p.FixedIPs {
			if t := b.subs[f.SubnetID]; t != nil && t.IPVersion == 4 && !slices.Contains(out, t.CIDR) {
				if _, err := netip.ParsePrefix(t.CIDR); err == nil {
					out = append(out, t.CIDR)
				}
			}
		}
	}
	return out
}
