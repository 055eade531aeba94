package neutron

import (
	"context"
	"math/big"
)

// An Availability is how many addresses a network has to give, and has given.
type Availability struct {
	Network *Network
	Total   *big.Int
	Used    int
	Subnets []SubnetAvailability
}

// A SubnetAvailability is one subnet's part of it.
type SubnetAvailability struct {
	Subnet *Subnet
	Total  *big.Int
	Used   int
}

// Availabilities are those of the networks that match; with versions only of these
// subnets.
func (n *Networking) Availabilities(ctx context.Context, q Query, versions ...string) ([]Availability, error) {
	nets, err := n.Networks(ctx, q)
	if err != nil || len(nets) == 0 {
		return nil, err
	}
	out, at := make([]Availability, len(nets)), map[string]*Availability{}
	var ids []string
	for i := range nets {
		out[i] = Availability{Network: &nets[i], Total: new(big.Int)}
		at[nets[i].ID] = &out[i]
		ids = append(ids, nets[i].ID)
	}
	which := Every("network_id", ids...)
	if len(versions) > 0 {
		which = which.And("ip_version", versions...)
	}
	subnets, err := n.store.Subnets().List(ctx, which)
	if err != nil {
		return nil, err
	}
	used, err := n.store.InUse(ctx, ids...)
	for i := range subnets {
		t := &subnets[i]
		a := at[t.NetworkID]
		s := SubnetAvailability{Subnet: t, Total: NewSpace(t.Pools).Size(), Used: used[t.ID]}
		a.Subnets = append(a.Subnets, s)
		a.Total.Add(a.Total, s.Total)
		a.Used += s.Used
	}
	return out, err
}

// FloatingPools are the subnets that floating IPs may be taken from.
func (n *Networking) FloatingPools(ctx context.Context) ([]Subnet, error) {
	nets, err := n.Networks(ctx, Query{}.And("router:external", "true"))
	if err != nil || len(nets) == 0 {
		return nil, err
	}
	var ids []string
	for _, x := range nets {
		ids = append(ids, x.ID)
	}
	return n.store.Subnets().List(ctx, Every("network_id", ids...).And("ip_version", "4"))
}
