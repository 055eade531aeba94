package neutron

import (
	"context"
	"net/netip"
	"strconv"

	"stackd/internal/fault"
)

// Subnetpools are those that the caller may see.
func (n *Networking) Subnetpools(ctx context.Context, q Query) ([]Subnetpool, error) {
	return n.store.Subnetpools().List(ctx, asker(ctx, q))
}

// Subnetpool is one that the caller may see.
func (n *Networking) Subnetpool(ctx context.Context, id string) (*Subnetpool, error) {
	return see(ctx, n.store.Subnetpools(), "subnetpool", id)
}

// CreateSubnetpool makes a pool of ranges.
func (n *Networking) CreateSubnetpool(ctx context.Context, s SubnetpoolSpec) (out *Subnetpool, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		if err := n.room(ctx, s.ProjectID, "subnetpool", 1); err != nil {
			return err
		}
		p := Subnetpool{Base: n.base(s.Common, 0), Shared: s.Shared.Value}
		if err := n.fillPool(ctx, &p, s); err != nil {
			return err
		}
		if err := n.store.Subnetpools().Insert(ctx, &p); err != nil {
			return err
		}
		out = &p
		if !p.Shared {
			return nil
		}
		return n.shareAs(ctx, "subnetpool", p.ID, p.ProjectID, AsShared, true)
	})
	return out, err
}

// fillPool applies a request and checks the whole.
func (n *Networking) fillPool(ctx context.Context, p *Subnetpool, s SubnetpoolSpec) error {
	s.Common.apply(&p.Base)
	s.Prefixes.To(&p.Prefixes)
	s.DefaultPrefix.To(&p.DefaultPrefix)
	s.MinPrefix.To(&p.MinPrefix)
	s.MaxPrefix.To(&p.MaxPrefix)
	s.IsDefault.To(&p.IsDefault)
	s.AddressScope.To(&p.AddressScopeID)
	if s.DefaultQuota.Set {
		p.DefaultQuota = nil
		if !s.DefaultQuota.Null {
			p.DefaultQuota = &s.DefaultQuota.Value
		}
	}
	if err := p.check(); err != nil {
		return err
	}
	if p.IsDefault {
		other, err := n.store.Subnetpools().List(ctx, Every("is_default", "true").And("ip_version", strconv.Itoa(p.IPVersion)))
		if err != nil {
			return err
		}
		if len(other) > 0 && other[0].ID != p.ID {
			return invalid("A default subnetpool for this IP family has already been set. Only one default may exist per IP family")
		}
	}
	return n.checkScope(ctx, p)
}

// checkScope: the pools of an address scope share no addresses.
func (n *Networking) checkScope(ctx context.Context, p *Subnetpool) error {
	if p.AddressScopeID == "" {
		return nil
	}
	scope, err := see(ctx, n.store.AddressScopes(), "address_scope", p.AddressScopeID)
	if err != nil {
		return err
	}
	if scope.IPVersion != p.IPVersion {
		return badValue("IllegalSubnetPoolIpVersionAssociation", "Illegal subnetpool association: subnetpool %s cannot associate with address scope %s because subnetpool ip_version is not %d.", p.ID, scope.ID, scope.IPVersion)
	}
	others, err := n.store.Subnetpools().List(ctx, Every("address_scope_id", scope.ID))
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.ID != p.ID && anyOverlap(prefixes(o.Prefixes), prefixes(p.Prefixes)) {
			return conflict("AddressScopePrefixConflict", "Failed to associate address scope: subnetpools within an address scope must have unique prefixes.")
		}
	}
	return nil
}

func prefixes(texts []string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range texts {
		if p, err := netip.ParsePrefix(s); err == nil {
			out = append(out, p)
		}
	}
	return out
}

func anyOverlap(a, b []netip.Prefix) bool {
	for _, x := range a {
		for _, y := range b {
			if x.Overlaps(y) {
				return true
			}
		}
	}
	return false
}

// UpdateSubnetpool changes a pool; its ranges may grow only.
func (n *Networking) UpdateSubnetpool(ctx context.Context, id string, s SubnetpoolSpec) (out *Subnetpool, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		p, err := see(ctx, n.store.Subnetpools(), "subnetpool", id)
		if err != nil {
			return err
		}
		if err := n.mayRefill(ctx, p); err != nil {
			return err
		}
		old := prefixes(p.Prefixes)
		if err := n.fillPool(ctx, p, s); err != nil {
			return err
		}
		if s.Prefixes.Set && !covers(prefixes(p.Prefixes), old) {
			return badValue("IllegalSubnetPoolPrefixUpdate", "Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.")
		}
		p.touch(n.store.Now())
		out = p
		return n.store.Subnetpools().Save(ctx, p)
	})
	return out, err
}

// mayRefill: what is in a scope of somebody else's only that one may change.
func (n *Networking) mayRefill(ctx context.Context, p *Subnetpool) error {
	if p.AddressScopeID == "" {
		return nil
	}
	a, err := get(ctx, n.store.AddressScopes(), "address_scope", p.AddressScopeID)
	if err == nil && !mine(ctx, a.ProjectID) {
		err = badValue("IllegalSubnetPoolUpdate", "Illegal subnetpool update : subnetpool %s cannot be updated when associated with shared address scope %s.", p.ID, a.ID)
	}
	return err
}

func covers(all, some []netip.Prefix) bool {
	for _, s := range some {
		in := false
		for _, a := range all {
			in = in || a.Bits() <= s.Bits() && a.Contains(s.Addr())
		}
		if !in {
			return false
		}
	}
	return true
}

// DeleteSubnetpool takes a pool away that no subnet is from.
func (n *Networking) DeleteSubnetpool(ctx context.Context, id string) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		p, err := see(ctx, n.store.Subnetpools(), "subnetpool", id)
		if err != nil {
			return err
		}
		used, err := n.store.Subnets().Count(ctx, Every("subnetpool_id", id))
		if err != nil {
			return err
		}
		if used > 0 {
			return badValue("SubnetPoolDeleteError", "Unable to delete subnet pool: Subnet pool has existing allocations.")
		}
		if err := n.dropRBAC(ctx, p.ID, AsShared); err != nil {
			return err
		}
		return n.store.Subnetpools().Delete(ctx, id)
	})
}

func (n *Networking) defaultPool(ctx context.Context, version int) (string, error) {
	pools, err := n.store.Subnetpools().List(ctx, Every("is_default", "true").And("ip_version", strconv.Itoa(version)))
	if err != nil {
		return "", err
	}
	if len(pools) == 0 {
		return "", bad("subnets", "No default subnetpool found for IPv%d", version)
	}
	return pools[0].ID, nil
}

// fromPool gives the subnet a range of the pool: the wanted one or a free one.
func (n *Networking) fromPool(ctx context.Context, t *Subnet, id string, s SubnetSpec) error {
	p, err := see(ctx, n.store.Subnetpools(), "subnetpool", id)
	if err != nil {
		return err
	}
	if p.IPVersion != s.IPVersion {
		return bad("subnets", "Cannot allocate IPv%d subnet from IPv%d subnet pool", s.IPVersion, p.IPVersion)
	}
	have, err := n.store.Subnets().List(ctx, Every("subnetpool_id", id))
	if err != nil {
		return err
	}
	var taken []netip.Prefix
	for i := range have {
		taken = append(taken, have[i].Prefix())
	}
	r, err := p.choose(s, taken)
	if err != nil {
		return err
	}
	t.SubnetpoolID, t.CIDR = p.ID, r.String()
	return nil
}

// choose is the range that a request for a subnet gets.
func (p *Subnetpool) choose(s SubnetSpec, taken []netip.Prefix) (netip.Prefix, error) {
	bits := s.Prefixlen.Or(p.DefaultPrefix)
	var want netip.Prefix
	if s.CIDR.Or("") != "" {
		var err error
		if want, err = ParseCIDR(s.CIDR.Value); err != nil {
			return want, err
		}
		bits = want.Bits()
	}
	if bits < p.MinPrefix {
		return want, badValue("MinPrefixSubnetAllocationError", "Unable to allocate subnet with prefix length %d, minimum allowed prefix is %d.", bits, p.MinPrefix)
	}
	if bits > p.MaxPrefix {
		return want, badValue("MaxPrefixSubnetAllocationError", "Unable to allocate subnet with prefix length %d, maximum allowed prefix is %d.", bits, p.MaxPrefix)
	}
	if want.IsValid() {
		if !covers(prefixes(p.Prefixes), []netip.Prefix{want}) || anyOverlap(taken, []netip.Prefix{want}) {
			return want, fault.New(fault.Conflict, "Failed to allocate subnet: Cannot allocate requested subnet from the available set of prefixes.").Named("SubnetAllocationError")
		}
		return want, nil
	}
	r, ok := p.free(bits, taken)
	if !ok {
		return r, fault.New(fault.Conflict, "Failed to allocate subnet: Insufficient prefix space to allocate subnet size /%d.", bits).Named("SubnetAllocationError")
	}
	return r, nil
}

// AddPrefixes makes a pool greater by some ranges.
func (n *Networking) AddPrefixes(ctx context.Context, id string, more []string) (*Subnetpool, error) {
	return n.editPrefixes(ctx, id, func(have []string) []string { return append(have, more...) })
}

// RemovePrefixes makes a pool smaller by ranges that no subnet is in.
func (n *Networking) RemovePrefixes(ctx context.Context, id string, less []string) (*Subnetpool, error) {
	gone := prefixes(less)
	return n.editPrefixes(ctx, id, func(have []string) []string {
		var rest []string
		for _, h := range have {
			if !covers(gone, prefixes([]string{h})) {
				rest = append(rest, h)
			}
		}
		return rest
	})
}

func (n *Networking) editPrefixes(ctx context.Context, id string, edit func([]string) []string) (out *Subnetpool, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		p, err := see(ctx, n.store.Subnetpools(), "subnetpool", id)
		if err != nil {
			return err
		}
		used, err := n.store.Subnets().List(ctx, Every("subnetpool_id", id))
		if err != nil {
			return err
		}
		if err := n.fillPool(ctx, p, SubnetpoolSpec{Prefixes: Some(edit(p.Prefixes))}); err != nil {
			return err
		}
		for i := range used {
			if !covers(prefixes(p.Prefixes), []netip.Prefix{used[i].Prefix()}) {
				return conflict("IllegalSubnetPoolPrefixUpdate", "Illegal update to prefixes: a subnet of the pool is in them.")
			}
		}
		p.touch(n.store.Now())
		out = p
		return n.store.Subnetpools().Save(ctx, p)
	})
	return out, err
}
