package ovn

import (
	"github.com/google/uuid"
	"github.com/ovn-kubernetes/libovsdb/model"
)

// The tables of the northbound database, in the columns that are written or read.

type logicalSwitch struct {
	UUID        string            `ovsdb:"_uuid"`
	Name        string            `ovsdb:"name"`
	Ports       []string          `ovsdb:"ports"`
	DNSRecords  []string          `ovsdb:"dns_records"`
	OtherConfig map[string]string `ovsdb:"other_config"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

type logicalSwitchPort struct {
	UUID         string            `ovsdb:"_uuid"`
	Name         string            `ovsdb:"name"`
	Type         string            `ovsdb:"type"`
	Addresses    []string          `ovsdb:"addresses"`
	PortSecurity []string          `ovsdb:"port_security"`
	Options      map[string]string `ovsdb:"options"`
	Tag          *int              `ovsdb:"tag"`
	Enabled      *bool             `ovsdb:"enabled"`
	DHCPv4       *string           `ovsdb:"dhcpv4_options"`
	DHCPv6       *string           `ovsdb:"dhcpv6_options"`
	ExternalIDs  map[string]string `ovsdb:"external_ids"`
	Up           *bool             `ovsdb:"up" seen:"only"` // written by OVN
}

type dhcpOptions struct {
	UUID        string            `ovsdb:"_uuid"`
	CIDR        string            `ovsdb:"cidr"`
	Options     map[string]string `ovsdb:"options"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

type dnsRecords struct {
	UUID        string            `ovsdb:"_uuid"`
	Records     map[string]string `ovsdb:"records"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

type portGroup struct {
	UUID        string            `ovsdb:"_uuid"`
	Name        string            `ovsdb:"name"`
	Ports       []string          `ovsdb:"ports"`
	ACLs        []string          `ovsdb:"acls"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

type acl struct {
	UUID        string            `ovsdb:"_uuid"`
	Priority    int               `ovsdb:"priority"`
	Direction   string            `ovsdb:"direction"`
	Match       string            `ovsdb:"match"`
	Action      string            `ovsdb:"action"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

type logicalRouter struct {
	UUID         string            `ovsdb:"_uuid"`
	Name         string            `ovsdb:"name"`
	Ports        []string          `ovsdb:"ports"`
	StaticRoutes []string          `ovsdb:"static_routes"`
	NAT          []string          `ovsdb:"nat"`
	Enabled      *bool             `ovsdb:"enabled"`
	Options      map[string]string `ovsdb:"options"`
	ExternalIDs  map[string]string `ovsdb:"external_ids"`
}

type logicalRouterPort struct {
	UUID           string            `ovsdb:"_uuid"`
	Name           string            `ovsdb:"name"`
	MAC            string            `ovsdb:"mac"`
	Networks       []string          `ovsdb:"networks"`
	GatewayChassis []string          `ovsdb:"gateway_chassis"`
	RAConfigs      map[string]string `ovsdb:"ipv6_ra_configs"`
	Options        map[string]string `ovsdb:"options"`
	ExternalIDs    map[string]string `ovsdb:"external_ids"`
}

type gatewayChassis struct {
	UUID        string            `ovsdb:"_uuid"`
	Name        string            `ovsdb:"name"`
	ChassisName string            `ovsdb:"chassis_name"`
	Priority    int               `ovsdb:"priority"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

type staticRoute struct {
	UUID        string            `ovsdb:"_uuid"`
	IPPrefix    string            `ovsdb:"ip_prefix"`
	Nexthop     string            `ovsdb:"nexthop"`
	OutputPort  *string           `ovsdb:"output_port"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

type nat struct {
	UUID        string            `ovsdb:"_uuid"`
	Type        string            `ovsdb:"type"`
	ExternalIP  string            `ovsdb:"external_ip"`
	LogicalIP   string            `ovsdb:"logical_ip"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

// ours is a row that says under which key it is reconciled.
type ours interface{ owner() string }

func (m *logicalSwitch) owner() string     { return m.ExternalIDs[ownerKey] }
func (m *logicalSwitchPort) owner() string { return m.ExternalIDs[ownerKey] }
func (m *dhcpOptions) owner() string       { return m.ExternalIDs[ownerKey] }
func (m *dnsRecords) owner() string        { return m.ExternalIDs[ownerKey] }
func (m *portGroup) owner() string         { return m.ExternalIDs[ownerKey] }
func (m *acl) owner() string               { return m.ExternalIDs[ownerKey] }
func (m *logicalRouter) owner() string     { return m.ExternalIDs[ownerKey] }
func (m *logicalRouterPort) owner() string { return m.ExternalIDs[ownerKey] }
func (m *gatewayChassis) owner() string    { return m.ExternalIDs[ownerKey] }
func (m *staticRoute) owner() string       { return m.ExternalIDs[ownerKey] }
func (m *nat) owner() string               { return m.ExternalIDs[ownerKey] }

// nbTables are the tables by name. roots stay when nothing points at them: they are
// deleted by name, the others with their last reference.
var nbTables = map[string]model.Model{
	"Logical_Switch": &logicalSwitch{}, "Logical_Switch_Port": &logicalSwitchPort{}, "DHCP_Options": &dhcpOptions{}, "DNS": &dnsRecords{},
	"Port_Group": &portGroup{}, "ACL": &acl{}, "Logical_Router": &logicalRouter{}, "Logical_Router_Port": &logicalRouterPort{},
	"Gateway_Chassis": &gatewayChassis{}, "Logical_Router_Static_Route": &staticRoute{}, "NAT": &nat{},
}

var roots = []string{"Logical_Switch", "DHCP_Options", "DNS", "Port_Group", "Logical_Router"}

// chassis is a host, in the southbound database.
type chassis struct {
	UUID        string            `ovsdb:"_uuid"`
	Name        string            `ovsdb:"name"`
	Hostname    string            `ovsdb:"hostname"`
	OtherConfig map[string]string `ovsdb:"other_config"`
}

var sbTables = map[string]model.Model{"Chassis": &chassis{}}

var space = uuid.MustParse("5e8a8f60-4b7c-4f0e-9a56-3b0c1f6d2a77")

// named is the UUID of the row that is for this.
func named(table, what string) string { return uuid.NewSHA1(space, []byte(table+" "+what)).String() }

const ownerKey = "stackd:owner"

func owned(key string, more ...string) map[string]string {
	m := map[string]string{ownerKey: key}
	for i := 0; i+1 < len(more); i += 2 {
		m[more[i]] = more[i+1]
	}
	return m
}

func ref[T any](v T) *T { return &v }
