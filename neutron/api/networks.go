package api

import (
	"strconv"

	"stackd/internal/policy"
	"stackd/neutron"
)

type networkView struct {
	standard
	AdminStateUp bool     `wire:"admin_state_up"`
	MTU          int      `wire:"mtu"`
	Status       string   `wire:"status"`
	Subnets      []string `wire:"subnets"`
	Shared       bool     `wire:"shared"`
	PortSecurity bool     `wire:"port_security_enabled"`
	External     bool     `wire:"router:external"`
	AZHints      []string `wire:"availability_zone_hints"`
	AZs          []string `wire:"availability_zones"`
	V4Scope      *string  `wire:"ipv4_address_scope"`
	V6Scope      *string  `wire:"ipv6_address_scope"`
	DNSDomain    string   `wire:"dns_domain"`
	Guarded      Guarded  `wire:"*"`
}

func (v *networkView) guarded() Guarded { return v.Guarded }

func (a *API) networkView(n *neutron.Network) any {
	v := &networkView{standard: standardOf(&n.Base), AdminStateUp: n.AdminStateUp, MTU: n.MTU, Status: neutron.Active, Subnets: n.Subnets, Shared: n.Shared,
		PortSecurity: n.PortSecurity, External: n.External, AZHints: n.AZHints, V4Scope: orNone(n.V4Scope), V6Scope: orNone(n.V6Scope), DNSDomain: n.DNSDomain,
		Guarded: Guarded{"provider:network_type": n.NetworkType, "provider:physical_network": orNone(n.PhysicalNetwork), "provider:segmentation_id": segment(n)}}
	if len(n.Subnets) > 0 {
		v.AZs = a.n.Zones()
	}
	if n.External {
		v.Guarded["is_default"] = n.IsDefault
	}
	return v
}

func segment(n *neutron.Network) *int {
	if n.SegmentationID == 0 {
		return nil
	}
	return &n.SegmentationID
}

func networkTarget(n *neutron.Network) policy.Target {
	return policy.Target{"id": n.ID, "project_id": n.ProjectID, "tenant_id": n.ProjectID, "shared": strconv.FormatBool(n.Shared), "router:external": strconv.FormatBool(n.External)}
}

func (a *API) networks() *resource[neutron.Network, neutron.NetworkSpec] {
	type spec = neutron.NetworkSpec
	return &resource[neutron.Network, spec]{
		a: a, one: "network", many: "networks",
		attrs: append(commonAttrs(func(s *spec) *neutron.Common { return &s.Common }),
			field("admin_state_up", both, boolean, func(s *spec) *neutron.Maybe[bool] { return &s.AdminStateUp }).unless(true),
			field("router:external", both, boolean, func(s *spec) *neutron.Maybe[bool] { return &s.External }).unless(false),
			field("shared", both, boolean, func(s *spec) *neutron.Maybe[bool] { return &s.Shared }).unless(false),
			field("mtu", both, between(0, 1<<16), func(s *spec) *neutron.Maybe[int] { return &s.MTU }).unless(0),
			field("port_security_enabled", both, boolean, func(s *spec) *neutron.Maybe[bool] { return &s.PortSecurity }).unless(true),
			field("dns_domain", both, dnsName, func(s *spec) *neutron.Maybe[string] { return &s.DNSDomain }).unless(""),
			field("is_default", both, boolean, func(s *spec) *neutron.Maybe[bool] { return &s.IsDefault }).unless(false),
			field("availability_zone_hints", post, list(text(255)), func(s *spec) *neutron.Maybe[[]string] { return &s.AZHints }),
			field("provider:network_type", both, orNull(text(255)), func(s *spec) *neutron.Maybe[string] { return &s.Provider.Type }),
			field("provider:physical_network", both, orNull(text(64)), func(s *spec) *neutron.Maybe[string] { return &s.Provider.Physical }),
			field("provider:segmentation_id", both, orNull(integer), func(s *spec) *neutron.Maybe[int] { return &s.Provider.Segment }),
		),
		readonly: and(standardReadonly, "subnets", "availability_zones", "ipv4_address_scope", "ipv6_address_scope"),
		filters: and(standardFilters, "admin_state_up", "router:external", "shared", "mtu", "port_security_enabled", "is_default", "status", "dns_domain", "subnets",
			"provider:network_type", "provider:physical_network", "provider:segmentation_id"),
		sorts: and(standardSorts, "admin_state_up", "mtu", "router:external", "provider:network_type"),
		list:  a.n.Networks, show: a.n.Network, create: a.n.CreateNetwork, update: a.n.UpdateNetwork, remove: a.n.DeleteNetwork,
		view: a.networkView, target: networkTarget, owner: func(s *spec) *string { return &s.ProjectID },
		tags:   func(t []string) spec { return spec{Common: neutron.Common{Tags: neutron.Some(t)}} },
		tagsOf: func(n *neutron.Network) []string { return n.Tags }, rev: func(n *neutron.Network) int64 { return n.Revision },
	}
}
