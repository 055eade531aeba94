package neutron

import (
	"net/netip"
	"strings"

	"stackd/internal/fault"
)

// A Port is a plug on a network: a MAC, addresses, and who is behind it.
type Port struct {
	Base
	NetworkID    string         `bun:"network_id"`
	MAC          string         `bun:"mac_address"`
	AdminStateUp bool           `bun:"admin_state_up"`
	Status       string         `bun:"status"`
	DeviceID     string         `bun:"device_id"`
	DeviceOwner  string         `bun:"device_owner"`
	PortSecurity bool           `bun:"port_security_enabled"`
	AddressPairs []AddressPair  `bun:"allowed_address_pairs"`
	DHCPOpts     []DHCPOpt      `bun:"extra_dhcp_opts"`
	DNSName      string         `bun:"dns_name"`
	DNSDomain    string         `bun:"dns_domain"`
	Host         string         `bun:"host"` // that it is bound to
	VNICType     string         `bun:"vnic_type"`
	Profile      map[string]any `bun:"profile"`
	// OfServer: made for a server by compute itself, so it goes when the server goes.
	OfServer bool `bun:"of_server"`
	// Attached: compute plugged it into the server that DeviceID names. A tenant may
	// write any DeviceID, which alone plugs nothing into anybody's server.
	Attached bool `bun:"attached"`

	FixedIPs       []FixedIP `bun:"-"`
	SecurityGroups []string  `bun:"-"`
	NetworkProject string    `bun:"-"` // whose network it is on
}

// A FixedIP is an address of a port.
type FixedIP struct {
	SubnetID string `json:"subnet_id,omitempty"`
	Address  string `json:"ip_address,omitempty"`
}

// An AddressPair is what else a port may send as. MAC "" is the port's own.
type AddressPair struct {
	Address string `json:"ip_address"`
	MAC     string `json:"mac_address,omitempty"`
}

// A DHCPOpt is told to the guest besides the subnet's. Version 0 is 4.
type DHCPOpt struct {
	Name    string `json:"opt_name"`
	Value   string `json:"opt_value"`
	Version int    `json:"ip_version"`
}

// Who may be behind a port besides guests.
const (
	OwnerRouter     = "network:router_interface"
	OwnerGateway    = "network:router_gateway"
	OwnerFloatingIP = "network:floatingip"
	OwnerMetadata   = "network:distributed"
	OwnerDHCP       = "network:dhcp"
)

// The states of a port.
const (
	Active = "ACTIVE"
	Down   = "DOWN"
	NA     = "N/A"
)

// How much of a kind one thing may have.
const (
	maxFixedIPs     = 5
	maxAddressPairs = 10
	maxNameservers  = 5
	maxHostRoutes   = 20
	maxRoutes       = 30
)

// PortSpec is a request for a port, or a change of one.
type PortSpec struct {
	Common
	NetworkID      string
	MAC            Maybe[string]
	AdminStateUp   Maybe[bool]
	FixedIPs       Maybe[[]FixedIP]
	DeviceID       Maybe[string]
	DeviceOwner    Maybe[string]
	PortSecurity   Maybe[bool]
	SecurityGroups Maybe[[]string]
	AddressPairs   Maybe[[]AddressPair]
	DHCPOpts       Maybe[[]DHCPOpt]
	DNSName        Maybe[string]
	DNSDomain      Maybe[string]
	Host           Maybe[string]
	VNICType       Maybe[string]
	Profile        Maybe[map[string]any]
	OfServer       bool // and attached
}

func (s PortSpec) apply(p *Port) {
	s.Common.apply(&p.Base)
	s.AdminStateUp.To(&p.AdminStateUp)
	s.DeviceID.To(&p.DeviceID)
	s.DeviceOwner.To(&p.DeviceOwner)
	s.PortSecurity.To(&p.PortSecurity)
	s.AddressPairs.To(&p.AddressPairs)
	s.DNSName.To(&p.DNSName)
	s.DNSDomain.To(&p.DNSDomain)
	s.Profile.To(&p.Profile)
	if s.VNICType.Set {
		p.VNICType = s.VNICType.Or("normal")
	}
	if s.DHCPOpts.Set {
		p.DHCPOpts = mergeOpts(p.DHCPOpts, s.DHCPOpts.Value)
	}
}

// mergeOpts changes the options by name; one without a value is taken away.
func mergeOpts(old, change []DHCPOpt) []DHCPOpt {
	var out []DHCPOpt
	for _, o := range old {
		if !containsOpt(change, o) {
			out = append(out, o)
		}
	}
	for _, o := range change {
		if o.Value != "" {
			out = append(out, o)
		}
	}
	return out
}

func containsOpt(all []DHCPOpt, o DHCPOpt) bool {
	for _, x := range all {
		if x.Name == o.Name && x.Version == o.Version {
			return true
		}
	}
	return false
}

// OfNetwork tells whether the port belongs to the network's own machinery.
func (p *Port) OfNetwork() bool { return strings.HasPrefix(p.DeviceOwner, "network:") }

// Trusted ports are the network's own machinery: no group filters them.
func (p *Port) Trusted() bool { return p.OfNetwork() }

// Bound tells whether a host was chosen.
func (p *Port) Bound() bool { return p.Host != "" }

// swept ports go with their network or subnet.
func (p *Port) swept() bool { return p.DeviceOwner == OwnerMetadata || p.DeviceOwner == OwnerDHCP }

// Addresses are the port's, without their subnets.
func (p *Port) Addresses() []string {
	out := make([]string, len(p.FixedIPs))
	for i, f := range p.FixedIPs {
		out[i] = f.Address
	}
	return out
}

// V4 is the first IPv4 address.
func (p *Port) V4() (FixedIP, bool) {
	for _, f := range p.FixedIPs {
		if addr(f.Address).Is4() {
			return f, true
		}
	}
	return FixedIP{}, false
}

// check says what is wrong with a port as a whole.
func (p *Port) check() error {
	if !p.PortSecurity && len(p.SecurityGroups) > 0 {
		return conflict("PortSecurityPortHasSecurityGroup", "Port has security group associated. Cannot disable port security or IP address until security group is removed.")
	}
	if !p.PortSecurity && len(p.AddressPairs) > 0 {
		return conflict("AddressPairAndPortSecurityRequired", "Port Security must be enabled in order to have allowed address pairs on a port.")
	}
	if len(p.AddressPairs) > maxAddressPairs {
		return badValue("AddressPairExhausted", "The number of allowed address pair exceeds the maximum %d.", maxAddressPairs)
	}
	seen := map[AddressPair]bool{}
	for _, a := range p.AddressPairs {
		if a.MAC == "" {
			a.MAC = p.MAC
		}
		if seen[a] {
			return badValue("DuplicateAddressPairInRequest", "Request contains duplicate address pair: mac_address %s ip_address %s.", a.MAC, a.Address)
		}
		seen[a] = true
	}
	return nil
}

// homeOf finds the subnet that an address asked for belongs to.
func homeOf(subnets []Subnet, networkID string, f FixedIP) (*Subnet, error) {
	a, err := netip.ParseAddr(f.Address)
	if f.Address != "" && err != nil {
		return nil, invalid("'%s' is not a valid IP address", f.Address)
	}
	for i := range subnets {
		t := &subnets[i]
		if f.SubnetID != "" && t.ID != f.SubnetID || f.SubnetID == "" && !t.Prefix().Contains(a) {
			continue
		}
		if f.Address != "" && !usable(t.Prefix(), a) {
			return nil, badValue("InvalidIpForSubnet", "IP address %s is not a valid IP for the specified subnet.", f.Address)
		}
		return t, nil
	}
	if f.SubnetID != "" {
		return nil, invalid("Failed to create port on network %s, because fixed_ips included invalid subnet %s", networkID, f.SubnetID)
	}
	return nil, badValue("InvalidIpForNetwork", "IP address %s is not a valid IP for any of the subnets on the specified network.", f.Address)
}

// usable tells whether a host may have the address.
func usable(p netip.Prefix, a netip.Addr) bool {
	if !p.Contains(a) {
		return false
	}
	first, last := hosts(p)
	if a.Is4() {
		return first.Compare(a) <= 0 && a.Compare(last) <= 0
	}
	return true
}

// reserved are the owners that only the network's own verbs may give a port: by them
// a router's or a network's machinery knows what is its own.
var reserved = []string{OwnerRouter, OwnerGateway, OwnerFloatingIP, OwnerMetadata}

// checkOwner: nobody may pass a port off as machinery, nor move machinery's.
func (s PortSpec) checkOwner(was *Port) error {
	owner, device := s.DeviceOwner.Value, s.DeviceID.Value
	if !s.DeviceOwner.Set {
		owner = was.DeviceOwner
	}
	if !s.DeviceID.Set {
		device = was.DeviceID
	}
	if (contains(reserved, owner) || contains(reserved, was.DeviceOwner)) && (owner != was.DeviceOwner || device != was.DeviceID) {
		return conflict("DeviceIDNotOwnedByTenant", "The following device_id %s is not owned by your tenant or matches another tenants router.", device)
	}
	return nil
}

func portInUse(p *Port) error {
	return conflict("PortInUse", "Unable to complete operation on port %s for network %s. Port already has an attached device %s.", p.ID, p.NetworkID, p.DeviceID)
}

func exhausted(networkID string) error {
	return fault.New(fault.Conflict, "No more IP addresses available on network %s.", networkID).Named("IpAddressGenerationFailure")
}
