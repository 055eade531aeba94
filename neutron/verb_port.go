package neutron

import (
	"context"
	"math/rand/v2"
	"slices"

	"stackd/internal/turn"
)

// Ports are those that the caller may see.
func (n *Networking) Ports(ctx context.Context, q Query) ([]Port, error) {
	return n.store.Ports().List(ctx, asker(ctx, q))
}

// Port is one that the caller may see.
func (n *Networking) Port(ctx context.Context, id string) (*Port, error) {
	return see(ctx, n.store.Ports(), "port", id)
}

// CreatePort plugs something into a network that the caller may see.
func (n *Networking) CreatePort(ctx context.Context, s PortSpec) (out *Port, err error) {
	if err := s.checkOwner(&Port{}); err != nil {
		return nil, err
	}
	err = n.store.Tx(turn.Of(ctx, "ports"), func(ctx context.Context) error {
		net, err := only(ctx, n.store.Networks(), asker(ctx, Query{}).And("id", s.NetworkID).Alone(), "network", s.NetworkID)
		if err != nil {
			return err
		}
		if err := n.room(ctx, s.ProjectID, "port", 1); err != nil {
			return err
		}
		out, err = n.addPort(ctx, net, s)
		return err
	})
	return out, err
}

// addPort makes a port without asking for quota.
func (n *Networking) addPort(ctx context.Context, net *Network, s PortSpec) (*Port, error) {
	p := &Port{Base: n.base(s.Common, 1), NetworkID: net.ID, AdminStateUp: true, Status: Down, PortSecurity: net.PortSecurity, VNICType: "normal", OfServer: s.OfServer, Attached: s.OfServer, NetworkProject: net.ProjectID}
	s.apply(p)
	if p.OfNetwork() && !s.PortSecurity.Set {
		p.PortSecurity = false
	}
	p.Host = s.Host.Or("")
	p.Status = firstStatus(p)
	if err := n.chooseMAC(ctx, p, s.MAC); err != nil {
		return nil, err
	}
	if err := n.chooseGroups(ctx, p, s.SecurityGroups); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	subnets, err := n.store.Subnets().List(ctx, Every("network_id", net.ID).Alone())
	if err != nil {
		return nil, err
	}
	if p.FixedIPs, err = n.allocate(ctx, p, subnets, s.FixedIPs); err != nil {
		return nil, err
	}
	n.portChanged(ctx, p, p.SecurityGroups)
	return p, n.store.Ports().Insert(ctx, p)
}

// firstStatus: routers' ports need nobody to come up; a floating IP's own never do.
func firstStatus(p *Port) string {
	switch p.DeviceOwner {
	case OwnerFloatingIP:
		return NA
	case OwnerRouter, OwnerGateway:
		return Active
	}
	return Down
}

// portChanged tells the fabric of a port and of the groups it is or was in, and who minds
// the host that it is on.
func (n *Networking) portChanged(ctx context.Context, p *Port, groups []string) {
	keys := []string{"network/" + p.NetworkID}
	for _, g := range groups {
		keys = append(keys, "group/"+g)
	}
	if p.DeviceOwner == OwnerRouter || p.DeviceOwner == OwnerGateway {
		keys = append(keys, "router/"+p.DeviceID)
	}
	n.changed(ctx, keys...)
	if host := p.Host; host != "" {
		n.store.After(ctx, func() {
			for _, f := range n.onHost {
				f(host)
			}
		})
	}
}

// chooseMAC takes the wanted address, else a free one by chance.
func (n *Networking) chooseMAC(ctx context.Context, p *Port, want Maybe[string]) error {
	var try []string
	n.random(func(r *rand.Rand) {
		for range 8 {
			try = append(try, newMAC(r))
		}
	})
	if want.Or("") != "" {
		m, ok := ParseMAC(want.Value)
		if !ok {
			return invalid("'%s' is not a valid MAC address", want.Value)
		}
		try = []string{m}
	}
	have, err := n.store.Ports().List(ctx, Every("network_id", p.NetworkID).And("mac_address", try...).Alone())
	if err != nil {
		return err
	}
	for _, m := range try {
		if !slices.ContainsFunc(have, func(o Port) bool { return o.MAC == m }) {
			p.MAC = m
			return nil
		}
	}
	return conflict("MacAddressInUse", "Unable to complete operation for network %s. The mac address %s is in use.", p.NetworkID, try[0])
}

// chooseGroups takes the wanted groups, else the project's default one.
func (n *Networking) chooseGroups(ctx context.Context, p *Port, want Maybe[[]string]) error {
	if want.Set && !want.Null {
		groups, err := n.groups(ctx, p, want.Value)
		p.SecurityGroups = groups
		return err
	}
	if p.Trusted() || !p.PortSecurity {
		return nil
	}
	g, err := n.defaultGroup(ctx, p.ProjectID)
	if err == nil {
		p.SecurityGroups = []string{g}
	}
	return err
}

// groups checks that the ids are of groups that the port's owner may use.
func (n *Networking) groups(ctx context.Context, p *Port, ids []string) ([]string, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(ids) == 0 {
		return nil, nil
	}
	q := asker(ctx, Every("id", ids...))
	q.All = false
	if q.Project == "" {
		q.Project = p.ProjectID
	}
	have, err := n.store.SecurityGroups().List(ctx, q.Alone())
	if err == nil && len(have) < len(ids) && p.ProjectID != q.Project {
		q.Project = p.ProjectID
		have, err = n.store.SecurityGroups().List(ctx, q.Alone())
	}
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(have, func(g SecurityGroup) bool { return g.ID == id }) {
			return nil, missing("security_group", id)
		}
	}
	return ids, nil
}
