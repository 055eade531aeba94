package neutron

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A SecurityGroup is a set of rules; what no rule of a port's groups allows is dropped.
type SecurityGroup struct {
	Base
	Stateful  bool `bun:"stateful"`
	IsDefault bool `bun:"is_default"` // of its project; made by itself

	Rules  []Rule `bun:"-"`
	Shared bool   `bun:"-"`
}

// A Rule allows some packets to or from the ports of its group. Empty is any.
type Rule struct {
	ID             string    `bun:"id,pk"`
	ProjectID      string    `bun:"project_id"`
	GroupID        string    `bun:"security_group_id"`
	Direction      string    `bun:"direction"` // ingress, egress
	Ethertype      string    `bun:"ethertype"` // IPv4, IPv6
	Protocol       string    `bun:"protocol"`
	PortMin        *int      `bun:"port_range_min"`
	PortMax        *int      `bun:"port_range_max"`
	RemoteIPPrefix string    `bun:"remote_ip_prefix"`
	RemoteGroupID  string    `bun:"remote_group_id"`
	Description    *string   `bun:"description"`
	Revision       int64     `bun:"revision"`
	CreatedAt      time.Time `bun:"created_at"`
	UpdatedAt      time.Time `bun:"updated_at"`

	GroupProject string `bun:"-"` // whose group it is in
}

// SecurityGroupSpec is a request for a group, or a change of one.
type SecurityGroupSpec struct {
	Common
	Stateful Maybe[bool]
}

// RuleSpec is a request for a rule.
type RuleSpec struct {
	ProjectID      string
	GroupID        string
	Direction      string
	Ethertype      string
	Protocol       string
	PortMin        *int
	PortMax        *int
	RemoteIPPrefix string
	RemoteGroupID  string
	Description    *string
}

// NormalizedCIDR is the prefix without host bits; "" for none.
func (r *Rule) NormalizedCIDR() string {
	if r.RemoteIPPrefix == "" {
		return ""
	}
	p, err := prefixOrAddr(r.RemoteIPPrefix)
	if err != nil {
		return ""
	}
	return p.Masked().String()
}

func prefixOrAddr(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		return netip.ParsePrefix(s)
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// Protocols are the names that rules know, by number.
var Protocols = map[string]int{"ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "hopopt": 0, "icmp": 1, "icmpv6": 58, "igmp": 2, "ip": 0, "ipip": 4,
	"ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "ipv6-route": 43,
	"ospf": 89, "pgm": 113, "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136, "vrrp": 112}

// ProtocolNumber is a rule's protocol as the wire has it; -1 is any.
func ProtocolNumber(p string) int {
	if p == "" || p == "any" {
		return -1
	}
	if n, ok := Protocols[p]; ok {
		return n
	}
	n, err := strconv.Atoi(p)
	if err != nil {
		return -1
	}
	return n
}

// same tells whether two rules say the same.
func (r *Rule) same(o *Rule) bool {
	num := func(p *int) int {
		if p == nil {
			return -1
		}
		return *p
	}
	return r.Direction == o.Direction && r.Ethertype == o.Ethertype && ProtocolNumber(r.Protocol) == ProtocolNumber(o.Protocol) &&
		num(r.PortMin) == num(o.PortMin) && num(r.PortMax) == num(o.PortMax) &&
		r.RemoteGroupID == o.RemoteGroupID && r.NormalizedCIDR() == o.NormalizedCIDR()
}

// check says what is wrong with a rule, and writes its protocol in one way.
func (r *Rule) check() error {
	if err := r.checkProtocol(); err != nil {
		return err
	}
	if r.RemoteIPPrefix != "" && r.RemoteGroupID != "" {
		return badValue("SecurityGroupRemoteGroupAndRemoteIpPrefix", "Only remote_ip_prefix or remote_group_id may be provided.")
	}
	if r.RemoteIPPrefix != "" {
		p, err := prefixOrAddr(r.RemoteIPPrefix)
		if err != nil {
			return invalid("'%s' is not a valid IP subnet", r.RemoteIPPrefix)
		}
		if p.Addr().Is4() != (r.Ethertype == "IPv4") {
			return badValue("SecurityGroupRuleParameterConflict", "Conflicting value ethertype %s for CIDR %s", r.Ethertype, r.RemoteIPPrefix)
		}
	}
	return r.checkPorts()
}

func (r *Rule) checkProtocol() error {
	r.Protocol = strings.ToLower(r.Protocol)
	if r.Protocol == "any" {
		r.Protocol = ""
	}
	if r.Protocol == "" {
		return nil
	}
	_, known := Protocols[r.Protocol]
	n, err := strconv.Atoi(r.Protocol)
	if !known && (err != nil || n < 0 || n > 255) {
		return badValue("SecurityGroupRuleInvalidProtocol", "Security group rule protocol %s not supported. Only protocol values %s and integer representations [0 to 255] are supported.",
			r.Protocol, protocolNames())
	}
	if r.Ethertype == "IPv6" && (r.Protocol == "icmp" || r.Protocol == "icmpv6") {
		r.Protocol = "ipv6-icmp"
	}
	if r.Ethertype == "IPv4" && slices.Contains(sixOnly, ProtocolNumber(r.Protocol)) {
		return badValue("SecurityGroupEthertypeConflictWithProtocol", "Invalid ethertype %s for protocol %s.", r.Ethertype, r.Protocol)
	}
	return nil
}

// sixOnly are the protocols that IPv6 alone has.
var sixOnly = []int{41, 43, 44, 58, 59, 60}

func protocolNames() string {
	names := []string{"any"}
	for n := range Protocols {
		names = append(names, n)
	}
	slices.Sort(names)
	return "[" + strings.Join(names, ", ") + "]"
}

func (r *Rule) checkPorts() error {
	if r.PortMin == nil && r.PortMax == nil {
		return nil
	}
	switch ProtocolNumber(r.Protocol) {
	case 1, 58:
		return r.checkICMP()
	case 6, 17, 33, 132, 136:
		return r.checkRange()
	case -1:
		return badValue("SecurityGroupProtocolRequiredWithPorts", "Must also specify protocol if port range is given.")
	}
	return badValue("SecurityGroupInvalidProtocolForPort", "Invalid protocol %s for port range, only supported for TCP, UDP, UDPLITE, SCTP and DCCP.", r.Protocol)
}

func (r *Rule) checkICMP() error {
	for field, v := range map[string]*int{"type (port-range-min)": r.PortMin, "code (port-range-max)": r.PortMax} {
		if v != nil && (*v < 0 || *v > 255) {
			kind, attr, _ := strings.Cut(field, " ")
			return badValue("SecurityGroupInvalidIcmpValue", "Invalid value for ICMP %s %s %d. It must be 0 to 255.", kind, attr, *v)
		}
	}
	if r.PortMin == nil && r.PortMax != nil {
		return badValue("SecurityGroupMissingIcmpType", "ICMP code (port-range-max) %d is provided but ICMP type (port-range-min) is missing.", *r.PortMax)
	}
	return nil
}

func (r *Rule) checkRange() error {
	if r.PortMin == nil || r.PortMax == nil || *r.PortMin > *r.PortMax {
		return badValue("SecurityGroupInvalidPortRange", "For TCP/UDP protocols, port_range_min must be <= port_range_max")
	}
	for _, p := range []int{*r.PortMin, *r.PortMax} {
		if p < 1 || p > 65535 {
			return badValue("SecurityGroupInvalidPortValue", "Invalid value for port %d", p)
		}
	}
	return nil
}

func ruleExists(id string) error {
	return conflict("SecurityGroupRuleExists", "Security group rule already exists. Rule id is %s.", id)
}
