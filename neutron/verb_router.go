package neutron

import (
	"context"
	"slices"

	"stackd/internal/fault"
)

// Routers are those that the caller may see.
func (n *Networking) Routers(ctx context.Context, q Query) ([]Router, error) {
	return n.store.Routers().List(ctx, asker(ctx, q))
}

// Router is one that the caller may see.
func (n *Networking) Router(ctx context.Context, id string) (*Router, error) {
	return see(ctx, n.store.Routers(), "router", id)
}

// CreateRouter makes a router, with a way out if one is asked for.
func (n *Networking) CreateRouter(ctx context.Context, s RouterSpec) (out *Router, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		if err := n.room(ctx, s.ProjectID, "router", 1); err != nil {
			return err
		}
		r := Router{Base: n.base(s.Common, 1), AdminStateUp: true, EnableSNAT: true}
		s.apply(&r)
		if err := n.store.Routers().Insert(ctx, &r); err != nil {
			return err
		}
		out = &r
		if s.Gateway.Value.NetworkID == "" {
			n.changed(ctx, "router/"+r.ID)
			return nil
		}
		if err := n.setGateway(ctx, &r, s.Gateway.Value); err != nil {
			return err
		}
		return n.saveRouter(ctx, &r)
	})
	return out, err
}

func (n *Networking) saveRouter(ctx context.Context, r *Router) error {
	r.touch(n.store.Now())
	n.changed(ctx, "router/"+r.ID)
	return n.store.Routers().Save(ctx, r)
}

// UpdateRouter changes a router, its way out or its routes.
func (n *Networking) UpdateRouter(ctx context.Context, id string, s RouterSpec) (out *Router, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		r, err := see(ctx, n.store.Routers(), "router", id)
		if err != nil {
			return err
		}
		s.apply(r)
		if s.Gateway.Set {
			if err := n.setGateway(ctx, r, s.Gateway.Value); err != nil {
				return err
			}
		}
		if s.Routes.Set {
			if err := n.setRoutes(ctx, r, s.Routes.Value); err != nil {
				return err
			}
		}
		out = r
		return n.saveRouter(ctx, r)
	})
	return out, err
}

// AddRoutes adds routes, and RemoveRoutes takes some away; both leave the others.
func (n *Networking) AddRoutes(ctx context.Context, id string, more []Route) (*Router, error) {
	return n.editRoutes(ctx, id, func(have []Route) []Route {
		for _, r := range more {
			if !slices.Contains(have, r) {
				have = append(have, r)
			}
		}
		return have
	})
}

// RemoveRoutes takes routes away.
func (n *Networking) RemoveRoutes(ctx context.Context, id string, less []Route) (*Router, error) {
	return n.editRoutes(ctx, id, func(have []Route) []Route {
		return slices.DeleteFunc(have, func(r Route) bool { return slices.Contains(less, r) })
	})
}

func (n *Networking) editRoutes(ctx context.Context, id string, edit func([]Route) []Route) (out *Router, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		r, err := see(ctx, n.store.Routers(), "router", id)
		if err != nil {
			return err
		}
		if err := n.setRoutes(ctx, r, edit(slices.Clone(r.Routes))); err != nil {
			return err
		}
		out = r
		return n.saveRouter(ctx, r)
	})
	return out, err
}

func (n *Networking) setRoutes(ctx context.Context, r *Router, routes []Route) error {
	ports, subnets, err := n.attached(ctx, r.ID)
	if err != nil {
		return err
	}
	var own []string
	for _, p := range ports {
		own = append(own, p.Addresses()...)
	}
	if err := checkRoutes(r.ID, routes, subnets, own); err != nil {
		return err
	}
	r.Routes = routes
	return nil
}

// attached are a router's ports and the subnets they have addresses on.
func (n *Networking) attached(ctx context.Context, router string) ([]Port, []Subnet, error) {
	ports, err := n.store.Ports().List(ctx, Every("device_id", router).And("device_owner", OwnerRouter, OwnerGateway))
	if err != nil || len(ports) == 0 {
		return nil, nil, err
	}
	var ids []string
	for _, p := range ports {
		for _, f := range p.FixedIPs {
			ids = append(ids, f.SubnetID)
		}
	}
	subnets, err := n.store.Subnets().List(ctx, Every("id", ids...))
	return ports, subnets, err
}

// setGateway gives the router a way out by an external network, or takes it away.
func (n *Networking) setGateway(ctx context.Context, r *Router, g Gateway) error {
	if g.EnableSNAT.Set {
		r.EnableSNAT = g.EnableSNAT.Value
	} else if g.NetworkID == "" || g.NetworkID != r.GatewayNetworkID {
		r.EnableSNAT = true
	}
	if g.NetworkID == r.GatewayNetworkID && (!g.FixedIPs.Set || g.NetworkID == "") {
		return nil
	}
	if r.GatewayPortID != "" {
		if err := n.dropGateway(ctx, r, g.NetworkID); err != nil {
			return err
		}
	}
	if g.NetworkID == "" {
		return nil
	}
	net, err := see(ctx, n.store.Networks(), "network", g.NetworkID)
	if err != nil {
		return err
	}
	if !net.External {
		return bad("router", "Network %s is not an external network", net.ID)
	}
	if err := n.checkOutside(ctx, r, net.ID); err != nil {
		return err
	}
	p, err := n.addPort(ctx, net, PortSpec{DeviceID: Some(r.ID), DeviceOwner: Some(OwnerGateway), FixedIPs: g.FixedIPs})
	if err != nil {
		return outsideFull(err, net.ID)
	}
	r.GatewayNetworkID, r.GatewayPortID, r.GatewayIPs = net.ID, p.ID, p.FixedIPs
	return nil
}

// checkOutside: the outside must not overlap with what the router has inside.
func (n *Networking) checkOutside(ctx context.Context, r *Router, network string) error {
	_, inside, err := n.attached(ctx, r.ID)
	if err != nil {
		return err
	}
	outside, err := n.store.Subnets().List(ctx, Every("network_id", network))
	if err != nil {
		return err
	}
	for _, o := range outside {
		for _, i := range inside {
			if i.NetworkID != network && o.Prefix().Overlaps(i.Prefix()) {
				return bad("router", "Cidr %s of subnet %s overlaps with cidr %s of subnet %s", o.CIDR, o.ID, i.CIDR, i.ID)
			}
		}
	}
	return nil
}

func outsideFull(err error, network string) error {
	if f := fault.Of(err); f != nil && f.Type == "IpAddressGenerationFailure" {
		return badValue("ExternalIpAddressExhausted", "Unable to find any IP address on external network %s.", network)
	}
	return err
}

func (n *Networking) dropGateway(ctx context.Context, r *Router, next string) error {
	fips, err := n.store.FloatingIPs().Count(ctx, Every("router_id", r.ID).And("floating_network_id", r.GatewayNetworkID))
	if err != nil {
		return err
	}
	if fips > 0 && next != r.GatewayNetworkID {
		return conflict("RouterExternalGatewayInUseByFloatingIp", "Gateway cannot be updated for router %s, since a gateway to external network %s is required by one or more floating IPs.", r.ID, r.GatewayNetworkID)
	}
	n.changed(ctx, "network/"+r.GatewayNetworkID)
	if err := n.store.Ports().Delete(ctx, r.GatewayPortID); err != nil {
		return err
	}
	r.GatewayNetworkID, r.GatewayPortID, r.GatewayIPs = "", "", nil
	return nil
}

// DeleteRouter takes a router away that has no interfaces.
func (n *Networking) DeleteRouter(ctx context.Context, id string) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		r, err := see(ctx, n.store.Routers(), "router", id)
		if err != nil {
			return err
		}
		used, err := n.store.Ports().Count(ctx, Every("device_id", id).And("device_owner", OwnerRouter))
		if err != nil {
			return err
		}
		if used > 0 {
			return conflict("RouterInUse", "Router %s still has ports", id)
		}
		if r.GatewayPortID != "" {
			if err := n.dropGateway(ctx, r, ""); err != nil {
				return err
			}
		}
		n.changed(ctx, "router/"+id)
		return n.store.Routers().Delete(ctx, id)
	})
}
