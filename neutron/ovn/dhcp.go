package ovn

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"strconv"

	"stackd/neutron"
)

const lease = "43200"

// dhcp makes what guests on a subnet are told.
func (b *builder) dhcp(key string, n *neutron.Network, t *neutron.Subnet, meta *neutron.Port) {
	options := b.options(n, t, meta)
	if options == nil {
		return
	}
	id := named("DHCP_Options", t.ID)
	b.rows.add("DHCP_Options", id, &dhcpOptions{UUID: id, CIDR: t.CIDR, Options: options, ExternalIDs: owned(key, "subnet_id", t.ID)})
}

// options are nil for subnets without DHCP, and where guests address themselves and
// ask for nothing more.
func (b *builder) options(n *neutron.Network, t *neutron.Subnet, meta *neutron.Port) map[string]string {
	if !t.EnableDHCP || meta == nil || t.AddressMode == neutron.SLAAC {
		return nil
	}
	if t.IPVersion == 6 {
		return b.options6(t, meta)
	}
	return b.options4(n, t, meta)
}

func (b *builder) options6(t *neutron.Subnet, meta *neutron.Port) map[string]string {
	o := map[string]string{"server_id": meta.MAC}
	if dns := b.nameservers(t); len(dns) > 0 {
		o["dns_server"] = set(dns)
	}
	if b.DNSDomain != "" {
		o["domain_search"] = quoted(b.DNSDomain)
	}
	if t.AddressMode == neutron.DHCPv6Stateless {
		o["dhcpv6_stateless"] = "true"
	}
	return o
}

func (b *builder) options4(n *neutron.Network, t *neutron.Subnet, meta *neutron.Port) map[string]string {
	own := ""
	for _, f := range meta.FixedIPs {
		if f.SubnetID == t.ID {
			own = f.Address
		}
	}
	o := map[string]string{"server_id": own, "server_mac": meta.MAC, "lease_time": lease, "mtu": strconv.Itoa(n.MTU)}
	var routes []string
	if own != "" {
		routes = append(routes, metadata+","+own)
	}
	if t.GatewayIP != "" {
		o["server_id"], o["router"] = t.GatewayIP, t.GatewayIP
		routes = append(routes, "0.0.0.0/0,"+t.GatewayIP)
	}
	for _, r := range t.HostRoutes {
		routes = append(routes, r.Destination+","+r.Nexthop)
	}
	if len(routes) > 0 {
		o["classless_static_route"] = set(routes)
	}
	if dns := b.nameservers(t); len(dns) > 0 {
		o["dns_server"] = set(dns)
	}
	if b.DNSDomain != "" {
		o["domain_name"] = quoted(b.DNSDomain)
	}
	return o
}

// nameservers are the subnet's own, else the site's of the same kind. One that says
// "0.0.0.0" alone wants none.
func (b *builder) nameservers(t *neutron.Subnet) []string {
	if len(t.DNS) == 1 && (t.DNS[0] == "0.0.0.0" || t.DNS[0] == "::") {
		return nil
	}
	if len(t.DNS) > 0 {
		return t.DNS
	}
	var out []string
	for _, s := range b.Nameservers {
		if a, err := netip.ParseAddr(s); err == nil && a.Is4() == (t.IPVersion == 4) {
			out = append(out, s)
		}
	}
	return out
}

// ofName is what OVN calls the options that a port may have of its own; text marks
// those whose value is quoted.
var ofName = map[string]struct {
	v4, v6 string
	text   bool
}{
	"mtu": {v4: "mtu"}, "26": {v4: "mtu"}, "router": {v4: "router"}, "3": {v4: "router"}, "lease-time": {v4: "lease_time"}, "51": {v4: "lease_time"},
	"dns-server": {v4: "dns_server", v6: "dns_server"}, "6": {v4: "dns_server"}, "ntp-server": {v4: "ntp_server"}, "42": {v4: "ntp_server"},
	"domain-name": {v4: "domain_name", text: true}, "15": {v4: "domain_name", text: true}, "domain-search": {v6: "domain_search", text: true},
	"tftp-server": {v4: "tftp_server", text: true}, "66": {v4: "tftp_server", text: true}, "tftp-server-address": {v4: "tftp_server_address"}, "150": {v4: "tftp_server_address"},
	"server-ip-address": {v4: "next_server"}, "bootfile-name": {v4: "bootfile_name", text: true}, "67": {v4: "bootfile_name", text: true},
	"path-prefix": {v4: "path_prefix", text: true}, "wpad": {v4: "wpad", text: true}, "hostname": {v4: "hostname", text: true}, "12": {v4: "hostname", text: true},
	"classless-static-route": {v4: "classless_static_route"}, "121": {v4: "classless_static_route"},
}

// dhcpOf is the row from which a port is answered: its subnet's, or one of its own
// when it has options of its own.
func (b *builder) dhcpOf(key string, n *neutron.Network, p *neutron.Port, meta *neutron.Port, version int) *string {
	for _, f := range p.FixedIPs {
		t := b.subs[f.SubnetID]
		if t == nil || t.IPVersion != version {
			continue
		}
		options := b.options(n, t, meta)
		if options == nil {
			continue
		}
		own := extra(p, version)
		if disabled(p, version) {
			return nil
		}
		if len(own) == 0 {
			return ref(named("DHCP_Options", t.ID))
		}
		maps.Copy(options, own)
		id := named("DHCP_Options", fmt.Sprintf("%s of %s", t.ID, p.ID))
		b.rows.add("DHCP_Options", id, &dhcpOptions{UUID: id, CIDR: t.CIDR, Options: options, ExternalIDs: owned(key, "subnet_id", t.ID, "port_id", p.ID)})
		return &id
	}
	return nil
}

func disabled(p *neutron.Port, version int) bool {
	for _, o := range p.DHCPOpts {
		if o.Name == "dhcp_disabled" && o.Version == version && o.Value == "True" {
			return true
		}
	}
	return false
}

// harmless is what values that are not quoted may be made of: OVN puts them into the
// actions of its flows as they are.
var harmless = regexp.MustCompile(`^[0-9A-Fa-f.:/, {}]+$`)

func extra(p *neutron.Port, version int) map[string]string {
	out := map[string]string{}
	for _, o := range p.DHCPOpts {
		name := ofName[o.Name].v4
		if version == 6 {
			name = ofName[o.Name].v6
		}
		if name == "" || max(o.Version, 4) != version {
			continue
		}
		value := o.Value
		if ofName[o.Name].text {
			value = quoted(value)
		} else if !harmless.MatchString(value) {
			continue
		}
		out[name] = value
	}
	return out
}
