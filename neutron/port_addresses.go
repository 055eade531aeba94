package neutron

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
)

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
