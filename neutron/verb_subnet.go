package neutron

import (
	"context"
	"net/netip"
	"slices"
)

// Subnets are those that the caller may see.
func (n *Networking) Subnets(ctx context.Context, q Query) ([]Subnet, error) {
	return n.store.Subnets().List(ctx, asker(ctx, q))
}

// Subnet is one that the caller may see.
func (n *Networking) Subnet(ctx context.Context, id string) (*Subnet, error) {
	return see(ctx, n.store.Subnets(), "subnet", id)
}

// CreateSubnet gives a network a range of addresses, named or out of a pool.
func (n *Networking) CreateSubnet(ctx context.Context, s SubnetSpec) (out *Subnet, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		net, err := see(ctx, n.store.Networks(), "network", s.NetworkID)
		if err != nil {
			return err
		}
		if err := n.room(ctx, s.ProjectID, "subnet", 1); err != nil {
			return err
		}
		t := Subnet{Base: n.base(s.Common, 0), NetworkID: net.ID, IPVersion: s.IPVersion, EnableDHCP: true, Shared: net.Shared, External: net.External, NetworkProject: net.ProjectID}
		s.apply(&t)
		if err := n.place(ctx, &t, s); err != nil {
			return err
		}
		if err := n.ranges(&t, s); err != nil {
			return err
		}
		if err := n.alone(ctx, &t); err != nil {
			return err
		}
		out = &t
		return n.addSubnet(ctx, net, &t)
	})
	return out, err
}

// place finds the subnet's range: the one asked for, or one of a pool.
func (n *Networking) place(ctx context.Context, t *Subnet, s SubnetSpec) error {
	pool := s.SubnetpoolID.Or("")
	if s.UseDefault.Or(false) && pool == "" {
		p, err := n.defaultPool(ctx, s.IPVersion)
		if err != nil {
			return err
		}
		pool = p
	}
	if pool == "" {
		if s.CIDR.Or("") == "" {
			return bad("subnets", "a subnetpool must be specified in the absence of a cidr")
		}
		if s.Prefixlen.Set && !s.Prefixlen.Null {
			return bad("subnets", "prefixlen can only be specified with a subnetpool")
		}
		p, err := ParseCIDR(s.CIDR.Value)
		if err != nil {
			return err
		}
		t.CIDR = p.String()
	} else if err := n.fromPool(ctx, t, pool, s); err != nil {
		return err
	}
	if t.Prefix().Addr().Is4() != (t.IPVersion == 4) {
		return invalid("cidr '%s' does not match the ip_version '%d'", t.CIDR, t.IPVersion)
	}
	return nil
}

// ranges sets gateway and allocation pools, and checks them.
func (n *Networking) ranges(t *Subnet, s SubnetSpec) error {
	p := t.Prefix()
	if p.Addr().IsMulticast() || p.Addr().IsLoopback() {
		return invalid("Multicast IP subnet is not supported if enable_dhcp is True")
	}
	if t.EnableDHCP && (p.Addr().Is4() && p.Bits() > 30 || p.Addr().Is6() && p.Bits() > 126) && len(s.Pools.Value) == 0 && p.Bits() == p.Addr().BitLen() {
		return invalid("Subnet has a prefix length that is incompatible with DHCP service enabled")
	}
	switch {
	case s.GatewayIP.Set && !s.GatewayIP.Null:
		g, err := netip.ParseAddr(s.GatewayIP.Value)
		if err != nil {
			return invalid("'%s' is not a valid IP address", s.GatewayIP.Value)
		}
		t.GatewayIP = g.String()
	case !s.GatewayIP.Set:
		t.GatewayIP = firstHost(p).String()
	}
	if len(s.Pools.Value) == 0 {
		t.Pools = defaultPools(p, addr(t.GatewayIP))
		return t.check()
	}
	pools, err := checkPools(p, s.Pools.Value)
	if err != nil {
		return err
	}
	t.Pools = pools
	return t.check()
}

// alone: the subnets of a network share no addresses.
func (n *Networking) alone(ctx context.Context, t *Subnet) error {
	others, err := n.store.Subnets().List(ctx, Every("network_id", t.NetworkID))
	if err != nil {
		return err
	}
	if o := t.overlaps(others); o != nil {
		return invalid("Requested subnet with cidr: %s for network: %s overlaps with another subnet", t.CIDR, t.NetworkID)
	}
	return nil
}

// UpdateSubnet changes what guests are told, and which addresses are given out.
func (n *Networking) UpdateSubnet(ctx context.Context, id string, s SubnetSpec) (out *Subnet, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		t, err := see(ctx, n.store.Subnets(), "subnet", id)
		if err != nil {
			return err
		}
		if err := n.moveGateway(ctx, t, s.GatewayIP); err != nil {
			return err
		}
		s.apply(t)
		if s.Pools.Set {
			if t.Pools, err = checkPools(t.Prefix(), s.Pools.Value); err != nil {
				return err
			}
		}
		if err := t.check(); err != nil {
			return err
		}
		t.touch(n.store.Now())
		if err := n.store.Subnets().Save(ctx, t); err != nil {
			return err
		}
		out = t
		return n.afterSubnet(ctx, t)
	})
	return out, err
}

func (n *Networking) moveGateway(ctx context.Context, t *Subnet, want Maybe[string]) error {
	if !want.Set || want.Value == t.GatewayIP {
		return nil
	}
	if t.GatewayIP != "" {
		ports, err := n.store.Ports().List(ctx, Every("fixed_ips", "subnet_id="+t.ID).And("device_owner", OwnerRouter))
		if err != nil {
			return err
		}
		for _, p := range ports {
			if slices.Contains(p.FixedIPs, FixedIP{t.ID, t.GatewayIP}) {
				return conflict("GatewayIpInUse", "Current gateway ip %s already in use by port %s. Unable to update.", t.GatewayIP, p.ID)
			}
		}
	}
	t.GatewayIP = want.Value
	return nil
}

// afterSubnet lets network, metadata port and routers follow a changed subnet.
func (n *Networking) afterSubnet(ctx context.Context, t *Subnet) error {
	net, err := get(ctx, n.store.Networks(), "network", t.NetworkID)
	if err != nil {
		return err
	}
	if err := n.bump(ctx, net); err != nil {
		return err
	}
	if err := n.metadataPort(ctx, net); err != nil {
		return err
	}
	routers, err := n.store.Ports().List(ctx, Every("fixed_ips", "subnet_id="+t.ID).And("device_owner", OwnerRouter, OwnerGateway))
	for _, p := range routers {
		n.changed(ctx, "router/"+p.DeviceID)
	}
	return err
}

// DeleteSubnet takes a subnet away when nobody has an address of it.
func (n *Networking) DeleteSubnet(ctx context.Context, id string) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		t, err := see(ctx, n.store.Subnets(), "subnet", id)
		if err != nil {
			return err
		}
		ports, err := n.store.Ports().List(ctx, Every("fixed_ips", "subnet_id="+id))
		if err != nil {
			return err
		}
		for i := range ports {
			p := &ports[i]
			if !p.swept() && (!t.Auto() || p.OfNetwork()) {
				return conflict("SubnetInUse", "Unable to complete operation on subnet %s: One or more ports have an IP allocation from this subnet.", id)
			}
			p.FixedIPs = slices.DeleteFunc(p.FixedIPs, func(f FixedIP) bool { return f.SubnetID == id })
			if err := n.savePort(ctx, p); err != nil {
				return err
			}
		}
		if err := n.store.Subnets().Delete(ctx, id); err != nil {
			return err
		}
		net, err := get(ctx, n.store.Networks(), "network", t.NetworkID)
		if err != nil {
			return err
		}
		if err := n.bump(ctx, net); err != nil {
			return err
		}
		return n.metadataPort(ctx, net)
	})
}
