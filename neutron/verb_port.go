package neutron

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
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
	err = n.store.Tx(ctx, func(ctx context.Context) error {
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

// portChanged tells the fabric of a port and of the groups it is or was in.
func (n *Networking) portChanged(ctx context.Context, p *Port, groups []string) {
	keys := []string{"network/" + p.NetworkID}
	for _, g := range groups {
		keys = append(keys, "group/"+g)
	}
	if p.DeviceOwner == OwnerRouter || p.DeviceOwner == OwnerGateway {
		keys = append(keys, "router/"+p.DeviceID)
	}
	n.changed(ctx, keys...)
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

// allocate finds the port's addresses: the wanted ones, else one of each kind that
// the network has. Where guests make their own address, that one is always there.
func (n *Networking) allocate(ctx context.Context, p *Port, subnets []Subnet, want Maybe[[]FixedIP]) ([]FixedIP, error) {
	if len(want.Value) > maxFixedIPs {
		return nil, invalid("Exceeded maximum amount of fixed ips per port")
	}
	var out []FixedIP
	for _, w := range want.Value {
		t, err := homeOf(subnets, p.NetworkID, w)
		if err != nil {
			return nil, err
		}
		f, err := n.address(ctx, p, t, w.Address, out)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	if !want.Set || want.Null {
		var err error
		if out, err = n.anyAddresses(ctx, p, subnets); err != nil {
			return nil, err
		}
	}
	for i := range subnets {
		if t := &subnets[i]; t.Auto() && !p.OfNetwork() && !slices.ContainsFunc(out, func(f FixedIP) bool { return f.SubnetID == t.ID }) {
			out = append(out, FixedIP{t.ID, t.EUI64(p.MAC)})
		}
	}
	return out, nil
}

// address finds one address on a subnet.
func (n *Networking) address(ctx context.Context, p *Port, t *Subnet, want string, have []FixedIP) (FixedIP, error) {
	router := p.DeviceOwner == OwnerRouter || p.DeviceOwner == OwnerGateway
	if t.Auto() && !router {
		own := t.EUI64(p.MAC)
		if want != "" && addr(want).String() != own {
			return FixedIP{}, badValue("AllocationOnAutoAddressSubnet", "IPv6 address %s can not be directly assigned to a port on subnet %s as the subnet is configured for automatic addresses", want, t.ID)
		}
		return FixedIP{t.ID, own}, nil
	}
	if want == "" {
		f, ok, err := n.freeAddress(ctx, t, have)
		if err == nil && !ok {
			err = exhausted(t.NetworkID)
		}
		return f, err
	}
	a := addr(want).String()
	taken, err := n.store.Taken(ctx, t.ID, a)
	if err != nil {
		return FixedIP{}, err
	}
	if (taken[a] && !slices.Contains(p.FixedIPs, FixedIP{t.ID, a})) || slices.Contains(have, FixedIP{t.ID, a}) {
		return FixedIP{}, conflict("IpAddressAlreadyAllocated", "IP address %s already allocated in subnet %s", a, t.ID)
	}
	return FixedIP{t.ID, a}, nil
}

// freeAddress picks an address of the pools that nobody has.
func (n *Networking) freeAddress(ctx context.Context, t *Subnet, have []FixedIP) (FixedIP, bool, error) {
	space := NewSpace(t.Pools)
	var try []netip.Addr
	n.random(func(r *rand.Rand) { try = space.Sample(r, 16) })
	texts := make([]string, len(try))
	for i, a := range try {
		texts[i] = a.String()
	}
	if len(texts) == 0 {
		return FixedIP{}, false, nil
	}
	taken, err := n.store.Taken(ctx, t.ID, texts...)
	if err != nil {
		return FixedIP{}, false, err
	}
	for _, a := range texts {
		if f := (FixedIP{t.ID, a}); !taken[a] && !slices.Contains(have, f) {
			return f, true, nil
		}
	}
	if taken, err = n.store.Taken(ctx, t.ID); err != nil {
		return FixedIP{}, false, err
	}
	for _, f := range have {
		taken[f.Address] = true
	}
	a := space.FirstFree(taken)
	return FixedIP{t.ID, a.String()}, a.IsValid(), nil
}

// anyAddresses is one IPv4 and one IPv6 address, of whichever subnet has room.
func (n *Networking) anyAddresses(ctx context.Context, p *Port, subnets []Subnet) ([]FixedIP, error) {
	var out []FixedIP
	for _, version := range []int{4, 6} {
		full := false
		for i := range subnets {
			t := &subnets[i]
			if t.IPVersion != version || t.Auto() || !t.serves(p.DeviceOwner) {
				continue
			}
			f, ok, err := n.freeAddress(ctx, t, nil)
			if err != nil {
				return nil, err
			}
			if full = !ok; ok {
				out = append(out, f)
				break
			}
		}
		if full {
			return nil, exhausted(p.NetworkID)
		}
	}
	return out, nil
}

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
