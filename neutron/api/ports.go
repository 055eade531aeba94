package api

import (
	"context"
	"strings"

	"stackd/internal/policy"
	"stackd/neutron"
)

type fixedView struct {
	SubnetID string `wire:"subnet_id"`
	Address  string `wire:"ip_address"`
}

type pairView struct {
	MAC     string `wire:"mac_address"`
	Address string `wire:"ip_address"`
}

type optView struct {
	Name    string `wire:"opt_name"`
	Value   string `wire:"opt_value"`
	Version int    `wire:"ip_version"`
}

type assignmentView struct {
	Hostname string `wire:"hostname"`
	Address  string `wire:"ip_address"`
	FQDN     string `wire:"fqdn"`
}

type portView struct {
	standard
	NetworkID      string           `wire:"network_id"`
	MAC            string           `wire:"mac_address"`
	AdminStateUp   bool             `wire:"admin_state_up"`
	Status         string           `wire:"status"`
	DeviceID       string           `wire:"device_id"`
	DeviceOwner    string           `wire:"device_owner"`
	FixedIPs       []fixedView      `wire:"fixed_ips"`
	AddressPairs   []pairView       `wire:"allowed_address_pairs"`
	DHCPOpts       []optView        `wire:"extra_dhcp_opts"`
	SecurityGroups []string         `wire:"security_groups"`
	PortSecurity   bool             `wire:"port_security_enabled"`
	VNICType       string           `wire:"binding:vnic_type"`
	DNSName        string           `wire:"dns_name"`
	DNSDomain      string           `wire:"dns_domain"`
	DNSAssignment  []assignmentView `wire:"dns_assignment"`
	Guarded        Guarded          `wire:"*"`
}

func (v *portView) guarded() Guarded { return v.Guarded }

func fixedViews(fs []neutron.FixedIP) []fixedView {
	out := make([]fixedView, len(fs))
	for i, f := range fs {
		out[i] = fixedView(f)
	}
	return out
}

func (a *API) portView(p *neutron.Port) any {
	v := &portView{standard: standardOf(&p.Base), NetworkID: p.NetworkID, MAC: p.MAC, AdminStateUp: p.AdminStateUp, Status: p.Status, DeviceID: p.DeviceID,
		DeviceOwner: p.DeviceOwner, FixedIPs: fixedViews(p.FixedIPs), SecurityGroups: p.SecurityGroups, PortSecurity: p.PortSecurity, VNICType: p.VNICType,
		DNSName: p.DNSName, DNSDomain: p.DNSDomain, DNSAssignment: a.assignments(p), Guarded: binding(p)}
	for _, x := range p.AddressPairs {
		m := x.MAC
		if m == "" {
			m = p.MAC
		}
		v.AddressPairs = append(v.AddressPairs, pairView{m, x.Address})
	}
	for _, o := range p.DHCPOpts {
		v.DHCPOpts = append(v.DHCPOpts, optView{o.Name, o.Value, max(o.Version, 4)})
	}
	return v
}

// binding is where a port is, and how it is plugged there.
func binding(p *neutron.Port) Guarded {
	profile := p.Profile
	if profile == nil {
		profile = map[string]any{}
	}
	g := Guarded{"binding:host_id": p.Host, "binding:profile": profile, "binding:vif_type": "unbound", "binding:vif_details": map[string]any{}}
	if p.Bound() {
		g["binding:vif_type"] = "ovs"
		g["binding:vif_details"] = map[string]any{"port_filter": true, "connectivity": "l2", "bridge_name": "br-int", "datapath_type": "netdev"}
	}
	return g
}

// assignments are the names under which the port's addresses are known inside.
func (a *API) assignments(p *neutron.Port) []assignmentView {
	out := []assignmentView{}
	for _, f := range p.FixedIPs {
		host := p.DNSName
		if host == "" {
			host = "host-" + strings.NewReplacer(".", "-", ":", "-").Replace(f.Address)
		}
		out = append(out, assignmentView{host, f.Address, host + "." + a.n.DNSDomain})
	}
	return out
}

func portTarget(p *neutron.Port) policy.Target {
	return policy.Target{"id": p.ID, "project_id": p.ProjectID, "tenant_id": p.ProjectID, "network_id": p.NetworkID, "device_owner": p.DeviceOwner,
		"network:project_id": p.NetworkProject, "network:tenant_id": p.NetworkProject}
}

var fixedIP = dict([]string{"subnet_id", "ip_address", "subnet"}, func(get func(string) (any, bool)) (neutron.FixedIP, string) {
	var f neutron.FixedIP
	return f, first(part(get, "subnet_id", id, &f.SubnetID), part(get, "ip_address", address, &f.Address))
})

var pair = dict([]string{"mac_address", "ip_address"}, func(get func(string) (any, bool)) (neutron.AddressPair, string) {
	var p neutron.AddressPair
	if _, ok := get("ip_address"); !ok {
		return p, "AllowedAddressPair must contain ip_address"
	}
	reason := first(part(get, "mac_address", mac, &p.MAC), part(get, "ip_address", text(64), &p.Address))
	if reason == "" {
		_, r1 := address(p.Address)
		_, r2 := prefix(p.Address)
		if r1 != "" && r2 != "" {
			reason = r2
		}
	}
	return p, reason
})

var dhcpOpt = dict([]string{"opt_name", "opt_value", "ip_version"}, func(get func(string) (any, bool)) (neutron.DHCPOpt, string) {
	o := neutron.DHCPOpt{Version: 4}
	return o, first(part(get, "opt_name", text(64), &o.Name), part(get, "opt_value", text(255), &o.Value), part(get, "ip_version", ipVersion, &o.Version))
})

func (a *API) ports() *resource[neutron.Port, neutron.PortSpec] {
	type spec = neutron.PortSpec
	return &resource[neutron.Port, spec]{
		a: a, one: "port", many: "ports",
		attrs: append(commonAttrs(func(s *spec) *neutron.Common { return &s.Common }),
			plain("network_id", post, id, func(s *spec) *string { return &s.NetworkID }).need(),
			field("admin_state_up", both, boolean, func(s *spec) *neutron.Maybe[bool] { return &s.AdminStateUp }).unless(true),
			field("mac_address", both, orNull(mac), func(s *spec) *neutron.Maybe[string] { return &s.MAC }),
			field("fixed_ips", both, orNull(unique(fixedIP)), func(s *spec) *neutron.Maybe[[]neutron.FixedIP] { return &s.FixedIPs }).with("ip_address", "subnet_id"),
			field("device_id", both, orNull(text(255)), func(s *spec) *neutron.Maybe[string] { return &s.DeviceID }).unless(""),
			field("device_owner", both, orNull(text(255)), func(s *spec) *neutron.Maybe[string] { return &s.DeviceOwner }).unless(""),
			field("security_groups", both, orNull(unique(id)), func(s *spec) *neutron.Maybe[[]string] { return &s.SecurityGroups }),
			field("port_security_enabled", both, boolean, func(s *spec) *neutron.Maybe[bool] { return &s.PortSecurity }),
			field("allowed_address_pairs", both, orNull(list(pair)), func(s *spec) *neutron.Maybe[[]neutron.AddressPair] { return &s.AddressPairs }).with("mac_address", "ip_address"),
			field("extra_dhcp_opts", both, orNull(list(dhcpOpt)), func(s *spec) *neutron.Maybe[[]neutron.DHCPOpt] { return &s.DHCPOpts }),
			field("dns_name", both, dnsName, func(s *spec) *neutron.Maybe[string] { return &s.DNSName }).unless(""),
			field("dns_domain", both, dnsName, func(s *spec) *neutron.Maybe[string] { return &s.DNSDomain }).unless(""),
			field("binding:host_id", both, orNull(text(255)), func(s *spec) *neutron.Maybe[string] { return &s.Host }),
			field("binding:vnic_type", both, oneOf("normal", "direct", "macvtap", "baremetal", "direct-physical", "virtio-forwarder", "smart-nic", "vdpa", "accelerator-direct", "accelerator-direct-physical", "remote-managed"),
				func(s *spec) *neutron.Maybe[string] { return &s.VNICType }).unless("normal"),
			field("binding:profile", both, orNull(anyDict), func(s *spec) *neutron.Maybe[map[string]any] { return &s.Profile }),
		),
		readonly: and(standardReadonly, "binding:vif_type", "binding:vif_details", "dns_assignment"),
		filters: and(standardFilters, "network_id", "mac_address", "admin_state_up", "status", "device_id", "device_owner", "port_security_enabled", "dns_name",
			"binding:host_id", "binding:vnic_type", "binding:vif_type", "fixed_ips", "security_groups"),
		sorts: and(standardSorts, "network_id", "mac_address", "admin_state_up", "status", "device_id", "device_owner"),
		list:  a.n.Ports, show: a.n.Port, create: a.n.CreatePort, update: a.n.UpdatePort, remove: a.n.DeletePort,
		view: a.portView, target: portTarget, owner: func(s *spec) *string { return &s.ProjectID },
		parent: func(ctx context.Context, s *spec) (policy.Target, error) { return a.onNetwork(ctx, s.NetworkID) },
		tags:   func(t []string) spec { return spec{Common: neutron.Common{Tags: neutron.Some(t)}} },
		tagsOf: func(p *neutron.Port) []string { return p.Tags }, rev: func(p *neutron.Port) int64 { return p.Revision },
	}
}
