package neutron

import (
	"context"
	"slices"

	"stackd/internal/fault"
)

// CheckForServer says what would fail for certain in AllocateForServer, and names
// the networks that new ports will be on (with Auto resolved), in order.
func (n *Networking) CheckForServer(ctx context.Context, r ServerRequest) ([]NIC, error) {
	nics := r.NICs
	if len(nics) == 0 && r.Auto {
		net, err := n.autoNetwork(ctx, r.ProjectID)
		if err != nil || net == "" {
			return nil, err
		}
		nics = []NIC{{NetworkID: net}}
	}
	if _, err := n.GroupIDs(ctx, r.ProjectID, r.SecurityGroups); err != nil {
		return nil, err
	}
	for i, c := range nics {
		net, err := n.checkNIC(ctx, r, c)
		if err != nil {
			return nil, err
		}
		nics[i].NetworkID = net
	}
	return nics, nil
}

// autoNetwork is the network a server gets that names none: the project's only one,
// else the only shared one; "" when there is none.
func (n *Networking) autoNetwork(ctx context.Context, project string) (string, error) {
	all, err := n.store.Networks().List(ctx, Query{Project: project})
	if err != nil {
		return "", err
	}
	all = slices.DeleteFunc(all, func(x Network) bool { return x.ProjectID != project && !x.Shared || len(x.Subnets) == 0 })
	own := slices.DeleteFunc(slices.Clone(all), func(x Network) bool { return x.ProjectID != project })
	if len(own) > 0 {
		all = own
	}
	switch len(all) {
	case 0:
		return "", nil
	case 1:
		return all[0].ID, nil
	}
	return "", conflict("NetworkAmbiguous", "Multiple possible networks found, use a Network ID to be more specific.")
}

func (n *Networking) checkNIC(ctx context.Context, r ServerRequest, c NIC) (string, error) {
	if c.PortID != "" {
		p, err := only(ctx, n.store.Ports(), Query{Project: r.ProjectID}.orAll(ctx).And("id", c.PortID), "port", c.PortID)
		if err != nil {
			return "", err
		}
		if p.DeviceID != "" && p.DeviceID != r.ServerID {
			return "", conflict("PortInUse", "Port %s is still in use.", p.ID)
		}
		if len(p.FixedIPs) == 0 && p.DeviceOwner == "" && c.FixedIP != "" {
			return "", conflict("PortRequiresFixedIP", "Port %s requires a FixedIP in order to be used.", p.ID)
		}
		return p.NetworkID, nil
	}
	net, err := only(ctx, n.store.Networks(), Query{Project: r.ProjectID}.orAll(ctx).And("id", c.NetworkID), "network", c.NetworkID)
	if err != nil {
		return "", err
	}
	if net.ProjectID != r.ProjectID && !net.Shared && !adminCaller(ctx) {
		if net.External {
			return "", fault.New(fault.Forbidden, "It is not allowed to create an interface on external network %s", net.ID).Named("ExternalNetworkAttachForbidden")
		}
		return "", missing("network", c.NetworkID)
	}
	if len(net.Subnets) == 0 && net.PortSecurity {
		return "", badValue("NetworkRequiresSubnet", "Network %s requires a subnet in order to boot instances on.", net.ID)
	}
	return net.ID, n.freeForServer(ctx, net, c.FixedIP)
}

// orAll lets administrators use what others own.
func (q Query) orAll(ctx context.Context) Query {
	q.All = adminCaller(ctx)
	return q
}

func (n *Networking) freeForServer(ctx context.Context, net *Network, want string) error {
	if want == "" {
		return nil
	}
	ports, err := n.store.Ports().Count(ctx, Every("network_id", net.ID).And("fixed_ips", "ip_address="+addr(want).String()))
	if err == nil && ports > 0 {
		err = conflict("FixedIpAlreadyInUse", "Fixed IP %s is already in use.", want)
	}
	return err
}

// GroupIDs turns names or ids of a project's groups into ids. No names are the
// default group's.
func (n *Networking) GroupIDs(ctx context.Context, project string, names []string) ([]string, error) {
	if len(names) == 0 || slices.Contains(names, "default") {
		if _, err := n.DefaultGroup(ctx, project); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		names = []string{"default"}
	}
	have, err := n.store.SecurityGroups().List(ctx, Query{Project: project}.Alone())
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, name := range names {
		var found []string
		for _, g := range have {
			if g.ID == name {
				found = []string{g.ID}
				break
			}
			if g.Name == name && g.ProjectID == project {
				found = append(found, g.ID)
			}
		}
		switch {
		case len(found) == 0:
			return nil, fault.New(fault.NotFound, "Security group %s not found.", name).Named("SecurityGroupNotFound")
		case len(found) > 1:
			return nil, conflict("NoUniqueMatch", "Multiple security groups found matching '%s'. Use an ID to be more specific.", name)
		}
		if !slices.Contains(ids, found[0]) {
			ids = append(ids, found[0])
		}
	}
	return ids, nil
}
