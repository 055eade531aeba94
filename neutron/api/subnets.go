package api

import (
	"context"
	"strconv"

	"stackd/internal/policy"
	"stackd/neutron"
)

type poolView struct {
	Start string `wire:"start"`
	End   string `wire:"end"`
}

type routeView struct {
	Destination string `wire:"destination"`
	Nexthop     string `wire:"nexthop"`
}

type subnetView struct {
	standard
	NetworkID    string      `wire:"network_id"`
	IPVersion    int         `wire:"ip_version"`
	SubnetpoolID *string     `wire:"subnetpool_id"`
	EnableDHCP   bool        `wire:"enable_dhcp"`
	RAMode       *string     `wire:"ipv6_ra_mode"`
	AddressMode  *string     `wire:"ipv6_address_mode"`
	GatewayIP    *string     `wire:"gateway_ip"`
	CIDR         string      `wire:"cidr"`
	Pools        []poolView  `wire:"allocation_pools"`
	HostRoutes   []routeView `wire:"host_routes"`
	DNS          []string    `wire:"dns_nameservers"`
	ServiceTypes []string    `wire:"service_types"`
}

func subnetViewOf(t *neutron.Subnet) any {
	v := &subnetView{standard: standardOf(&t.Base), NetworkID: t.NetworkID, IPVersion: t.IPVersion, SubnetpoolID: orNone(t.SubnetpoolID), EnableDHCP: t.EnableDHCP,
		RAMode: orNone(t.RAMode), AddressMode: orNone(t.AddressMode), GatewayIP: orNone(t.GatewayIP), CIDR: t.CIDR, DNS: t.DNS, ServiceTypes: t.ServiceTypes,
		HostRoutes: routesView(t.HostRoutes)}
	for _, p := range t.Pools {
		v.Pools = append(v.Pools, poolView(p))
	}
	return v
}

func routesView(rs []neutron.Route) []routeView {
	out := make([]routeView, len(rs))
	for i, r := range rs {
		out[i] = routeView(r)
	}
	return out
}

func (a *API) subnetTarget(t *neutron.Subnet) policy.Target {
	return policy.Target{"id": t.ID, "project_id": t.ProjectID, "tenant_id": t.ProjectID, "network_id": t.NetworkID, "network:project_id": t.NetworkProject, "network:tenant_id": t.NetworkProject,
		"shared": strconv.FormatBool(t.Shared), "router:external": strconv.FormatBool(t.External)}
}

// onNetwork is what the rules ask of the network that something is made on.
func (a *API) onNetwork(ctx context.Context, id string) (policy.Target, error) {
	n, err := a.n.Network(ctx, id)
	if err != nil {
		return nil, err
	}
	return policy.Target{"network:project_id": n.ProjectID, "network:tenant_id": n.ProjectID, "shared": strconv.FormatBool(n.Shared), "router:external": strconv.FormatBool(n.External)}, nil
}

var pool = dict([]string{"start", "end"}, func(get func(string) (any, bool)) (neutron.Pool, string) {
	var p neutron.Pool
	_, ok1 := get("start")
	_, ok2 := get("end")
	if !ok1 || !ok2 {
		return p, "Invalid data format for IP pool: 'start' and 'end' are required"
	}
	return p, first(part(get, "start", address, &p.Start), part(get, "end", address, &p.End))
})

func (a *API) subnets() *resource[neutron.Subnet, neutron.SubnetSpec] {
	type spec = neutron.SubnetSpec
	mode := orNull(oneOf(neutron.DHCPv6Stateful, neutron.DHCPv6Stateless, neutron.SLAAC))
	return &resource[neutron.Subnet, spec]{
		a: a, one: "subnet", many: "subnets",
		attrs: append(commonAttrs(func(s *spec) *neutron.Common { return &s.Common }),
			plain("network_id", post, id, func(s *spec) *string { return &s.NetworkID }).need(),
			plain("ip_version", post, ipVersion, func(s *spec) *int { return &s.IPVersion }).need(),
			field("cidr", post, orNull(text(64)), func(s *spec) *neutron.Maybe[string] { return &s.CIDR }),
			field("prefixlen", post, orNull(integer), func(s *spec) *neutron.Maybe[int] { return &s.Prefixlen }),
			field("subnetpool_id", post, orNull(id), func(s *spec) *neutron.Maybe[string] { return &s.SubnetpoolID }),
			field("use_default_subnetpool", post, boolean, func(s *spec) *neutron.Maybe[bool] { return &s.UseDefault }),
			field("gateway_ip", both, orNull(address), func(s *spec) *neutron.Maybe[string] { return &s.GatewayIP }),
			field("enable_dhcp", both, boolean, func(s *spec) *neutron.Maybe[bool] { return &s.EnableDHCP }),
			field("allocation_pools", both, list(pool), func(s *spec) *neutron.Maybe[[]neutron.Pool] { return &s.Pools }),
			field("dns_nameservers", both, orNull(unique(address)), func(s *spec) *neutron.Maybe[[]string] { return &s.DNS }),
			field("host_routes", both, orNull(unique(route)), func(s *spec) *neutron.Maybe[[]neutron.Route] { return &s.HostRoutes }),
			field("ipv6_ra_mode", post, mode, func(s *spec) *neutron.Maybe[string] { return &s.RAMode }),
			field("ipv6_address_mode", post, mode, func(s *spec) *neutron.Maybe[string] { return &s.AddressMode }),
			field("service_types", both, list(text(255)), func(s *spec) *neutron.Maybe[[]string] { return &s.ServiceTypes }),
		),
		readonly: standardReadonly,
		filters:  and(standardFilters, "network_id", "ip_version", "cidr", "gateway_ip", "enable_dhcp", "subnetpool_id", "ipv6_ra_mode", "ipv6_address_mode", "shared"),
		sorts:    and(standardSorts, "network_id", "ip_version", "cidr", "gateway_ip", "enable_dhcp"),
		list:     a.n.Subnets, show: a.n.Subnet, create: a.n.CreateSubnet, update: a.n.UpdateSubnet, remove: a.n.DeleteSubnet,
		view: subnetViewOf, target: a.subnetTarget, owner: func(s *spec) *string { return &s.ProjectID },
		parent: func(ctx context.Context, s *spec) (policy.Target, error) { return a.onNetwork(ctx, s.NetworkID) },
		tags:   func(t []string) spec { return spec{Common: neutron.Common{Tags: neutron.Some(t)}} },
		tagsOf: func(t *neutron.Subnet) []string { return t.Tags }, rev: func(t *neutron.Subnet) int64 { return t.Revision },
	}
}

func ipVersion(v any) (int, string) {
	n, reason := integer(v)
	if reason != "" || n != 4 && n != 6 {
		return 0, "'" + repr(v) + "' is not in [4, 6]"
	}
	return n, ""
}
