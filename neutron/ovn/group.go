package ovn

import (
	"fmt"
	"strings"

	"stackd/neutron"
)

const (
	dropPriority  = 1001
	allowPriority = 1002
)

func groupName(id string) string { return "pg_" + word(id) }

// drop is the group of a network's guarded ports: what no rule allows is dropped.
func (b *builder) drop(key, network string, ports []string) {
	name := "pg_drop_" + word(network)
	g := &portGroup{UUID: named("Port_Group", name), Name: name, Ports: ports, ExternalIDs: owned(key)}
	for _, x := range [][2]string{{"from-lport", "inport"}, {"to-lport", "outport"}} {
		g.ACLs = append(g.ACLs, b.acl(key, name+" "+x[0], dropPriority, x[0], fmt.Sprintf("%s == @%s && ip", x[1], name), "drop"))
	}
	b.rows.add("Port_Group", g.UUID, g)
}

func (b *builder) acl(key, what string, priority int, direction, match, action string, ids ...string) string {
	id := named("ACL", what)
	return b.rows.add("ACL", id, &acl{UUID: id, Priority: priority, Direction: direction, Match: match, Action: action, ExternalIDs: owned(key, ids...)})
}

// group makes a security group: its members, and an ACL for each rule.
func (b *builder) group(g *neutron.SecurityGroup, members []string) {
	key := "group/" + g.ID
	pg := &portGroup{UUID: named("Port_Group", groupName(g.ID)), Name: groupName(g.ID), ExternalIDs: owned(key, "neutron:security_group_id", g.ID)}
	for _, m := range members {
		pg.Ports = append(pg.Ports, portID(m))
	}
	action := "allow-related"
	if !g.Stateful {
		action = "allow-stateless"
	}
	for i := range g.Rules {
		r := &g.Rules[i]
		direction := "to-lport"
		if r.Direction == "egress" {
			direction = "from-lport"
		}
		pg.ACLs = append(pg.ACLs, b.acl(key, "rule "+r.ID, allowPriority, direction, match(pg.Name, r), action, "neutron:security_group_rule_id", r.ID))
	}
	b.rows.add("Port_Group", pg.UUID, pg)
}

// match is a rule in OVN's language.
func match(group string, r *neutron.Rule) string {
	side, end := "outport", "src"
	if r.Direction == "egress" {
		side, end = "inport", "dst"
	}
	ip, icmp := "ip4", "icmp4"
	if r.Ethertype == "IPv6" {
		ip, icmp = "ip6", "icmp6"
	}
	parts := []string{fmt.Sprintf("%s == @%s", side, group), ip}
	if c := r.NormalizedCIDR(); c != "" && !strings.HasSuffix(c, "/0") {
		parts = append(parts, fmt.Sprintf("%s.%s == %s", ip, end, c))
	}
	if r.RemoteGroupID != "" {
		parts = append(parts, fmt.Sprintf("%s.%s == $%s_%s", ip, end, groupName(r.RemoteGroupID), ip))
	}
	return strings.Join(append(parts, protocol(r, icmp)...), " && ")
}

func protocol(r *neutron.Rule, icmp string) []string {
	n := neutron.ProtocolNumber(r.Protocol)
	names := map[int]string{6: "tcp", 17: "udp", 132: "sctp"}
	switch {
	case n < 0 || n == 0:
		return nil
	case n == 1 || n == 58:
		return icmpMatch(r, icmp)
	case names[n] == "":
		return []string{fmt.Sprintf("ip.proto == %d", n)}
	}
	out := []string{names[n]}
	if r.PortMin == nil || r.PortMax == nil {
		return out
	}
	if *r.PortMin == *r.PortMax {
		return append(out, fmt.Sprintf("%s.dst == %d", names[n], *r.PortMin))
	}
	return append(out, fmt.Sprintf("%s.dst >= %d", names[n], *r.PortMin), fmt.Sprintf("%s.dst <= %d", names[n], *r.PortMax))
}

func icmpMatch(r *neutron.Rule, icmp string) []string {
	out := []string{icmp}
	if r.PortMin != nil {
		out = append(out, fmt.Sprintf("%s.type == %d", icmp, *r.PortMin))
	}
	if r.PortMax != nil {
		out = append(out, fmt.Sprintf("%s.code == %d", icmp, *r.PortMax))
	}
	return out
}
