package ovn

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"

	"stackd/neutron"

	"github.com/google/go-cmp/cmp"
	"github.com/ovn-kubernetes/libovsdb/model"
)

var update = flag.Bool("update", false, "write the golden files anew")

func base(id, name string) neutron.Base { return neutron.Base{ID: id, Name: name, ProjectID: "p1"} }

func web(n int) *int { return &n }

// tenant is a network with IPv4 and IPv6, a router to the outside, a floating IP, and
// a group: with two guests, one of them plain, one with all that a port may have.
func tenant() neutron.Topology {
	v6 := neutron.Subnet{Base: base("s6", ""), NetworkID: "n1", IPVersion: 6, CIDR: "fd00:1::/64", GatewayIP: "fd00:1::1", EnableDHCP: true, RAMode: neutron.DHCPv6Stateless, AddressMode: neutron.DHCPv6Stateless}
	return neutron.Topology{
		Networks: []neutron.Network{
			{Base: base("n1", "inside"), AdminStateUp: true, MTU: 1442, NetworkType: neutron.Geneve, SegmentationID: 7},
			{Base: base("n2", "outside"), External: true, MTU: 1400, NetworkType: neutron.VLAN, PhysicalNetwork: "physnet1", SegmentationID: 100},
		},
		Subnets: []neutron.Subnet{
			{Base: base("s4", ""), NetworkID: "n1", IPVersion: 4, CIDR: "10.0.0.0/24", GatewayIP: "10.0.0.1", EnableDHCP: true, HostRoutes: []neutron.Route{{Destination: "10.9.0.0/16", Nexthop: "10.0.0.9"}}},
			v6,
			{Base: base("so", ""), NetworkID: "n2", IPVersion: 4, CIDR: "203.0.113.0/24", GatewayIP: "203.0.113.1"},
		},
		Ports: []neutron.Port{
			{Base: base("meta", ""), NetworkID: "n1", MAC: "fa:16:3e:00:00:02", DeviceOwner: neutron.OwnerMetadata, AdminStateUp: true, FixedIPs: []neutron.FixedIP{{SubnetID: "s4", Address: "10.0.0.2"}, {SubnetID: "s6", Address: "fd00:1::f816:3eff:fe00:2"}}},
			{Base: base("a", "plain"), NetworkID: "n1", MAC: "fa:16:3e:00:00:0a", DeviceID: "vm-a", DeviceOwner: "compute:nova", AdminStateUp: true, PortSecurity: true, Host: "h1", DNSName: "vm-a",
				SecurityGroups: []string{"g1"}, FixedIPs: []neutron.FixedIP{{SubnetID: "s4", Address: "10.0.0.10"}, {SubnetID: "s6", Address: "fd00:1::f816:3eff:fe00:a"}}},
			{Base: base("b", ""), NetworkID: "n1", MAC: "fa:16:3e:00:00:0b", DeviceOwner: "compute:nova", AdminStateUp: false, PortSecurity: true, SecurityGroups: []string{"g1"},
				AddressPairs: []neutron.AddressPair{{Address: "10.0.0.50"}, {Address: "10.0.0.51", MAC: "fa:16:3e:00:00:51"}},
				DHCPOpts:     []neutron.DHCPOpt{{Name: "mtu", Value: "1300", Version: 4}, {Name: "bootfile-name", Value: "pxe.0", Version: 4}, {Name: "unknown-option", Value: "x", Version: 4}, {Name: "router", Value: "1.1.1.1); next; (", Version: 4}, {Name: "domain-name", Value: "a\"); drop;", Version: 4}},
				FixedIPs:     []neutron.FixedIP{{SubnetID: "s4", Address: "10.0.0.11"}}},
			{Base: base("c", "open"), NetworkID: "n1", MAC: "fa:16:3e:00:00:0c", AdminStateUp: true},
			{Base: base("r4", ""), NetworkID: "n1", MAC: "fa:16:3e:00:00:01", DeviceID: "r1", DeviceOwner: neutron.OwnerRouter, AdminStateUp: true, FixedIPs: []neutron.FixedIP{{SubnetID: "s4", Address: "10.0.0.1"}}},
			{Base: base("r6", ""), NetworkID: "n1", MAC: "fa:16:3e:00:00:06", DeviceID: "r1", DeviceOwner: neutron.OwnerRouter, AdminStateUp: true, FixedIPs: []neutron.FixedIP{{SubnetID: "s6", Address: "fd00:1::1"}}},
			{Base: base("gw", ""), NetworkID: "n2", MAC: "fa:16:3e:00:00:99", DeviceID: "r1", DeviceOwner: neutron.OwnerGateway, AdminStateUp: true, FixedIPs: []neutron.FixedIP{{SubnetID: "so", Address: "203.0.113.9"}}},
			{Base: base("fip", ""), NetworkID: "n2", MAC: "fa:16:3e:00:00:98", DeviceOwner: neutron.OwnerFloatingIP, FixedIPs: []neutron.FixedIP{{SubnetID: "so", Address: "203.0.113.20"}}},
		},
		Routers:     []neutron.Router{{Base: base("r1", "router"), AdminStateUp: true, EnableSNAT: true, GatewayNetworkID: "n2", GatewayPortID: "gw", Routes: []neutron.Route{{Destination: "192.168.0.0/16", Nexthop: "10.0.0.10"}}}},
		FloatingIPs: []neutron.FloatingIP{{Base: base("f1", ""), NetworkID: "n2", Address: "203.0.113.20", PortID: "a", FixedIP: "10.0.0.10", RouterID: "r1"}},
		Groups: []neutron.SecurityGroup{{Base: base("g1", "web"), Stateful: true, Rules: []neutron.Rule{
			{ID: "out", GroupID: "g1", Direction: "egress", Ethertype: "IPv6"},
			{ID: "ssh", GroupID: "g1", Direction: "ingress", Ethertype: "IPv4", Protocol: "tcp", PortMin: web(22), PortMax: web(22), RemoteIPPrefix: "192.0.2.7/24"},
			{ID: "web", GroupID: "g1", Direction: "ingress", Ethertype: "IPv4", Protocol: "udp", PortMin: web(8000), PortMax: web(8080), RemoteIPPrefix: "0.0.0.0/0"},
			{ID: "ping", GroupID: "g1", Direction: "ingress", Ethertype: "IPv6", Protocol: "ipv6-icmp", PortMin: web(128), PortMax: web(0)},
			{ID: "own", GroupID: "g1", Direction: "ingress", Ethertype: "IPv4", RemoteGroupID: "g1"},
			{ID: "gre", GroupID: "g1", Direction: "egress", Ethertype: "IPv4", Protocol: "gre"},
		}}},
		Members: map[string][]string{"g1": {"a", "b"}},
	}
}

func hosts() Site {
	return Site{Nameservers: []string{"9.9.9.9", "2620:fe::9"}, DNSDomain: "openstacklocal",
		Chassis: []Chassis{{Name: "c1", Hostname: "h1", Physnets: []string{"physnet1"}}, {Name: "c2", Hostname: "h2", Physnets: []string{"physnet2"}}}}
}

// What the database should hold, to the column. After a change that is meant, run
// with -update and read the difference.
func TestDesired(t *testing.T) {
	got, err := json.MarshalIndent(plain(desired(tenant(), hosts(), nil)), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/tenant.json"
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)+"\n"); d != "" {
		t.Error(d)
	}
}

// plain is the rows without what they do not say.
func plain(r rows) map[string]map[string]map[string]any {
	out := map[string]map[string]map[string]any{}
	for table, rows := range r {
		out[table] = map[string]map[string]any{}
		for id, m := range rows {
			out[table][id] = columns(m)
		}
	}
	return out
}

func columns(m model.Model) map[string]any {
	v, out := reflect.ValueOf(m).Elem(), map[string]any{}
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("ovsdb"); name != "_uuid" && !v.Field(i).IsZero() {
			out[name] = v.Field(i).Interface()
		}
	}
	return out
}

// A part of the topology makes the same rows as the whole does.
func TestPartsMakeTheWhole(t *testing.T) {
	whole, parts := desired(tenant(), hosts(), nil), rows{}
	for _, k := range []string{"network/n1", "network/n2", "router/r1", "group/g1"} {
		for table, rows := range desired(tenant(), hosts(), map[string]bool{k: true}) {
			for id, m := range rows {
				if parts[table][id] != nil {
					t.Errorf("%s %s is of two keys", table, id)
				}
				parts.add(table, id, m)
			}
		}
	}
	if d := cmp.Diff(plain(whole), plain(parts)); d != "" {
		t.Error(d)
	}
}
