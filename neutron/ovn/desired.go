package ovn

import (
	"strings"

	"stackd/neutron"

	"github.com/ovn-kubernetes/libovsdb/model"
)

// A Site is what of the hosts matters to the northbound database.
type Site struct {
	Chassis []Chassis
	// Nameservers are told to guests on subnets that name none.
	Nameservers []string
	DNSDomain   string // of guests, without a dot at its end
}

// A Chassis is a host: the physical networks it is on, and whether it is a gateway.
type Chassis struct {
	Name, Hostname string
	Physnets       []string
	Gateway        bool
}

// rows is what should be in the northbound database: by table, then UUID.
type rows map[string]map[string]model.Model

func (r rows) add(table, id string, m model.Model) string {
	if r[table] == nil {
		r[table] = map[string]model.Model{}
	}
	r[table][id] = m
	return id
}

// desired says what should be there for the things of the topology. keys narrows it
// to some networks, routers and groups; nil is all.
func desired(t neutron.Topology, site Site, keys map[string]bool) rows {
	b := &builder{rows: rows{}, Site: site, nets: map[string]*neutron.Network{}, subs: map[string]*neutron.Subnet{}, on: map[string][]*neutron.Port{},
		of: map[string][]*neutron.Port{}, subsOf: map[string][]*neutron.Subnet{}, fips: map[string][]*neutron.FloatingIP{}}
	b.index(t)
	wanted := func(key string) bool { return keys == nil || keys[key] }
	for i := range t.Networks {
		if n := &t.Networks[i]; wanted("network/" + n.ID) {
			b.network(n)
		}
	}
	for i := range t.Routers {
		if r := &t.Routers[i]; wanted("router/" + r.ID) {
			b.router(r)
		}
	}
	for i := range t.Groups {
		if g := &t.Groups[i]; wanted("group/" + g.ID) {
			b.group(g, t.Members[g.ID])
		}
	}
	return b.rows
}

type builder struct {
	Site
	rows   rows
	nets   map[string]*neutron.Network
	subs   map[string]*neutron.Subnet
	subsOf map[string][]*neutron.Subnet     // by network
	on     map[string][]*neutron.Port       // by network
	of     map[string][]*neutron.Port       // by device
	fips   map[string][]*neutron.FloatingIP // by router
}

func (b *builder) index(t neutron.Topology) {
	for i := range t.Networks {
		b.nets[t.Networks[i].ID] = &t.Networks[i]
	}
	for i := range t.Subnets {
		s := &t.Subnets[i]
		b.subs[s.ID] = s
		b.subsOf[s.NetworkID] = append(b.subsOf[s.NetworkID], s)
	}
	for i := range t.Ports {
		p := &t.Ports[i]
		b.on[p.NetworkID] = append(b.on[p.NetworkID], p)
		b.of[p.DeviceID] = append(b.of[p.DeviceID], p)
	}
	for i := range t.FloatingIPs {
		f := &t.FloatingIPs[i]
		b.fips[f.RouterID] = append(b.fips[f.RouterID], f)
	}
}

// word is an id as OVN's expressions take it.
func word(id string) string { return strings.ReplaceAll(id, "-", "_") }

func set(items []string) string { return "{" + strings.Join(items, ", ") + "}" }

// quoted is a string that ends where it should.
func quoted(s string) string { return `"` + strings.NewReplacer(`"`, "", `\`, "").Replace(s) + `"` }
