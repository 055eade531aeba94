package neutron

import (
	"context"
	"maps"
	"slices"
	"strings"

	"stackd/internal/fault"
)

// A NIC is a request for one port of a server: an existing port, or a new one on a
// network, with a fixed IP if one is named.
type NIC struct{ NetworkID, PortID, FixedIP string }

// A ServerRequest is what a server wants of the networks.
type ServerRequest struct {
	ServerID, ProjectID string
	Zone                string // device_owner is compute:ZONE
	Hostname            string // the ports' dns_name
	NICs                []NIC
	Auto                bool     // no NICs: the one network there is, if any
	SecurityGroups      []string // names or ids, for new ports; none is the default group
}

// AllocateForServer makes or takes the server's ports, in the order of the NICs, all
// or none. Call it in the transaction that makes the server. Asked again for the
// same server, it adds ports.
func (n *Networking) AllocateForServer(ctx context.Context, r ServerRequest) (out []ServerPort, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		nics, err := n.CheckForServer(ctx, r)
		if err != nil || len(nics) == 0 {
			return err
		}
		groups, err := n.GroupIDs(ctx, r.ProjectID, r.SecurityGroups)
		if err != nil {
			return err
		}
		fresh := slices.DeleteFunc(slices.Clone(nics), func(c NIC) bool { return c.PortID != "" })
		if err := n.room(ctx, r.ProjectID, "port", len(fresh)); len(fresh) > 0 && err != nil {
			return err
		}
		var ids []string
		for _, c := range nics {
			id, err := n.plug(ctx, r, c, groups)
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		out, err = n.PortsNamed(ctx, ids...)
		return err
	})
	return out, err
}

func (n *Networking) plug(ctx context.Context, r ServerRequest, c NIC, groups []string) (string, error) {
	owner := "compute:" + r.Zone
	if c.PortID != "" {
		p, err := get(ctx, n.store.Ports(), "port", c.PortID)
		if err != nil {
			return "", err
		}
		p.DeviceID, p.DeviceOwner, p.Attached = r.ServerID, owner, true
		if p.DNSName == "" {
			p.DNSName = r.Hostname
		}
		return p.ID, n.savePort(ctx, p)
	}
	net, err := only(ctx, n.store.Networks(), Every("id", c.NetworkID).Alone(), "network", c.NetworkID)
	if err != nil {
		return "", err
	}
	s := PortSpec{Common: Common{ProjectID: r.ProjectID}, DeviceID: Some(r.ServerID), DeviceOwner: Some(owner), DNSName: Some(r.Hostname), OfServer: true}
	if net.PortSecurity {
		s.SecurityGroups = Some(groups)
	}
	if c.FixedIP != "" {
		s.FixedIPs = Some([]FixedIP{{Address: c.FixedIP}})
	}
	p, err := n.addPort(ctx, net, s)
	if err != nil {
		return "", err
	}
	return p.ID, nil
}

// BindPorts says on which host the server's ports are, or with "" on none. They are
// down until they come up there.
func (n *Networking) BindPorts(ctx context.Context, server, host, zone string) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		ports, err := n.store.Ports().List(ctx, plugged(server))
		if err != nil {
			return err
		}
		for i := range ports {
			p := &ports[i]
			owner := p.DeviceOwner
			if zone != "" {
				owner = "compute:" + zone
			}
			if p.Host == host && p.DeviceOwner == owner && p.AwaitedAt() == "" {
				continue
			}
			p.DeviceOwner = owner
			p.await("")
			if err := n.rebind(p, Some(host)); err != nil {
				return err
			}
			if err := n.savePort(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// AwaitPorts has all ports of the server reach a second host too, which its guest comes
// to; "" ends that.
func (n *Networking) AwaitPorts(ctx context.Context, server, host string) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		ports, err := n.store.Ports().List(ctx, plugged(server))
		if err != nil {
			return err
		}
		for i := range ports {
			p := &ports[i]
			if p.AwaitedAt() == host {
				continue
			}
			p.await(host)
			if err := n.savePort(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// migratingTo is the member of a binding's profile that names the host which a port's
// guest comes to.
const migratingTo = "migrating_to"

// AwaitedAt is the host that the port's guest comes to while it runs; "" for none.
func (p *Port) AwaitedAt() string {
	host, _ := p.Profile[migratingTo].(string)
	return host
}

func (p *Port) await(host string) {
	profile := maps.Clone(p.Profile)
	if profile == nil {
		profile = map[string]any{}
	}
	if profile[migratingTo] = host; host == "" {
		delete(profile, migratingTo)
	}
	p.Profile = profile
}

// DeleteServerPorts deletes the ports that were made for the server, and unplugs
// those that were there before. With ids, only these.
func (n *Networking) DeleteServerPorts(ctx context.Context, server string, ids ...string) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		ports, err := n.store.Ports().List(ctx, plugged(server))
		if err != nil {
			return err
		}
		for i := range ports {
			p := &ports[i]
			if !strings.HasPrefix(p.DeviceOwner, "compute:") || len(ids) > 0 && !slices.Contains(ids, p.ID) {
				continue
			}
			if err := n.unplug(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
}

func (n *Networking) unplug(ctx context.Context, p *Port) error {
	if p.OfServer {
		return n.dropPort(ctx, p)
	}
	p.DeviceID, p.DeviceOwner, p.Host, p.Status, p.Profile, p.Attached = "", "", "", Down, nil, false
	return n.savePort(ctx, p)
}

// SetGroups adds or removes a group, by name or id, on all ports of a server.
func (n *Networking) SetGroups(ctx context.Context, server, project, name string, add bool) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		ids, err := n.GroupIDs(ctx, project, []string{name})
		if err != nil {
			return err
		}
		ports, err := n.store.Ports().List(ctx, plugged(server))
		if err != nil {
			return err
		}
		found := add
		for i := range ports {
			p := &ports[i]
			has := slices.Contains(p.SecurityGroups, ids[0])
			found = found || has
			if has == add || !p.PortSecurity {
				continue
			}
			n.portChanged(ctx, p, p.SecurityGroups)
			p.SecurityGroups = append(p.SecurityGroups, ids[0])
			if !add {
				p.SecurityGroups = slices.DeleteFunc(p.SecurityGroups, func(g string) bool { return g == ids[0] })
			}
			if err := n.savePort(ctx, p); err != nil {
				return err
			}
		}
		if !found {
			return fault.New(fault.NotFound, "Security group %s not associated with the instance %s", name, server).Named("SecurityGroupNotFoundForInstance")
		}
		return nil
	})
}

// MetadataPorts are the networks' own ports, by network, for the nodes that serve
// metadata there. Networks without DHCP have none.
func (n *Networking) MetadataPorts(ctx context.Context, networks ...string) (map[string]ServerPort, error) {
	out := map[string]ServerPort{}
	if len(networks) == 0 {
		return out, nil
	}
	ports, err := n.store.Ports().List(ctx, Every("network_id", networks...).And("device_owner", OwnerMetadata))
	if err != nil {
		return nil, err
	}
	all, err := n.serverPorts(ctx, ports)
	for _, p := range all {
		out[p.NetworkID] = p
	}
	return out, err
}
