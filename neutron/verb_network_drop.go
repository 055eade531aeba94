package neutron

import (
	"context"
	"strings"
)

// DeleteNetwork takes a network away with its subnets, when nobody is on it.
func (n *Networking) DeleteNetwork(ctx context.Context, id string) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		if _, err := see(ctx, n.store.Networks(), "network", id); err != nil {
			return err
		}
		if err := n.dropFree(ctx, id); err != nil {
			return err
		}
		ports, err := n.store.Ports().List(ctx, Every("network_id", id))
		if err != nil {
			return err
		}
		var all, users []string
		for _, p := range ports {
			all = append(all, p.ID)
			if !p.swept() {
				users = append(users, p.ID)
			}
		}
		if len(users) > 0 {
			return conflict("NetworkInUse", "Unable to complete operation on network %s. There are one or more ports still in use on the network, id for these ports is: %s.", id, strings.Join(users, ","))
		}
		return n.dropNetwork(ctx, id, all)
	})
}

// dropFree deletes the floating IPs of a network that stand for no port.
func (n *Networking) dropFree(ctx context.Context, id string) error {
	free, err := n.store.FloatingIPs().List(ctx, Every("floating_network_id", id).And("port_id", ""))
	if err != nil {
		return err
	}
	for _, f := range free {
		if err := n.store.FloatingIPs().Delete(ctx, f.ID); err != nil {
			return err
		}
		if err := n.store.Ports().Delete(ctx, f.OwnPortID); err != nil {
			return err
		}
	}
	return nil
}

func (n *Networking) dropNetwork(ctx context.Context, id string, ports []string) error {
	subnets, err := n.store.Subnets().List(ctx, Every("network_id", id))
	if err != nil {
		return err
	}
	if err := n.store.Ports().Delete(ctx, ports...); err != nil {
		return err
	}
	for _, t := range subnets {
		if err := n.store.Subnets().Delete(ctx, t.ID); err != nil {
			return err
		}
	}
	if err := n.dropRBAC(ctx, id, AsShared, AsExternal); err != nil {
		return err
	}
	n.changed(ctx, "network/"+id)
	return n.store.Networks().Delete(ctx, id)
}

// dropRBAC deletes the policies about a thing.
func (n *Networking) dropRBAC(ctx context.Context, id string, actions ...string) error {
	all, err := n.store.RBAC().List(ctx, Every("object_id", id).And("action", actions...))
	if err != nil {
		return err
	}
	for _, r := range all {
		if err := n.store.RBAC().Delete(ctx, r.ID); err != nil {
			return err
		}
	}
	return nil
}
