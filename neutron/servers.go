package neutron

import (
	"context"
	"net/netip"
	"slices"
)

// A ServerPort is a port as compute sees it: all that a server's addresses, its
// metadata and its NIC need, read together.
type ServerPort struct {
	ID, DeviceID, NetworkID, NetworkName, ProjectID, MAC, Status, Host, VNICType, Name string
	MTU                                                                                int
	Addresses                                                                          []ServerAddress
	SecurityGroups                                                                     []string // names
	SecurityGroupIDs                                                                   []string
	Subnets                                                                            []Subnet // of the addresses
	OfServer                                                                           bool     // made for the server; else it was there before
	PortSecurity                                                                       bool
	AdminStateUp                                                                       bool
	DNSName                                                                            string
}

// A ServerAddress is a fixed IP and the floating ones that stand for it.
type ServerAddress struct {
	Address, SubnetID string
	Version           int
	Floating          []string
}

// Up tells whether the port carries packets.
func (p ServerPort) Up() bool { return p.Status == Active }

// Prefixed are the port's addresses with the lengths of their subnets.
func (p ServerPort) Prefixed() []string {
	var out []string
	for _, a := range p.Addresses {
		for _, t := range p.Subnets {
			if t.ID == a.SubnetID {
				out = append(out, netip.PrefixFrom(addr(a.Address), t.Prefix().Bits()).String())
			}
		}
	}
	return out
}

// plugged are the ports that compute plugged into servers.
func plugged(servers ...string) Query { return Every("device_id", servers...).And("attached", "true") }

// PortsOf reads the ports of many servers at once, by server, oldest first.
func (n *Networking) PortsOf(ctx context.Context, servers ...string) (map[string][]ServerPort, error) {
	out := map[string][]ServerPort{}
	if len(servers) == 0 {
		return out, nil
	}
	ports, err := n.store.Ports().List(ctx, plugged(servers...))
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(ports, func(a, b Port) int { return a.CreatedAt.Compare(b.CreatedAt) })
	all, err := n.serverPorts(ctx, ports)
	for _, p := range all {
		out[p.DeviceID] = append(out[p.DeviceID], p)
	}
	return out, err
}

// PortsNamed reads ports by their ids, in the order of the ids; missing ones are left out.
func (n *Networking) PortsNamed(ctx context.Context, ids ...string) ([]ServerPort, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	ports, err := n.store.Ports().List(ctx, Every("id", ids...))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(ports, func(a, b Port) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
	return n.serverPorts(ctx, ports)
}

func (n *Networking) serverPorts(ctx context.Context, ports []Port) ([]ServerPort, error) {
	if len(ports) == 0 {
		return nil, nil
	}
	var ids, networks, subnets, groups []string
	for _, p := range ports {
		ids, networks, groups = append(ids, p.ID), append(networks, p.NetworkID), append(groups, p.SecurityGroups...)
		for _, f := range p.FixedIPs {
			subnets = append(subnets, f.SubnetID)
		}
	}
	nets, err := byID(ctx, n.store.Networks(), networks, func(x *Network) string { return x.ID })
	if err != nil {
		return nil, err
	}
	subs, err := byID(ctx, n.store.Subnets(), subnets, func(x *Subnet) string { return x.ID })
	if err != nil {
		return nil, err
	}
	sgs, err := byID(ctx, n.store.SecurityGroups(), groups, func(x *SecurityGroup) string { return x.ID })
	if err != nil {
		return nil, err
	}
	q := Every("port_id", ids...)
	q.Bare = true
	fips, err := n.store.FloatingIPs().List(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make([]ServerPort, len(ports))
	for i := range ports {
		out[i] = serverPort(&ports[i], nets, subs, sgs, fips)
	}
	return out, nil
}

func byID[T any](ctx context.Context, t Table[T], ids []string, id func(*T) string) (map[string]*T, error) {
	out := map[string]*T{}
	if len(ids) == 0 {
		return out, nil
	}
	q := Every("id", slices.Compact(slices.Sorted(slices.Values(ids)))...)
	q.Bare = true
	rows, err := t.List(ctx, q)
	for i := range rows {
		out[id(&rows[i])] = &rows[i]
	}
	return out, err
}

func serverPort(p *Port, nets map[string]*Network, subs map[string]*Subnet, sgs map[string]*SecurityGroup, fips []FloatingIP) ServerPort {
	out := ServerPort{ID: p.ID, DeviceID: p.DeviceID, NetworkID: p.NetworkID, ProjectID: p.ProjectID, MAC: p.MAC, Status: p.Status, Host: p.Host, VNICType: p.VNICType,
		Name: p.Name, OfServer: p.OfServer, PortSecurity: p.PortSecurity, AdminStateUp: p.AdminStateUp, DNSName: p.DNSName, SecurityGroupIDs: p.SecurityGroups}
	if net := nets[p.NetworkID]; net != nil {
		out.NetworkName, out.MTU = net.Name, net.MTU
	}
	for _, id := range p.SecurityGroups {
		if g := sgs[id]; g != nil {
			out.SecurityGroups = append(out.SecurityGroups, g.Name)
		}
	}
	for _, f := range p.FixedIPs {
		a := ServerAddress{Address: f.Address, SubnetID: f.SubnetID, Version: 6}
		if addr(f.Address).Is4() {
			a.Version = 4
		}
		for _, x := range fips {
			if x.PortID == p.ID && x.FixedIP == f.Address {
				a.Floating = append(a.Floating, x.Address)
			}
		}
		out.Addresses = append(out.Addresses, a)
		if t := subs[f.SubnetID]; t != nil && !slices.ContainsFunc(out.Subnets, func(o Subnet) bool { return o.ID == t.ID }) {
			out.Subnets = append(out.Subnets, *t)
		}
	}
	return out
}
