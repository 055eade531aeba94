package cloud

import (
	"context"
	"slices"

	"stackd/agent/wish"
	"stackd/internal/fault"
	"stackd/neutron"
	"stackd/nova"
)

// networks is the network service in compute's words.
type networks struct{ n *neutron.Networking }

func (x networks) request(n nova.NICs) neutron.ServerRequest {
	r := neutron.ServerRequest{ServerID: n.ServerID, ProjectID: n.ProjectID, Zone: n.AZ, Hostname: n.Hostname, Auto: n.Auto, SecurityGroups: n.SecurityGroups}
	if r.Zone == "" {
		r.Zone = nova.DefaultZone
	}
	for _, q := range n.Requests {
		r.NICs = append(r.NICs, neutron.NIC{NetworkID: q.NetworkID, PortID: q.PortID, FixedIP: q.FixedIP})
	}
	return r
}

func (x networks) Check(ctx context.Context, n nova.NICs, count int) error {
	if count > 1 {
		for _, r := range n.Requests {
			if r.PortID != "" {
				return fault.New(fault.Invalid, "Unable to launch multiple instances with a single configured port ID. Please launch your instance one by one with different ports.")
			}
			if r.FixedIP != "" {
				return fault.New(fault.Invalid, "Invalid fixed_ip: it cannot be used for more than one server.")
			}
		}
	}
	_, err := x.n.CheckForServer(ctx, x.request(n))
	return asCompute(err)
}

// asCompute words a network's fault as compute does: what was named in a request
// and is not there makes the request bad.
func asCompute(err error) error {
	f := fault.Of(err)
	if f == nil {
		return err
	}
	switch {
	case f.Kind == fault.NotFound, f.Type == "FixedIpAlreadyInUse", f.Type == "NetworkRequiresSubnet":
		return fault.New(fault.Invalid, "%s", f.Text).Named(f.Type)
	case f.Kind == fault.OverQuota:
		return fault.New(fault.OverQuota, "Maximum number of ports exceeded")
	}
	return err
}

func (x networks) Allocate(ctx context.Context, n nova.NICs) error {
	r := x.request(n)
	if len(r.NICs) == 0 && !r.Auto {
		return nil
	}
	if _, err := x.n.AllocateForServer(ctx, r); err != nil {
		return asCompute(err)
	}
	return x.Bind(ctx, n.ServerID, n.Host)
}

func (x networks) Bind(ctx context.Context, server, host string) error {
	return x.n.BindPorts(ctx, server, host, "")
}

func (x networks) Await(ctx context.Context, server, host string) error {
	return x.n.AwaitPorts(ctx, server, host)
}

func (x networks) Release(ctx context.Context, server string) error {
	return x.n.DeleteServerPorts(ctx, server)
}

func (x networks) Of(ctx context.Context, servers ...string) (map[string][]nova.NIC, error) {
	ports, err := x.n.PortsOf(ctx, servers...)
	out := map[string][]nova.NIC{}
	for id, l := range ports {
		for _, p := range l {
			out[id] = append(out[id], nicOf(p))
		}
	}
	return out, err
}

func nicOf(p neutron.ServerPort) nova.NIC {
	n := nova.NIC{PortID: p.ID, NetworkID: p.NetworkID, NetworkName: p.NetworkName, MAC: p.MAC, Status: p.Status, MTU: p.MTU}
	for i, id := range p.SecurityGroupIDs {
		if i < len(p.SecurityGroups) {
			n.SecurityGroups = append(n.SecurityGroups, nova.Ref{ID: id, Name: p.SecurityGroups[i]})
		}
	}
	for _, a := range p.Addresses {
		ip := nova.FixedIP{SubnetID: a.SubnetID, IP: a.Address, Floating: a.Floating}
		if i := slices.IndexFunc(p.Subnets, func(s neutron.Subnet) bool { return s.ID == a.SubnetID }); i >= 0 {
			s := p.Subnets[i]
			ip.CIDR, ip.Gateway, ip.DNS, ip.DHCP = s.CIDR, s.GatewayIP, s.DNS, s.EnableDHCP
			for _, r := range s.HostRoutes {
				ip.Routes = append(ip.Routes, nova.Route{Destination: r.Destination, NextHop: r.Nexthop})
			}
		}
		n.Fixed = append(n.Fixed, ip)
	}
	return n
}

func (x networks) Attach(ctx context.Context, n nova.NICs) (nova.NIC, error) {
	ports, err := x.n.AllocateForServer(ctx, x.request(n))
	if err != nil {
		return nova.NIC{}, asCompute(err)
	}
	if len(ports) == 0 {
		return nova.NIC{}, fault.New(fault.Invalid, "No network is available to attach to.")
	}
	if err := x.Bind(ctx, n.ServerID, n.Host); err != nil {
		return nova.NIC{}, err
	}
	fresh, err := x.n.PortsNamed(ctx, ports[0].ID)
	if err != nil || len(fresh) == 0 {
		return nova.NIC{}, err
	}
	return nicOf(fresh[0]), nil
}

func (x networks) Detach(ctx context.Context, server, port string) error {
	ports, err := x.n.PortsOf(ctx, server)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(ports[server], func(p neutron.ServerPort) bool { return p.ID == port }) {
		return fault.New(fault.NotFound, "Port %s not found", port)
	}
	return x.n.DeleteServerPorts(ctx, server, port)
}

func (x networks) Metadata(ctx context.Context, ids []string) ([]wish.Network, error) {
	ports, err := x.n.MetadataPorts(ctx, ids...)
	out := []wish.Network{}
	for _, id := range ids {
		if p, ok := ports[id]; ok {
			out = append(out, wish.Network{ID: id, MetadataID: p.ID, MetadataMAC: p.MAC, Addresses: p.Prefixed(), MTU: p.MTU})
		}
	}
	return out, err
}

func (x networks) AddGroup(ctx context.Context, server, project, group string) error {
	return x.n.SetGroups(ctx, server, project, group, true)
}

func (x networks) RemoveGroup(ctx context.Context, server, project, group string) error {
	return x.n.SetGroups(ctx, server, project, group, false)
}

func (x networks) WithAddress(ctx context.Context, prefix string, v6 bool) ([]string, error) {
	ports, err := x.n.Ports(ctx, neutron.Every("fixed_ips", "ip_address_substr="+prefix).And("attached", "true"))
	ids := []string{}
	for _, p := range ports {
		if p.DeviceID != "" {
			ids = append(ids, p.DeviceID)
		}
	}
	return ids, err
}
