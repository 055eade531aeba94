package ovn

import (
	"net/netip"
	"strconv"
	"strings"

	"stackd/neutron"
)

// metadata is where guests ask for their metadata.
const metadata = "169.254.169.254/32"

func portID(id string) string { return named("Logical_Switch_Port", id) }

// network makes a network's switch, its ports, what guests are told by DHCP, and the
// group of ports for which what no rule allows is dropped.
func (b *builder) network(n *neutron.Network) {
	key := "network/" + n.ID
	meta := b.metadataPort(n)
	for _, t := range b.subsOf[n.ID] {
		b.dhcp(key, n, t, meta)
	}
	var ports, guarded []string
	for _, p := range b.on[n.ID] {
		if p.DeviceOwner == neutron.OwnerFloatingIP {
			continue
		}
		ports = append(ports, b.port(key, n, p, meta))
		if p.PortSecurity {
			guarded = append(guarded, portID(p.ID))
		}
	}
	if !n.Overlay() {
		ports = append(ports, b.localnet(key, n))
	}
	ls := &logicalSwitch{UUID: named("Logical_Switch", n.ID), Name: "neutron-" + n.ID, Ports: ports,
		OtherConfig: map[string]string{"mcast_snoop": "false", "mcast_flood_unregistered": "false", "vlan-passthru": "false"},
		ExternalIDs: owned(key, "neutron:network_name", n.Name, "neutron:mtu", strconv.Itoa(n.MTU))}
	if names := b.names(n); len(names) > 0 {
		ls.DNSRecords = []string{b.rows.add("DNS", named("DNS", n.ID), &dnsRecords{UUID: named("DNS", n.ID), Records: names, ExternalIDs: owned(key)})}
	}
	b.rows.add("Logical_Switch", ls.UUID, ls)
	if len(guarded) > 0 {
		b.drop(key, n.ID, guarded)
	}
}

func (b *builder) metadataPort(n *neutron.Network) *neutron.Port {
	for _, p := range b.on[n.ID] {
		if p.DeviceOwner == neutron.OwnerMetadata {
			return p
		}
	}
	return nil
}

// localnet joins the switch to the hosts' physical network.
func (b *builder) localnet(key string, n *neutron.Network) string {
	p := &logicalSwitchPort{UUID: portID("localnet " + n.ID), Name: "provnet-" + n.ID, Type: "localnet", Addresses: []string{"unknown"},
		Options: map[string]string{"network_name": n.PhysicalNetwork, "mcast_flood": "false", "mcast_flood_reports": "true"}, ExternalIDs: owned(key)}
	if n.SegmentationID > 0 {
		p.Tag = &n.SegmentationID
	}
	return b.rows.add("Logical_Switch_Port", p.UUID, p)
}

// port makes a port of any kind.
func (b *builder) port(key string, n *neutron.Network, p *neutron.Port, meta *neutron.Port) string {
	l := &logicalSwitchPort{UUID: portID(p.ID), Name: p.ID, Enabled: ref(p.AdminStateUp), Options: map[string]string{},
		ExternalIDs: owned(key, "neutron:port_name", p.Name, "neutron:device_id", p.DeviceID, "neutron:device_owner", p.DeviceOwner)}
	switch p.DeviceOwner {
	case neutron.OwnerRouter, neutron.OwnerGateway:
		l.Type, l.Addresses = "router", []string{"router"}
		l.Options["router-port"] = routerPortName(p.ID)
		if p.DeviceOwner == neutron.OwnerGateway {
			l.Options["nat-addresses"] = "router"
			l.Options["exclude-lb-vips-from-garp"] = "true"
		}
	case neutron.OwnerMetadata:
		l.Type, l.Addresses = "localport", []string{addresses(p)}
	default:
		b.guest(key, n, p, l, meta)
	}
	return b.rows.add("Logical_Switch_Port", l.UUID, l)
}

func addresses(p *neutron.Port) string {
	return strings.Join(append([]string{p.MAC}, p.Addresses()...), " ")
}

// guest fills in a port that a guest, or whoever is not the network itself, is behind.
func (b *builder) guest(key string, n *neutron.Network, p *neutron.Port, l *logicalSwitchPort, meta *neutron.Port) {
	l.Addresses = []string{addresses(p)}
	if p.PortSecurity {
		l.PortSecurity = security(p)
	} else {
		l.Addresses = append(l.Addresses, "unknown")
	}
	if other := otherMACs(p); len(other) > 0 {
		l.Addresses = append(l.Addresses, other...)
	}
	if p.Bound() {
		l.Options["requested-chassis"] = p.Host
		if to := p.AwaitedAt(); to != "" { // both hosts have it until the guest is there: then no packet is lost
			l.Options["requested-chassis"] += "," + to
		}
	}
	l.DHCPv4, l.DHCPv6 = b.dhcpOf(key, n, p, meta, 4), b.dhcpOf(key, n, p, meta, 6)
}

// security is what the port may send as: its own addresses and the allowed pairs.
func security(p *neutron.Port) []string {
	by := map[string][]string{p.MAC: p.Addresses()}
	order := []string{p.MAC}
	for _, a := range p.AddressPairs {
		m := a.MAC
		if m == "" {
			m = p.MAC
		}
		if by[m] == nil && m != p.MAC {
			order = append(order, m)
		}
		by[m] = append(by[m], a.Address)
	}
	var out []string
	for _, m := range order {
		out = append(out, strings.Join(append([]string{m}, by[m]...), " "))
	}
	return out
}

// otherMACs are addresses of pairs with a MAC of their own, which OVN must know to
// deliver to them.
func otherMACs(p *neutron.Port) []string {
	var out []string
	for _, a := range p.AddressPairs {
		if a.MAC != "" && a.MAC != p.MAC {
			out = append(out, a.MAC+" "+a.Address)
		}
	}
	return out
}

// names are the network's ports by DNS name, as guests ask OVN for them.
func (b *builder) names(n *neutron.Network) map[string]string {
	out := map[string]string{}
	for _, p := range b.on[n.ID] {
		if p.DNSName == "" || len(p.FixedIPs) == 0 {
			continue
		}
		value := strings.Join(p.Addresses(), " ")
		name := strings.ToLower(strings.TrimSuffix(p.DNSName, "."))
		out[name] = value
		domain := strings.TrimSuffix(p.DNSDomain, ".")
		if domain == "" {
			domain = strings.TrimSuffix(n.DNSDomain, ".")
		}
		if domain == "" {
			domain = b.DNSDomain
		}
		if domain != "" && !strings.Contains(name, ".") {
			out[name+"."+strings.ToLower(domain)] = value
		}
	}
	return out
}

func prefixed(address string, t *neutron.Subnet) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	return netip.PrefixFrom(a, t.Prefix().Bits()).String()
}
