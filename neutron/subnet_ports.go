package neutron

import (
	"context"
	"slices"

	"stackd/internal/fault"
)

func (n *Networking) addSubnet(ctx context.Context, net *Network, t *Subnet) error {
	if err := n.store.Subnets().Insert(ctx, t); err != nil {
		return err
	}
	if err := n.bump(ctx, net); err != nil {
		return err
	}
	if t.Auto() {
		if err := n.selfAddress(ctx, t); err != nil {
			return err
		}
	}
	return n.metadataPort(ctx, net)
}

// bump counts a change of the network that its own row does not show.
func (n *Networking) bump(ctx context.Context, net *Network) error {
	net.touch(n.store.Now())
	n.changed(ctx, "network/"+net.ID)
	return n.store.Networks().Save(ctx, net)
}

// selfAddress writes down the addresses that guests on the network now make themselves.
func (n *Networking) selfAddress(ctx context.Context, t *Subnet) error {
	ports, err := n.store.Ports().List(ctx, Every("network_id", t.NetworkID))
	if err != nil {
		return err
	}
	for i := range ports {
		p := &ports[i]
		if p.OfNetwork() {
			continue
		}
		p.FixedIPs = append(p.FixedIPs, FixedIP{t.ID, t.EUI64(p.MAC)})
		p.touch(n.store.Now())
		if err := n.store.Ports().Save(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// metadataPort keeps the network's own port, from which guests get their metadata
// and DHCP's server address: one address on every subnet with DHCP.
func (n *Networking) metadataPort(ctx context.Context, net *Network) error {
	subnets, err := n.store.Subnets().List(ctx, Every("network_id", net.ID).And("enable_dhcp", "true"))
	if err != nil {
		return err
	}
	ports, err := n.store.Ports().List(ctx, Every("network_id", net.ID).And("device_owner", OwnerMetadata))
	if err != nil || len(ports) == 0 && len(subnets) == 0 {
		return err
	}
	if len(subnets) == 0 {
		return n.store.Ports().Delete(ctx, ports[0].ID)
	}
	if len(ports) > 0 {
		return n.moveMetadata(ctx, &ports[0], subnets)
	}
	p, err := n.addPort(ctx, net, PortSpec{Common: Common{ProjectID: net.ProjectID}, FixedIPs: Some([]FixedIP{}), DeviceOwner: Some(OwnerMetadata), DeviceID: Some("ovnmeta-" + net.ID)})
	if err != nil {
		return err
	}
	return n.moveMetadata(ctx, p, subnets)
}

// moveMetadata gives the network's own port addresses on these subnets only. A
// subnet that is full does without.
func (n *Networking) moveMetadata(ctx context.Context, p *Port, subnets []Subnet) error {
	var keep []FixedIP
	for _, t := range subnets {
		i := slices.IndexFunc(p.FixedIPs, func(f FixedIP) bool { return f.SubnetID == t.ID })
		if i >= 0 {
			keep = append(keep, p.FixedIPs[i])
			continue
		}
		got, err := n.allocate(ctx, p, subnets, Some([]FixedIP{{SubnetID: t.ID}}))
		if f := fault.Of(err); f != nil && f.Type == "IpAddressGenerationFailure" {
			continue
		}
		if err != nil {
			return err
		}
		keep = append(keep, got...)
	}
	if slices.Equal(keep, p.FixedIPs) {
		return nil
	}
	p.FixedIPs = keep
	return n.savePort(ctx, p)
}
