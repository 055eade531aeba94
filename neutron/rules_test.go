package neutron

import (
	"testing"

	"stackd/internal/fault"
)

func faultName(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Type
	}
	return ""
}

func TestRulesThatMakeNoSense(t *testing.T) {
	n := func(i int) *int { return &i }
	for _, x := range []struct {
		r    Rule
		want string
	}{
		{Rule{Ethertype: "IPv4", Protocol: "tcp", PortMin: n(80), PortMax: n(22)}, "SecurityGroupInvalidPortRange"},
		{Rule{Ethertype: "IPv4", Protocol: "tcp", PortMin: n(80)}, "SecurityGroupInvalidPortRange"},
		{Rule{Ethertype: "IPv4", Protocol: "tcp", PortMin: n(0), PortMax: n(22)}, "SecurityGroupInvalidPortValue"},
		{Rule{Ethertype: "IPv4", Protocol: "icmp", PortMin: n(256)}, "SecurityGroupInvalidIcmpValue"},
		{Rule{Ethertype: "IPv4", Protocol: "icmp", PortMax: n(3)}, "SecurityGroupMissingIcmpType"},
		{Rule{Ethertype: "IPv4", Protocol: "nonsense"}, "SecurityGroupRuleInvalidProtocol"},
		{Rule{Ethertype: "IPv4", Protocol: "256"}, "SecurityGroupRuleInvalidProtocol"},
		{Rule{Ethertype: "IPv4", PortMin: n(1), PortMax: n(2)}, "SecurityGroupProtocolRequiredWithPorts"},
		{Rule{Ethertype: "IPv4", Protocol: "gre", PortMin: n(1), PortMax: n(2)}, "SecurityGroupInvalidProtocolForPort"},
		{Rule{Ethertype: "IPv4", RemoteIPPrefix: "fd00::/64"}, "SecurityGroupRuleParameterConflict"},
		{Rule{Ethertype: "IPv4", RemoteIPPrefix: "10.0.0.0/8", RemoteGroupID: "g"}, "SecurityGroupRemoteGroupAndRemoteIpPrefix"},
		{Rule{Ethertype: "IPv4", Protocol: "ipv6-icmp"}, "SecurityGroupEthertypeConflictWithProtocol"},
		{Rule{Ethertype: "IPv4", Protocol: "44"}, "SecurityGroupEthertypeConflictWithProtocol"},
		{Rule{Ethertype: "IPv6", Protocol: "icmp", PortMin: n(128), PortMax: n(0)}, ""},
		{Rule{Ethertype: "IPv4", Protocol: "6", PortMin: n(22), PortMax: n(22), RemoteIPPrefix: "10.0.0.1"}, ""},
	} {
		if got := faultName(x.r.check()); got != x.want {
			t.Errorf("%+v: %q, want %q", x.r, got, x.want)
		}
	}
}

func TestProvidersThatMakeNoSense(t *testing.T) {
	for _, x := range []struct {
		kind, phys string
		seg        int
		ok         bool
	}{
		{"flat", "physnet1", 0, true}, {"flat", "", 0, false}, {"flat", "physnet1", 5, false}, {"flat", "nosuch", 0, false},
		{"vlan", "physnet1", 100, true}, {"vlan", "physnet1", 0, true}, {"vlan", "", 100, false}, {"vlan", "physnet1", 4095, false},
		{"vxlan", "", 77, true}, {"vxlan", "", 0, true}, {"geneve", "physnet1", 7, false}, {"geneve", "", 1 << 24, false}, {"gre", "", 1, false}, {"", "physnet1", 0, false},
	} {
		p := Provider{}
		if x.kind != "" {
			p.Type = Some(x.kind)
		}
		if x.phys != "" {
			p.Physical = Some(x.phys)
		}
		if x.seg != 0 {
			p.Segment = Some(x.seg)
		}
		if err := p.check([]string{"physnet1"}); (err == nil) != x.ok {
			t.Errorf("%+v: %v", x, err)
		}
	}
}
