package neutron

import (
	"context"
	"slices"
	"strings"

	"stackd/internal/fault"
)

// AddInterface joins a subnet, or a port made before, to a router.
func (n *Networking) AddInterface(ctx context.Context, router string, s InterfaceSpec) (out Interface, err error) {
	if (s.SubnetID == "") == (s.PortID == "") {
		if s.SubnetID == "" {
			return out, bad("router", "Either subnet_id or port_id must be specified")
		}
		return out, bad("router", "Cannot specify both subnet-id and port-id")
	}
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		r, err := see(ctx, n.store.Routers(), "router", router)
		if err != nil {
			return err
		}
		ports, subnets, err := n.attached(ctx, r.ID)
		if err != nil {
			return err
		}
		var p *Port
		if s.PortID != "" {
			p, err = n.joinPort(ctx, r, s.PortID, subnets)
		} else {
			p, err = n.joinSubnet(ctx, r, s.SubnetID, ports, subnets)
		}
		if err != nil {
			return err
		}
		out = answer(r, p, s.SubnetID)
		return n.saveRouter(ctx, r)
	})
	return out, err
}

func answer(r *Router, p *Port, subnet string) Interface {
	i := Interface{RouterID: r.ID, ProjectID: r.ProjectID, PortID: p.ID, NetworkID: p.NetworkID, SubnetID: subnet}
	if subnet == "" && len(p.FixedIPs) > 0 {
		i.SubnetID = p.FixedIPs[0].SubnetID
	}
	i.SubnetIDs = []string{i.SubnetID}
	return i
}

// joinPort makes a port, that nobody has, the router's.
func (n *Networking) joinPort(ctx context.Context, r *Router, id string, have []Subnet) (*Port, error) {
	p, err := see(ctx, n.store.Ports(), "port", id)
	if err != nil {
		return nil, err
	}
	if p.DeviceID != "" {
		return nil, portInUse(p)
	}
	if len(p.FixedIPs) == 0 {
		return nil, bad("router", "Router port must have at least one fixed IP")
	}
	v4 := 0
	for _, f := range p.FixedIPs {
		t, err := get(ctx, n.store.Subnets(), "subnet", f.SubnetID)
		if err != nil {
			return nil, err
		}
		if t.IPVersion == 4 {
			v4++
		}
		if err := apart(t, have); err != nil {
			return nil, err
		}
	}
	if v4 > 1 {
		return nil, bad("router", "Cannot have multiple IPv4 subnets on router port")
	}
	groups := p.SecurityGroups
	p.DeviceID, p.DeviceOwner, p.Status = r.ID, OwnerRouter, Active
	p.SecurityGroups, p.PortSecurity, p.AddressPairs = nil, false, nil
	n.portChanged(ctx, p, groups)
	return p, n.savePort(ctx, p)
}

// joinSubnet gives the router the subnet's gateway address. The IPv6 subnets of a
// network share one port of the router.
func (n *Networking) joinSubnet(ctx context.Context, r *Router, id string, ports []Port, have []Subnet) (*Port, error) {
	t, err := see(ctx, n.store.Subnets(), "subnet", id)
	if err != nil {
		return nil, err
	}
	if t.GatewayIP == "" {
		return nil, bad("router", "Subnet for router interface must have a gateway IP")
	}
	if t.IPVersion == 6 && t.RAMode == "" && t.AddressMode != "" {
		return nil, bad("router", "IPv6 subnet %s configured to receive RAs from an external router cannot be added to Neutron Router.", t.ID)
	}
	if err := apart(t, have); err != nil {
		return nil, err
	}
	net, err := get(ctx, n.store.Networks(), "network", t.NetworkID)
	if err != nil {
		return nil, err
	}
	if !mine(ctx, net.ProjectID) && !mine(ctx, t.ProjectID) {
		return nil, fault.New(fault.Forbidden, "Not authorized to use the gateway address of subnet %s.", t.ID).Named("NotAuthorized")
	}
	want := FixedIP{t.ID, t.GatewayIP}
	if p := sixOn(ports, t); p != nil {
		f, err := n.address(ctx, p, t, t.GatewayIP, p.FixedIPs)
		if err != nil {
			return nil, err
		}
		p.FixedIPs = append(p.FixedIPs, f)
		return p, n.savePort(ctx, p)
	}
	if err := n.room(ctx, r.ProjectID, "port", 1); err != nil {
		return nil, err
	}
	return n.addPort(ctx, net, PortSpec{Common: Common{ProjectID: r.ProjectID}, DeviceID: Some(r.ID), DeviceOwner: Some(OwnerRouter), FixedIPs: Some([]FixedIP{want})})
}

// sixOn is the router's port for the network's IPv6 subnets.
func sixOn(ports []Port, t *Subnet) *Port {
	if t.IPVersion != 6 {
		return nil
	}
	i := slices.IndexFunc(ports, func(p Port) bool {
		return p.NetworkID == t.NetworkID && p.DeviceOwner == OwnerRouter && len(p.FixedIPs) > 0 && !slices.ContainsFunc(p.FixedIPs, func(f FixedIP) bool { return !strings.Contains(f.Address, ":") })
	})
	if i < 0 {
		return nil
	}
	return &ports[i]
}

// apart: the subnets of a router share no addresses.
func apart(t *Subnet, have []Subnet) error {
	for _, o := range have {
		if o.ID == t.ID {
			return bad("router", "Router already has a port on subnet %s", t.ID)
		}
		if o.Prefix().Overlaps(t.Prefix()) {
			return bad("router", "Cidr %s of subnet %s overlaps with cidr %s of subnet %s", t.CIDR, t.ID, o.CIDR, o.ID)
		}
	}
	return nil
}

// RemoveInterface takes a subnet away from a router, by the subnet or the port.
func (n *Networking) RemoveInterface(ctx context.Context, router string, s InterfaceSpec) (out Interface, err error) {
	if s.SubnetID == "" && s.PortID == "" {
		return out, bad("router", "Either subnet_id or port_id must be specified")
	}
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		r, err := see(ctx, n.store.Routers(), "router", router)
		if err != nil {
			return err
		}
		p, err := n.interfacePort(ctx, r, s)
		if err != nil {
			return err
		}
		out = answer(r, p, s.SubnetID)
		if err := n.unneeded(ctx, r, p, s.SubnetID); err != nil {
			return err
		}
		if err := n.leave(ctx, p, s.SubnetID); err != nil {
			return err
		}
		return n.saveRouter(ctx, r)
	})
	return out, err
}

// leave takes the subnet's address from the port, and the port with its last one.
func (n *Networking) leave(ctx context.Context, p *Port, subnet string) error {
	rest := slices.DeleteFunc(slices.Clone(p.FixedIPs), func(f FixedIP) bool { return f.SubnetID == subnet })
	if subnet == "" || len(rest) == 0 {
		return n.dropPort(ctx, p)
	}
	p.FixedIPs = rest
	return n.savePort(ctx, p)
}

func (n *Networking) interfacePort(ctx context.Context, r *Router, s InterfaceSpec) (*Port, error) {
	q := Every("device_id", r.ID).And("device_owner", OwnerRouter)
	if s.PortID != "" {
		q = q.And("id", s.PortID)
	} else if _, err := see(ctx, n.store.Subnets(), "subnet", s.SubnetID); err != nil {
		return nil, err
	}
	ports, err := n.store.Ports().List(ctx, q)
	if err != nil {
		return nil, err
	}
	for i := range ports {
		if s.SubnetID == "" || slices.ContainsFunc(ports[i].FixedIPs, func(f FixedIP) bool { return f.SubnetID == s.SubnetID }) {
			return &ports[i], nil
		}
	}
	if s.PortID != "" && len(ports) == 0 {
		return nil, fault.New(fault.NotFound, "Router %s does not have an interface with id %s", r.ID, s.PortID).Named("RouterInterfaceNotFound")
	}
	if s.PortID != "" {
		return nil, conflict("SubnetMismatchForPort", "Subnet on port %s does not match the requested subnet %s.", s.PortID, s.SubnetID)
	}
	return nil, fault.New(fault.NotFound, "Router %s has no interface on subnet %s", r.ID, s.SubnetID).Named("RouterInterfaceNotFoundForSubnet")
}

// unneeded: no floating IP and no route may go through the interface.
func (n *Networking) unneeded(ctx context.Context, r *Router, p *Port, subnet string) error {
	fips, err := n.store.FloatingIPs().List(ctx, Every("router_id", r.ID))
	if err != nil {
		return err
	}
	for _, f := range p.FixedIPs {
		if subnet != "" && f.SubnetID != subnet {
			continue
		}
		t, err := get(ctx, n.store.Subnets(), "subnet", f.SubnetID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(fips, func(x FloatingIP) bool { return t.Prefix().Contains(addr(x.FixedIP)) }) {
			return conflict("RouterInterfaceInUseByFloatingIP", "Router interface for subnet %s on router %s cannot be deleted, as it is required by one or more floating IPs.", t.ID, r.ID)
		}
		if slices.ContainsFunc(r.Routes, func(x Route) bool { return t.Prefix().Contains(addr(x.Nexthop)) }) {
			return conflict("RouterInterfaceInUseByRoute", "Router interface for subnet %s on router %s cannot be deleted, as it is required by one or more routes.", t.ID, r.ID)
		}
	}
	return nil
}
