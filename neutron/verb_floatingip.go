package neutron

import (
	"context"
	"slices"

	"stackd/internal/fault"
)

// FloatingIPs are those that the caller may see.
func (n *Networking) FloatingIPs(ctx context.Context, q Query) ([]FloatingIP, error) {
	return n.store.FloatingIPs().List(ctx, asker(ctx, q))
}

// FloatingIP is one that the caller may see.
func (n *Networking) FloatingIP(ctx context.Context, id string) (*FloatingIP, error) {
	return see(ctx, n.store.FloatingIPs(), "floatingip", id)
}

// CreateFloatingIP takes an address of an external network, and lends it to a port
// if one is named.
func (n *Networking) CreateFloatingIP(ctx context.Context, s FloatingIPSpec) (out *FloatingIP, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		if err := n.room(ctx, s.ProjectID, "floatingip", 1); err != nil {
			return err
		}
		net, err := see(ctx, n.store.Networks(), "network", s.NetworkID)
		if err != nil {
			return err
		}
		if !net.External {
			return bad("floatingip", "Network %s is not a valid external network", net.ID)
		}
		f := FloatingIP{Base: n.base(s.Common, 0), NetworkID: net.ID, Status: Down, DNSName: s.DNSName.Or(""), DNSDomain: s.DNSDomain.Or("")}
		if err := n.outsideAddress(ctx, net, &f, s); err != nil {
			return err
		}
		if err := n.associate(ctx, &f, s); err != nil {
			return err
		}
		out = &f
		return n.store.FloatingIPs().Insert(ctx, &f)
	})
	return out, err
}

// outsideAddress makes the floating IP's own port, which holds its address.
func (n *Networking) outsideAddress(ctx context.Context, net *Network, f *FloatingIP, s FloatingIPSpec) error {
	subnets, err := n.store.Subnets().List(ctx, Every("network_id", net.ID).And("ip_version", "4"))
	if err != nil {
		return err
	}
	want := FixedIP{SubnetID: s.SubnetID.Or(""), Address: s.Address.Or("")}
	spec := PortSpec{DeviceOwner: Some(OwnerFloatingIP), DeviceID: Some(f.ID)}
	var p *Port
	err = badValue("ExternalIpAddressExhausted", "Unable to find any IP address on external network %s.", net.ID)
	if want != (FixedIP{}) {
		spec.FixedIPs = Some([]FixedIP{want})
		p, err = n.addPort(ctx, net, spec)
	} else {
		for _, t := range subnets {
			if !t.serves(OwnerFloatingIP) {
				continue
			}
			spec.FixedIPs = Some([]FixedIP{{SubnetID: t.ID}})
			if p, err = n.addPort(ctx, net, spec); err == nil || fault.Of(err) == nil {
				break
			}
		}
	}
	if err != nil {
		return outsideFull(err, net.ID)
	}
	f.OwnPortID, f.Address = p.ID, p.FixedIPs[0].Address
	return nil
}

// associate lends the address to a port, or takes it back, as the request says.
func (n *Networking) associate(ctx context.Context, f *FloatingIP, s FloatingIPSpec) error {
	if s.FixedIP.Or("") != "" && s.PortID.Or("") == "" && (s.PortID.Set || f.PortID == "") {
		return bad("floatingip", "fixed_ip_address cannot be specified without a port_id")
	}
	if !s.PortID.Set && !s.FixedIP.Set {
		return nil
	}
	if f.RouterID != "" {
		n.changed(ctx, "router/"+f.RouterID)
	}
	id := s.PortID.Or("")
	if !s.PortID.Set {
		id = f.PortID
	}
	f.PortID, f.FixedIP, f.RouterID, f.Status, f.Port = "", "", "", Down, nil
	if id == "" {
		return nil
	}
	p, err := see(ctx, n.store.Ports(), "port", id)
	if err != nil {
		return err
	}
	if p.ProjectID != f.ProjectID && !adminCaller(ctx) {
		return bad("floatingip", "Cannot process floating IP association with Port %s, since that port is owned by a different tenant.", p.ID)
	}
	inside, err := insideAddress(p, s.FixedIP.Or(""))
	if err != nil {
		return err
	}
	return n.lend(ctx, f, p, inside)
}

// insideAddress is the port's address that the floating IP stands for.
func insideAddress(p *Port, want string) (FixedIP, error) {
	var v4 []FixedIP
	for _, x := range p.FixedIPs {
		if addr(x.Address).Is4() {
			v4 = append(v4, x)
		}
	}
	if want != "" {
		i := slices.IndexFunc(v4, func(x FixedIP) bool { return x.Address == addr(want).String() })
		if i < 0 {
			return FixedIP{}, bad("floatingip", "Port %s does not have fixed ip %s", p.ID, want)
		}
		return v4[i], nil
	}
	switch len(v4) {
	case 0:
		return FixedIP{}, bad("floatingip", "Cannot add floating IP to port %s that has no fixed IPv4 addresses", p.ID)
	case 1:
		return v4[0], nil
	}
	return FixedIP{}, bad("floatingip", "Port %s has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when assigning a floating IP", p.ID)
}

// lend finds the router between inside and outside, and checks that the address
// inside has no floating IP of this network yet.
func (n *Networking) lend(ctx context.Context, f *FloatingIP, p *Port, inside FixedIP) error {
	others, err := n.store.FloatingIPs().List(ctx, Every("port_id", p.ID).And("fixed_ip_address", inside.Address).And("floating_network_id", f.NetworkID))
	if err != nil {
		return err
	}
	if slices.ContainsFunc(others, func(o FloatingIP) bool { return o.ID != f.ID }) {
		return conflict("FloatingIPPortAlreadyAssociated", "Cannot associate floating IP %s (%s) with port %s using fixed IP %s, as that fixed IP already has a floating IP on external network %s.",
			f.Address, f.ID, p.ID, inside.Address, f.NetworkID)
	}
	ports, err := n.store.Ports().List(ctx, Every("fixed_ips", "subnet_id="+inside.SubnetID).And("device_owner", OwnerRouter))
	if err != nil {
		return err
	}
	var ids []string
	for _, q := range ports {
		ids = append(ids, q.DeviceID)
	}
	var routers []Router
	if len(ids) > 0 {
		if routers, err = n.store.Routers().List(ctx, Every("id", ids...)); err != nil {
			return err
		}
	}
	for _, r := range routers {
		if r.GatewayNetworkID == f.NetworkID {
			f.PortID, f.FixedIP, f.RouterID, f.Status, f.Port = p.ID, inside.Address, r.ID, Active, p
			n.changed(ctx, "router/"+r.ID)
			return nil
		}
	}
	return fault.New(fault.NotFound, "External network %s is not reachable from subnet %s.  Therefore, cannot associate Port %s with a Floating IP.", f.NetworkID, inside.SubnetID, p.ID).Named("ExternalGatewayForFloatingIPNotFound")
}

// UpdateFloatingIP lends the address to another port, or to none.
func (n *Networking) UpdateFloatingIP(ctx context.Context, id string, s FloatingIPSpec) (out *FloatingIP, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		f, err := see(ctx, n.store.FloatingIPs(), "floatingip", id)
		if err != nil {
			return err
		}
		if s.blank() {
			s.PortID = Maybe[string]{Set: true, Null: true}
		}
		s.Common.apply(&f.Base)
		if err := n.associate(ctx, f, s); err != nil {
			return err
		}
		f.touch(n.store.Now())
		out = f
		return n.store.FloatingIPs().Save(ctx, f)
	})
	return out, err
}

// DeleteFloatingIP gives the address back.
func (n *Networking) DeleteFloatingIP(ctx context.Context, id string) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		f, err := see(ctx, n.store.FloatingIPs(), "floatingip", id)
		if err != nil {
			return err
		}
		if f.RouterID != "" {
			n.changed(ctx, "router/"+f.RouterID)
		}
		n.changed(ctx, "network/"+f.NetworkID)
		if err := n.store.FloatingIPs().Delete(ctx, id); err != nil {
			return err
		}
		return n.store.Ports().Delete(ctx, f.OwnPortID)
	})
}

// freeFloating takes back the floating IPs of a port but for the addresses it keeps.
func (n *Networking) freeFloating(ctx context.Context, port string, keep []string) error {
	fips, err := n.store.FloatingIPs().List(ctx, Every("port_id", port).Alone())
	if err != nil {
		return err
	}
	for i := range fips {
		f := &fips[i]
		if slices.Contains(keep, f.FixedIP) {
			continue
		}
		n.changed(ctx, "router/"+f.RouterID)
		f.PortID, f.FixedIP, f.RouterID, f.Status = "", "", "", Down
		f.touch(n.store.Now())
		if err := n.store.FloatingIPs().Save(ctx, f); err != nil {
			return err
		}
	}
	return nil
}
