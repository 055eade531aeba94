package deploy

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"stackd/deploy/answers"
)

// A Plan is a cloud as it should be: what the answers come to.
type Plan struct {
	Answers     answers.Answers
	Controller  string // the first of Controllers
	Controllers []string
	Endpoint    string   // the address that clients use, of several controllers
	Database    string   // the host of their database; "" when it is outside
	Outside     []string // the servers of one that is
	Computes    []string
	Infra       string // the host that answers names and tells the time; "" for none
	NTP         []string
	Physnet     string // of the bridge mappings; "" for none
	Uplink      string // the controller's link that becomes a port of br-ex
	TunnelIf    string // the link of tunnels; "" is that of the host's address
	Region      string
	Notes       []string // what the answers say that is done otherwise, or not
}

// NewPlan reads the answers. What cannot be is told all at once.
func NewPlan(a answers.Answers) (*Plan, error) {
	p := &Plan{Answers: a, Controllers: a.List("CONFIG_CONTROLLER_HOST"), Endpoint: a["CONFIG_STACKD_ENDPOINT"], Database: a["CONFIG_MARIADB_HOST"], Infra: a["CONFIG_STACKD_INFRA_HOST"], NTP: a.List("CONFIG_NTP_SERVERS"), Region: a["CONFIG_KEYSTONE_REGION"], TunnelIf: first(a, "TUNNEL_IF")}
	if p.Controller = a["CONFIG_CONTROLLER_HOST"]; p.several() {
		p.Controller = p.Controllers[0]
	}
	without := a.List("EXCLUDE_SERVERS")
	for _, h := range a.List("CONFIG_COMPUTE_HOSTS") {
		if !slices.Contains(without, h) && !slices.Contains(p.Computes, h) {
			p.Computes = append(p.Computes, h)
		}
	}
	errs := []error{p.hosts(), p.peers(), p.infra(), p.fixed(), p.bridge(), p.types(), p.nat(), p.repository()}
	p.mapped()
	return p, errors.Join(errs...)
}

// first is the answer for the switch that is used: OVN's key, else OVS's.
func first(a answers.Answers, name string) string {
	ovs, ovn := a["CONFIG_NEUTRON_OVS_"+name], a["CONFIG_NEUTRON_OVN_"+name]
	if ovs != "" && (ovn == "" || ovn == "extnet:br-ex" || a["CONFIG_NEUTRON_L2_AGENT"] == "openvswitch") {
		return ovs
	}
	return ovn
}

func (p *Plan) hosts() error {
	var errs []error
	for _, h := range append(slices.Clone(p.Controllers), p.Computes...) {
		if _, err := netip.ParseAddr(h); err != nil {
			errs = append(errs, fmt.Errorf("%q: hosts are named by their addresses, for example 192.0.2.10", h))
		}
	}
	for _, key := range []string{"CONFIG_NETWORK_HOSTS", "CONFIG_STORAGE_HOST"} {
		for _, v := range p.Answers.List(key) {
			if !slices.Contains(p.Controllers, v) {
				errs = append(errs, fmt.Errorf("%s=%s: it must be the controller, %s", key, v, strings.Join(p.Controllers, " or ")))
			}
		}
	}
	return errors.Join(errs...)
}

var domainShape = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// infra reads what the host of names and time is told.
func (p *Plan) infra() error {
	if p.Infra == "" {
		return nil
	}
	var errs []error
	if a, err := netip.ParseAddr(p.Infra); err != nil || !a.Is4() {
		errs = append(errs, fmt.Errorf("CONFIG_STACKD_INFRA_HOST=%s: an IPv4 address is wanted, for example 192.0.2.5", p.Infra))
	}
	if !domainShape.MatchString(p.Domain()) {
		errs = append(errs, fmt.Errorf("CONFIG_STACKD_DNS_DOMAIN=%s: a domain in lower case is wanted, for example cloud.internal", p.Domain()))
	}
	for _, f := range p.Answers.List("CONFIG_STACKD_DNS_FORWARDERS") {
		if _, err := netip.ParseAddr(f); err != nil {
			errs = append(errs, fmt.Errorf("CONFIG_STACKD_DNS_FORWARDERS: %q is no address", f))
		}
	}
	return errors.Join(errs...)
}

// Domain is the zone of the hosts' names.
func (p *Plan) Domain() string { return p.Answers["CONFIG_STACKD_DNS_DOMAIN"] }

// upstream are the time servers that the cloud takes the time from.
func (p *Plan) upstream() []string {
	return slices.DeleteFunc(slices.Clone(p.NTP), func(s string) bool { return s == p.Infra })
}

// timeServers are those that a host is to follow: the infra host where there is one.
func (p *Plan) timeServers(host string) []string {
	switch {
	case p.Infra == "":
		return p.NTP
	case p.Infra == host:
		return nil // it is one itself
	}
	return []string{p.Infra}
}

// fixed refuses answers that ask for what there is not.
func (p *Plan) fixed() error {
	var errs []error
	for _, s := range []string{"GLANCE", "CINDER", "NOVA", "NEUTRON", "HORIZON"} {
		if p.Answers["CONFIG_"+s+"_INSTALL"] == "n" {
			errs = append(errs, fmt.Errorf("CONFIG_%s_INSTALL=n: it is part of the one program and cannot be left out", s))
		}
	}
	for key, want := range map[string]string{"CONFIG_KEYSTONE_ADMIN_USERNAME": "admin", "CONFIG_NEUTRON_L3_EXT_BRIDGE": "br-ex"} {
		if v := p.Answers[key]; v != "" && v != want {
			errs = append(errs, fmt.Errorf("%s=%s: only %s can be kept", key, v, want))
		}
	}
	if b := p.Answers["CONFIG_CINDER_BACKEND"]; b != "lvm" && b != "file" {
		errs = append(errs, fmt.Errorf("CONFIG_CINDER_BACKEND=%s: lvm or file can be kept", b))
	}
	return errors.Join(errs...)
}

// bridge reads physnet1:br-ex and br-ex:eth0.
func (p *Plan) bridge() error {
	m := first(p.Answers, "BRIDGE_MAPPINGS")
	if m == "" {
		return nil
	}
	net, bridge, ok := strings.Cut(m, ":")
	if !ok || net == "" || bridge != "br-ex" || strings.Contains(m, ",") {
		return fmt.Errorf("bridge mappings %q: one physical network on br-ex can be kept, for example physnet1:br-ex", m)
	}
	p.Physnet = net
	i := first(p.Answers, "BRIDGE_IFACES")
	if i == "" {
		return nil
	}
	if bridge, p.Uplink, ok = strings.Cut(i, ":"); !ok || bridge != "br-ex" || strings.ContainsAny(p.Uplink, ":, ") || p.Uplink == "" {
		return fmt.Errorf("bridge interfaces %q: one link on br-ex can be kept, for example br-ex:eth0", i)
	}
	return nil
}

func (p *Plan) types() error {
	for _, t := range p.Answers.List("CONFIG_NEUTRON_ML2_TYPE_DRIVERS") {
		if !slices.Contains([]string{"local", "flat", "vlan", "vxlan", "geneve"}, t) {
			return fmt.Errorf("CONFIG_NEUTRON_ML2_TYPE_DRIVERS: there are no networks of type %s; flat, vlan, vxlan, geneve and local can be kept", t)
		}
	}
	return nil
}

// mapped notes each answer that was given on purpose and is done otherwise.
func (p *Plan) mapped() {
	for _, q := range answers.Parameters {
		v, ok := p.Answers[q.Key]
		if !ok || v == "" || v == q.Default || q.Verdict == answers.Honoured || q.Masked() || strings.HasPrefix(q.Default, "@") {
			continue
		}
		if q.Verdict == answers.None && v == "n" {
			continue
		}
		p.Notes = append(p.Notes, fmt.Sprintf("Parameter %s: %s", q.Key, q.Words))
	}
	if p.Answers.Yes("CONFIG_SWIFT_INSTALL") {
		p.Notes = append(p.Notes, "Parameter CONFIG_SWIFT_INSTALL: objects are not offered yet")
	}
}

// Addresses are all hosts, the controllers first.
func (p *Plan) Addresses() []string {
	all := slices.Clone(p.Controllers)
	more := append(slices.Clone(p.Computes), p.Infra)
	if p.several() {
		more = append(more, p.Database)
	}
	for _, c := range more {
		if c != "" && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

// alone tells whether no other host than the controller runs guests.
func (p *Plan) alone() bool {
	return !p.several() && !slices.ContainsFunc(p.Computes, func(c string) bool { return c != p.Controller })
}
