package neutron

import (
	"context"
	"math/rand/v2"

	"stackd/internal/fault"

	"github.com/google/uuid"
)

// Networks are those that the caller may see.
func (n *Networking) Networks(ctx context.Context, q Query) ([]Network, error) {
	return n.store.Networks().List(ctx, asker(ctx, q))
}

// Network is one that the caller may see.
func (n *Networking) Network(ctx context.Context, id string) (*Network, error) {
	return see(ctx, n.store.Networks(), "network", id)
}

// CreateNetwork makes a network on a wire of its own.
func (n *Networking) CreateNetwork(ctx context.Context, s NetworkSpec) (out *Network, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		if err := n.room(ctx, s.ProjectID, "network", 1); err != nil {
			return err
		}
		if _, err := n.defaultGroup(ctx, s.ProjectID); err != nil {
			return err
		}
		net := Network{Base: n.base(s.Common, 1), AdminStateUp: true, PortSecurity: true}
		s.apply(&net)
		if err := n.wire(ctx, &net, s.Provider); err != nil {
			return err
		}
		if err := n.mtu(&net, s.MTU); err != nil {
			return err
		}
		if err := n.store.Networks().Insert(ctx, &net); err != nil {
			return err
		}
		net.Shared = s.Shared.Value
		out = &net
		n.changed(ctx, "network/"+net.ID)
		return n.share(ctx, &net, Maybe[bool]{Set: s.Shared.Value, Value: true}, Maybe[bool]{Set: net.External, Value: true})
	})
	return out, err
}

// mtu is the network's: the wire's less what tunnels take, unless less is asked for.
func (n *Networking) mtu(net *Network, want Maybe[int]) error {
	most := n.MTU - overhead(net.NetworkType)
	if want.Value > most {
		return invalid("Requested MTU is too big, maximum is %d", most)
	}
	if want.Value != 0 && want.Value < 68 {
		return invalid("Requested MTU is too small, minimum is 68")
	}
	if want.Set && want.Value != 0 {
		net.MTU = want.Value
	} else if want.Set || net.MTU == 0 {
		net.MTU = most
	}
	return nil
}

// wire gives a new network its type and segment.
func (n *Networking) wire(ctx context.Context, net *Network, p Provider) error {
	if !p.Given() {
		p.Type = Some(n.TenantType)
		if n.TenantType == VLAN && len(n.Physnets) > 0 {
			p.Physical = Some(n.Physnets[0])
		}
	}
	if err := p.check(n.Physnets); err != nil {
		return err
	}
	net.NetworkType, net.PhysicalNetwork = p.Type.Value, p.Physical.Or("")
	if net.NetworkType == VLAN && net.PhysicalNetwork == "" && len(n.Physnets) > 0 {
		net.PhysicalNetwork = n.Physnets[0]
	}
	seg := p.Segment.Or(0)
	if seg == 0 && net.NetworkType != Flat {
		var err error
		if seg, err = n.freeSegment(ctx, net.NetworkType, net.PhysicalNetwork); err != nil {
			return err
		}
	}
	net.SegmentationID = seg
	taken, err := n.store.Segments(ctx, net.NetworkType, net.PhysicalNetwork, seg)
	if err == nil && taken[seg] {
		err = segmentTaken(net.NetworkType, net.PhysicalNetwork, seg)
	}
	return err
}

// freeSegment picks a segment of the range by chance, so that two who ask at the
// same time seldom meet.
func (n *Networking) freeSegment(ctx context.Context, kind, phys string) (int, error) {
	span := n.VNIs
	if kind == VLAN {
		span = n.VLANs[phys]
	}
	var try []int
	n.random(func(r *rand.Rand) {
		for range 16 {
			try = append(try, span[0]+r.IntN(max(span[1]-span[0]+1, 1)))
		}
	})
	taken, err := n.store.Segments(ctx, kind, phys, try...)
	if err != nil {
		return 0, err
	}
	if seg := firstFree(try, taken, span); seg != 0 {
		return seg, nil
	}
	if taken, err = n.store.Segments(ctx, kind, phys); err != nil {
		return 0, err
	}
	for i := span[0]; i <= span[1] && i > 0; i++ {
		if !taken[i] {
			return i, nil
		}
	}
	return 0, fault.New(fault.Unavailable, "Unable to create the network. No tenant network is available for allocation.").Named("NoNetworkAvailable")
}

func firstFree(try []int, taken map[int]bool, span [2]int) int {
	for _, i := range try {
		if !taken[i] && i >= max(span[0], 1) && i <= span[1] {
			return i
		}
	}
	return 0
}

// share makes or takes away the policies that let everyone use the network.
func (n *Networking) share(ctx context.Context, net *Network, shared, external Maybe[bool]) error {
	for action, want := range map[string]Maybe[bool]{AsShared: shared, AsExternal: external} {
		if !want.Set {
			continue
		}
		if err := n.shareAs(ctx, "network", net.ID, net.ProjectID, action, want.Value); err != nil {
			return err
		}
	}
	return nil
}

func (n *Networking) shareAs(ctx context.Context, kind, id, project, action string, want bool) error {
	have, err := n.store.RBAC().List(ctx, Every("object_id", id).And("action", action).And("target_tenant", Everyone))
	if err != nil || want == (len(have) > 0) {
		return err
	}
	if want {
		return n.store.RBAC().Insert(ctx, &RBACPolicy{ID: uuid.NewString(), ProjectID: project, ObjectType: kind, ObjectID: id, Action: action, Target: Everyone})
	}
	return n.store.RBAC().Delete(ctx, have[0].ID)
}

// UpdateNetwork changes a network. Its wire cannot be changed.
func (n *Networking) UpdateNetwork(ctx context.Context, id string, s NetworkSpec) (out *Network, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		net, err := see(ctx, n.store.Networks(), "network", id)
		if err != nil {
			return err
		}
		if err := sameWire(net, s.Provider); err != nil {
			return err
		}
		if err := n.checkSharing(ctx, net, s); err != nil {
			return err
		}
		s.apply(net)
		if err := n.mtu(net, s.MTU); err != nil {
			return err
		}
		net.touch(n.store.Now())
		s.Shared.To(&net.Shared)
		out = net
		if err := n.store.Networks().Save(ctx, net); err != nil {
			return err
		}
		if err := n.routersFollow(ctx, id); err != nil {
			return err
		}
		if s.External.Set && !net.External {
			if err := n.dropRBAC(ctx, id, AsExternal); err != nil {
				return err
			}
		}
		return n.share(ctx, net, s.Shared, s.External)
	})
	return out, err
}

// routersFollow tells the fabric of a changed network and of the routers on it.
func (n *Networking) routersFollow(ctx context.Context, id string) error {
	q := Every("network_id", id).And("device_owner", OwnerRouter, OwnerGateway)
	q.Bare = true
	ports, err := n.store.Ports().List(ctx, q)
	for _, p := range ports {
		n.changed(ctx, "router/"+p.DeviceID)
	}
	n.changed(ctx, "network/"+id)
	return err
}

func sameWire(net *Network, p Provider) error {
	if p.Type.Set && p.Type.Value != net.NetworkType || p.Physical.Set && p.Physical.Value != net.PhysicalNetwork || p.Segment.Set && p.Segment.Value != net.SegmentationID {
		return invalid("Plugin does not support updating provider attributes")
	}
	return nil
}

// checkSharing: what others use cannot be taken from them.
func (n *Networking) checkSharing(ctx context.Context, net *Network, s NetworkSpec) error {
	if net.External && s.External.Set && !s.External.Value {
		used, err := n.store.Ports().Count(ctx, Every("network_id", net.ID).And("device_owner", OwnerGateway, OwnerFloatingIP))
		if err != nil {
			return err
		}
		if used > 0 {
			return conflict("ExternalNetworkInUse", "External network %s cannot be updated to be made non-external, since it has existing gateway ports.", net.ID)
		}
	}
	if !s.Shared.Set || s.Shared.Value || net.External {
		return nil
	}
	ports, err := n.store.Ports().List(ctx, Every("network_id", net.ID))
	if err != nil {
		return err
	}
	for _, p := range ports {
		if p.ProjectID != net.ProjectID && p.ProjectID != "" {
			return conflict("InvalidSharedSetting", "Unable to reconfigure sharing settings for network %s. Multiple tenants are using it.", net.ID)
		}
	}
	return nil
}
