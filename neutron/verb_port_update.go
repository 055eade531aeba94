package neutron

import (
	"context"
	"slices"
)

// UpdatePort changes a port.
func (n *Networking) UpdatePort(ctx context.Context, id string, s PortSpec) (out *Port, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		p, err := see(ctx, n.store.Ports(), "port", id)
		if err != nil {
			return err
		}
		if err := s.checkOwner(p); err != nil {
			return err
		}
		old := slices.Clone(p.SecurityGroups)
		p.Attached = p.Attached && (!s.DeviceID.Set || s.DeviceID.Value == p.DeviceID)
		s.apply(p)
		if err := n.rebind(p, s.Host); err != nil {
			return err
		}
		if err := n.remac(ctx, p, s.MAC); err != nil {
			return err
		}
		if s.SecurityGroups.Set {
			if p.SecurityGroups, err = n.groups(ctx, p, s.SecurityGroups.Value); err != nil {
				return err
			}
		}
		if err := p.check(); err != nil {
			return err
		}
		if err := n.readdress(ctx, p, s.FixedIPs); err != nil {
			return err
		}
		n.portChanged(ctx, p, old)
		out = p
		return n.savePort(ctx, p)
	})
	return out, err
}

func (n *Networking) savePort(ctx context.Context, p *Port) error {
	p.touch(n.store.Now())
	n.portChanged(ctx, p, p.SecurityGroups)
	return n.store.Ports().Save(ctx, p)
}

// rebind moves a port to another host; it is down until it comes up there.
func (n *Networking) rebind(p *Port, host Maybe[string]) error {
	if !host.Set || host.Value == p.Host {
		return nil
	}
	p.Host = host.Value
	p.Status = firstStatus(p)
	return nil
}

func (n *Networking) remac(ctx context.Context, p *Port, want Maybe[string]) error {
	m, ok := ParseMAC(want.Value)
	if !want.Set || want.Null || ok && m == p.MAC {
		return nil
	}
	if p.Bound() {
		return conflict("PortBound", "Unable to complete operation on port %s, port is already bound, port type: ovs, old_mac %s, new_mac %s.", p.ID, p.MAC, want.Value)
	}
	return n.chooseMAC(ctx, p, want)
}

// readdress changes the addresses; floating IPs of those that go become free.
func (n *Networking) readdress(ctx context.Context, p *Port, want Maybe[[]FixedIP]) error {
	if !want.Set {
		return nil
	}
	subnets, err := n.store.Subnets().List(ctx, Every("network_id", p.NetworkID).Alone())
	if err != nil {
		return err
	}
	for i, w := range want.Value { // a subnet alone keeps an address that the port has there
		j := slices.IndexFunc(p.FixedIPs, func(f FixedIP) bool {
			return f.SubnetID == w.SubnetID && !slices.ContainsFunc(want.Value, func(o FixedIP) bool { return o.Address == f.Address })
		})
		if w.Address == "" && j >= 0 {
			want.Value[i] = p.FixedIPs[j]
		}
	}
	got, err := n.allocate(ctx, p, subnets, Maybe[[]FixedIP]{Set: true, Value: want.Value})
	if err != nil {
		return err
	}
	p.FixedIPs = got
	return n.freeFloating(ctx, p.ID, p.Addresses())
}

// DeletePort unplugs; what belongs to routers and floating IPs goes with them only.
func (n *Networking) DeletePort(ctx context.Context, id string) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		p, err := see(ctx, n.store.Ports(), "port", id)
		if err != nil {
			return err
		}
		switch p.DeviceOwner {
		case OwnerRouter, OwnerGateway, OwnerFloatingIP:
			return conflict("ServicePortInUse", "Port %s cannot be deleted directly via the port API: has device owner %s.", id, p.DeviceOwner)
		}
		return n.dropPort(ctx, p)
	})
}

func (n *Networking) dropPort(ctx context.Context, p *Port) error {
	if err := n.freeFloating(ctx, p.ID, nil); err != nil {
		return err
	}
	n.portChanged(ctx, p, p.SecurityGroups)
	return n.store.Ports().Delete(ctx, p.ID)
}

// PortUp is what the fabric says of a port: whether it is plugged in and carries
// packets. Whoever waits for it is told when that is news.
func (n *Networking) PortUp(ctx context.Context, id string, up bool) error {
	news := false
	err := n.store.Tx(ctx, func(ctx context.Context) error {
		rows, err := n.store.Ports().List(ctx, Every("id", id))
		if err != nil || len(rows) == 0 {
			return err
		}
		p := rows[0]
		if p.OfNetwork() && p.DeviceOwner != OwnerMetadata {
			return nil
		}
		status := Down
		if up && (p.Bound() || p.OfNetwork()) {
			status = Active
		}
		news, err = n.store.SetPortStatus(ctx, id, status)
		return err
	})
	if err == nil && news {
		for _, f := range n.onPortUp {
			f(id, up)
		}
	}
	return err
}
