package neutron

import (
	"context"
	"strings"
)

// A Topology is all rows that say how packets of some networks, routers and groups
// flow.
type Topology struct {
	Networks    []Network
	Subnets     []Subnet // of the networks, and of the routers' ports
	Ports       []Port   // on the networks, and the routers' own
	Routers     []Router
	FloatingIPs []FloatingIP // of the routers
	Groups      []SecurityGroup
	Members     map[string][]string // group → ids of the ports in it
}

// Topology reads the rows of the keys ("network/ID", "router/ID", "group/ID"); of
// everything when there are none. Keys whose row is gone have nothing in it.
func (n *Networking) Topology(ctx context.Context, keys ...string) (t Topology, err error) {
	if len(keys) == 0 {
		return n.everything(ctx)
	}
	by := map[string][]string{}
	for _, k := range keys {
		kind, id, _ := strings.Cut(k, "/")
		by[kind] = append(by[kind], id)
	}
	t.Members = map[string][]string{}
	for _, step := range []func(context.Context, *Topology, map[string][]string) error{n.topoRouters, n.topoNetworks, n.topoGroups} {
		if err := step(ctx, &t, by); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (n *Networking) everything(ctx context.Context) (t Topology, err error) {
	all := Query{All: true}
	read := func(f func() error) {
		if err == nil {
			err = f()
		}
	}
	read(func() error { t.Networks, err = n.store.Networks().List(ctx, all); return err })
	read(func() error { t.Subnets, err = n.store.Subnets().List(ctx, all); return err })
	read(func() error { t.Ports, err = n.store.Ports().List(ctx, all); return err })
	read(func() error { t.Routers, err = n.store.Routers().List(ctx, all); return err })
	read(func() error { t.FloatingIPs, err = n.store.FloatingIPs().List(ctx, all); return err })
	read(func() error { t.Groups, err = n.store.SecurityGroups().List(ctx, all); return err })
	t.Members = membersOf(t.Ports)
	return t, err
}

func membersOf(ports []Port) map[string][]string {
	out := map[string][]string{}
	for _, p := range ports {
		for _, g := range p.SecurityGroups {
			out[g] = append(out[g], p.ID)
		}
	}
	return out
}

// topoRouters reads routers, their ports and floating IPs; the ports' networks are
// read with the others.
func (n *Networking) topoRouters(ctx context.Context, t *Topology, by map[string][]string) (err error) {
	ids := by["router"]
	if len(ids) == 0 {
		return nil
	}
	if t.Routers, err = n.store.Routers().List(ctx, Every("id", ids...)); err != nil {
		return err
	}
	if t.FloatingIPs, err = n.store.FloatingIPs().List(ctx, Every("router_id", ids...)); err != nil {
		return err
	}
	ports, err := n.store.Ports().List(ctx, Every("device_id", ids...).And("device_owner", OwnerRouter, OwnerGateway))
	for _, p := range ports {
		if !contains(by["network"], p.NetworkID) {
			by["beside"] = append(by["beside"], p.NetworkID)
			t.Ports = append(t.Ports, p)
		}
	}
	return err
}

func (n *Networking) topoNetworks(ctx context.Context, t *Topology, by map[string][]string) (err error) {
	whole, all := by["network"], append(append([]string{}, by["network"]...), by["beside"]...)
	if len(all) == 0 {
		return nil
	}
	if t.Networks, err = n.store.Networks().List(ctx, Every("id", all...)); err != nil {
		return err
	}
	if t.Subnets, err = n.store.Subnets().List(ctx, Every("network_id", all...)); err != nil || len(whole) == 0 {
		return err
	}
	ports, err := n.store.Ports().List(ctx, Every("network_id", whole...))
	t.Ports = append(t.Ports, ports...)
	return err
}

func (n *Networking) topoGroups(ctx context.Context, t *Topology, by map[string][]string) (err error) {
	ids := by["group"]
	if len(ids) == 0 {
		return nil
	}
	if t.Groups, err = n.store.SecurityGroups().List(ctx, Every("id", ids...)); err != nil {
		return err
	}
	ports, err := n.store.Ports().List(ctx, Every("security_groups", ids...))
	t.Members = membersOf(ports)
	return err
}

// BoundAndDown are the ports that are on a host and do not carry packets yet, and
// BoundAndUp those that do.
func (n *Networking) BoundAndDown(ctx context.Context) ([]string, error) { return n.bound(ctx, Down) }

// BoundAndUp are the ports on hosts that carry packets.
func (n *Networking) BoundAndUp(ctx context.Context) ([]string, error) { return n.bound(ctx, Active) }

func (n *Networking) bound(ctx context.Context, status string) ([]string, error) {
	q := Every("status", status).And("binding:vif_type", "ovs")
	q.Bare = true
	ports, err := n.store.Ports().List(ctx, q)
	ids := make([]string, len(ports))
	for i := range ports {
		ids[i] = ports[i].ID
	}
	return ids, err
}
