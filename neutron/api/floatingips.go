package api

import (
	"time"

	"stackd/internal/policy"
	"stackd/neutron"
)

type portDetails struct {
	Name         string `wire:"name"`
	NetworkID    string `wire:"network_id"`
	MAC          string `wire:"mac_address"`
	AdminStateUp bool   `wire:"admin_state_up"`
	Status       string `wire:"status"`
	DeviceID     string `wire:"device_id"`
	DeviceOwner  string `wire:"device_owner"`
}

type floatingView struct {
	ID          string       `wire:"id"`
	Description string       `wire:"description"`
	ProjectID   string       `wire:"project_id"`
	TenantID    string       `wire:"tenant_id"`
	Tags        []string     `wire:"tags"`
	CreatedAt   time.Time    `wire:"created_at"`
	UpdatedAt   time.Time    `wire:"updated_at"`
	Revision    int64        `wire:"revision_number"`
	NetworkID   string       `wire:"floating_network_id"`
	Address     string       `wire:"floating_ip_address"`
	RouterID    *string      `wire:"router_id"`
	PortID      *string      `wire:"port_id"`
	FixedIP     *string      `wire:"fixed_ip_address"`
	Status      string       `wire:"status"`
	Details     *portDetails `wire:"port_details"`
	DNSName     string       `wire:"dns_name"`
	DNSDomain   string       `wire:"dns_domain"`
}

func floatingViewOf(f *neutron.FloatingIP) any {
	v := &floatingView{ID: f.ID, Description: f.Description, ProjectID: f.ProjectID, TenantID: f.ProjectID, Tags: f.Tags,
		CreatedAt: f.CreatedAt, UpdatedAt: f.UpdatedAt, Revision: f.Revision, NetworkID: f.NetworkID, Address: f.Address, RouterID: orNone(f.RouterID), PortID: orNone(f.PortID),
		FixedIP: orNone(f.FixedIP), Status: f.Status, DNSName: f.DNSName, DNSDomain: f.DNSDomain}
	if p := f.Port; p != nil {
		v.Details = &portDetails{p.Name, p.NetworkID, p.MAC, p.AdminStateUp, p.Status, p.DeviceID, p.DeviceOwner}
	}
	return v
}

func (a *API) floatingIPs() *resource[neutron.FloatingIP, neutron.FloatingIPSpec] {
	type spec = neutron.FloatingIPSpec
	common := commonAttrs(func(s *spec) *neutron.Common { return &s.Common })[1:] // it has no name
	return &resource[neutron.FloatingIP, spec]{
		a: a, one: "floatingip", many: "floatingips",
		attrs: append(common,
			plain("floating_network_id", post, id, func(s *spec) *string { return &s.NetworkID }).need(),
			field("subnet_id", post, orNull(id), func(s *spec) *neutron.Maybe[string] { return &s.SubnetID }),
			field("floating_ip_address", post, orNull(address), func(s *spec) *neutron.Maybe[string] { return &s.Address }),
			field("port_id", both, orNull(id), func(s *spec) *neutron.Maybe[string] { return &s.PortID }),
			field("fixed_ip_address", both, orNull(address), func(s *spec) *neutron.Maybe[string] { return &s.FixedIP }),
			field("dns_name", post, dnsName, func(s *spec) *neutron.Maybe[string] { return &s.DNSName }),
			field("dns_domain", post, dnsName, func(s *spec) *neutron.Maybe[string] { return &s.DNSDomain }),
		),
		readonly: and(standardReadonly, "router_id", "port_details"),
		filters:  and(standardFilters, "floating_network_id", "floating_ip_address", "fixed_ip_address", "port_id", "router_id", "status"),
		sorts:    and(standardSorts, "floating_ip_address", "floating_network_id", "fixed_ip_address", "port_id", "router_id", "status"),
		list:     a.n.FloatingIPs, show: a.n.FloatingIP, create: a.n.CreateFloatingIP, update: a.n.UpdateFloatingIP, remove: a.n.DeleteFloatingIP,
		view: floatingViewOf, owner: func(s *spec) *string { return &s.ProjectID },
		target: func(f *neutron.FloatingIP) policy.Target { return ownTarget(f.ID, f.ProjectID) },
		tags:   func(t []string) spec { return spec{Common: neutron.Common{Tags: neutron.Some(t)}} },
		tagsOf: func(f *neutron.FloatingIP) []string { return f.Tags }, rev: func(f *neutron.FloatingIP) int64 { return f.Revision },
	}
}
