package neutron

import (
	"net/netip"
	"slices"
	"strings"
)

// A Subnet is a range of addresses on a network, and what a guest there is told.
type Subnet struct {
	Base
	NetworkID    string   `bun:"network_id"`
	SubnetpoolID string   `bun:"subnetpool_id"`
	IPVersion    int      `bun:"ip_version"`
	CIDR         string   `bun:"cidr"`
	GatewayIP    string   `bun:"gateway_ip"` // "" is none
	EnableDHCP   bool     `bun:"enable_dhcp"`
	Pools        []Pool   `bun:"allocation_pools"`
	DNS          []string `bun:"dns_nameservers"`
	HostRoutes   []Route  `bun:"host_routes"`
	RAMode       string   `bun:"ipv6_ra_mode"`
	AddressMode  string   `bun:"ipv6_address_mode"`
	ServiceTypes []string `bun:"service_types"`

	Shared         bool   `bun:"-"` // its network is, with whoever asks
	External       bool   `bun:"-"` // its network is
	NetworkProject string `bun:"-"` // whose network it is on
}

// A Pool is a range of addresses that may be given out, both ends included.
type Pool struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

// A Route is a way to a destination.
type Route struct {
	Destination string `json:"destination"`
	Nexthop     string `json:"nexthop"`
}

// The ways in which a guest gets its IPv6 address.
const (
	SLAAC           = "slaac"
	DHCPv6Stateful  = "dhcpv6-stateful"
	DHCPv6Stateless = "dhcpv6-stateless"
)

// SubnetSpec is a request for a subnet, or a change of one.
type SubnetSpec struct {
	Common
	NetworkID    string
	IPVersion    int
	CIDR         Maybe[string]
	Prefixlen    Maybe[int]
	SubnetpoolID Maybe[string]
	UseDefault   Maybe[bool]
	GatewayIP    Maybe[string]
	EnableDHCP   Maybe[bool]
	Pools        Maybe[[]Pool]
	DNS          Maybe[[]string]
	HostRoutes   Maybe[[]Route]
	RAMode       Maybe[string]
	AddressMode  Maybe[string]
	ServiceTypes Maybe[[]string]
}

func (s SubnetSpec) apply(t *Subnet) {
	s.Common.apply(&t.Base)
	s.EnableDHCP.To(&t.EnableDHCP)
	s.DNS.To(&t.DNS)
	s.HostRoutes.To(&t.HostRoutes)
	s.RAMode.To(&t.RAMode)
	s.AddressMode.To(&t.AddressMode)
	s.ServiceTypes.To(&t.ServiceTypes)
}

// Prefix is the subnet's range.
func (t *Subnet) Prefix() netip.Prefix {
	p, _ := netip.ParsePrefix(t.CIDR)
	return p
}

// Auto tells whether guests make their addresses themselves, of their MAC.
func (t *Subnet) Auto() bool {
	return t.IPVersion == 6 && (t.AddressMode == SLAAC || t.AddressMode == DHCPv6Stateless)
}

// EUI64 is the address that a guest with this MAC makes itself on an Auto subnet.
func (t *Subnet) EUI64(mac string) string {
	a := t.Prefix().Addr().As16()
	m := macBytes(mac)
	copy(a[8:], []byte{m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]})
	return netip.AddrFrom16(a).String()
}

// ParseCIDR reads a range and clears its host bits, as neutron does.
func ParseCIDR(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Zone() != "" {
		return p, invalid("%s is not in a CIDR format", s)
	}
	return p.Masked(), nil
}

// firstHost is the address a gateway gets when none is said.
func firstHost(p netip.Prefix) netip.Addr {
	if p.Bits() == p.Addr().BitLen() {
		return p.Addr()
	}
	return p.Addr().Next()
}

// hosts are the ends of the addresses that hosts may have.
func hosts(p netip.Prefix) (first, last netip.Addr) {
	first, last = p.Addr(), lastOf(p)
	if p.Addr().Is4() && p.Bits() < 31 {
		return first.Next(), last.Prev()
	}
	if p.Addr().Is6() && p.Bits() < 127 {
		return first.Next(), last
	}
	return first, last
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// defaultPools is every host address but the gateway's.
func defaultPools(p netip.Prefix, gateway netip.Addr) []Pool {
	first, last := hosts(p)
	if !gateway.IsValid() || !p.Contains(gateway) || gateway.Compare(first) < 0 || last.Compare(gateway) < 0 {
		return []Pool{{first.String(), last.String()}}
	}
	var pools []Pool
	if first.Compare(gateway) < 0 {
		pools = append(pools, Pool{first.String(), gateway.Prev().String()})
	}
	if gateway.Compare(last) < 0 {
		pools = append(pools, Pool{gateway.Next().String(), last.String()})
	}
	return pools
}

// checkPools sorts the pools and says what is wrong with them.
func checkPools(p netip.Prefix, pools []Pool) ([]Pool, error) {
	first, last := hosts(p)
	if p.Addr().Is6() {
		first = p.Addr()
	}
	for i, pool := range pools {
		a, err1 := netip.ParseAddr(pool.Start)
		b, err2 := netip.ParseAddr(pool.End)
		name := pool.Start + "-" + pool.End
		if err1 != nil || err2 != nil || a.BitLen() != p.Addr().BitLen() || b.BitLen() != a.BitLen() || b.Compare(a) < 0 {
			return nil, badValue("InvalidAllocationPool", "The allocation pool %s is not valid.", name)
		}
		if a.Compare(first) < 0 || last.Compare(b) < 0 {
			return nil, badValue("OutOfBoundsAllocationPool", "The allocation pool %s spans beyond the subnet cidr %s.", name, p)
		}
		pools[i] = Pool{a.String(), b.String()}
	}
	sorted := slices.Clone(pools)
	slices.SortFunc(sorted, func(x, y Pool) int { return addr(x.Start).Compare(addr(y.Start)) })
	for i := range sorted[:max(len(sorted)-1, 0)] {
		if addr(sorted[i+1].Start).Compare(addr(sorted[i].End)) <= 0 {
			return nil, conflict("OverlappingAllocationPools", "Found overlapping allocation pools: %s-%s %s-%s for subnet %s.",
				sorted[i].Start, sorted[i].End, sorted[i+1].Start, sorted[i+1].End, p)
		}
	}
	return sorted, nil
}

func addr(s string) netip.Addr {
	a, _ := netip.ParseAddr(s)
	return a
}

// Has tells whether the address is in the pool.
func (p Pool) Has(a netip.Addr) bool {
	return addr(p.Start).Compare(a) <= 0 && a.Compare(addr(p.End)) <= 0
}

// check says what is wrong with a subnet as a whole.
func (t *Subnet) check() error {
	p := t.Prefix()
	if err := t.checkGateway(p); err != nil {
		return err
	}
	if err := t.checkIPv6(); err != nil {
		return err
	}
	if len(t.DNS) > maxNameservers {
		return badValue("DNSNameServersExhausted", "Unable to complete operation for %s. The number of DNS nameservers exceeds the limit %d.", t.ID, maxNameservers)
	}
	if len(t.HostRoutes) > maxHostRoutes {
		return badValue("HostRoutesExhausted", "Unable to complete operation for %s. The number of host routes exceeds the limit %d.", t.ID, maxHostRoutes)
	}
	for _, d := range t.DNS {
		if a, err := netip.ParseAddr(d); err != nil || a.Is4() != (t.IPVersion == 4) {
			return invalid("dns_nameserver '%s' is not a valid IPv%d address", d, t.IPVersion)
		}
	}
	for _, r := range t.HostRoutes {
		d, err := netip.ParsePrefix(r.Destination)
		if err != nil || d.Addr().Is4() != p.Addr().Is4() || !addr(r.Nexthop).IsValid() || addr(r.Nexthop).Is4() != p.Addr().Is4() {
			return invalid("host route %s via %s is not valid for an IPv%d subnet", r.Destination, r.Nexthop, t.IPVersion)
		}
	}
	return nil
}

func (t *Subnet) checkGateway(p netip.Prefix) error {
	if t.GatewayIP == "" {
		return nil
	}
	g, err := netip.ParseAddr(t.GatewayIP)
	if err != nil || g.Is4() != p.Addr().Is4() {
		return invalid("gateway_ip '%s' does not match the ip_version '%d'", t.GatewayIP, t.IPVersion)
	}
	first, last := hosts(p)
	if p.Contains(g) && g.Is4() && (g.Compare(first) < 0 || last.Compare(g) < 0) {
		return invalid("Gateway is not valid on subnet")
	}
	if p.Addr().Is4() && !p.Contains(g) {
		return invalid("Gateway is not valid on subnet")
	}
	for _, pool := range t.Pools {
		if pool.Has(g) {
			return conflict("GatewayConflictWithAllocationPools", "Gateway ip %s conflicts with allocation pool %s-%s.", g, pool.Start, pool.End)
		}
	}
	return nil
}

func (t *Subnet) checkIPv6() error {
	if t.RAMode == "" && t.AddressMode == "" {
		return nil
	}
	if t.IPVersion == 4 {
		name := "ipv6_ra_mode"
		if t.RAMode == "" {
			name = "ipv6_address_mode"
		}
		return invalid("%s is not valid when ip_version is 4", name)
	}
	if !t.EnableDHCP {
		return invalid("ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False")
	}
	if t.RAMode != "" && t.AddressMode != "" && t.RAMode != t.AddressMode {
		return invalid("ipv6_ra_mode set to '%s' with ipv6_address_mode set to '%s' is not valid. If both attributes are set, they must be the same value", t.RAMode, t.AddressMode)
	}
	if (t.RAMode == SLAAC || t.RAMode == DHCPv6Stateless || t.Auto()) && t.Prefix().Bits() != 64 {
		return invalid("Invalid CIDR %s for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64", t.CIDR)
	}
	return nil
}

// overlaps finds which of the other subnets shares addresses.
func (t *Subnet) overlaps(others []Subnet) *Subnet {
	for i := range others {
		if others[i].ID != t.ID && t.Prefix().Overlaps(others[i].Prefix()) {
			return &others[i]
		}
	}
	return nil
}

// serves tells whether the subnet gives addresses to ports of this owner.
func (t *Subnet) serves(owner string) bool {
	if len(t.ServiceTypes) == 0 {
		return true
	}
	return slices.ContainsFunc(t.ServiceTypes, func(s string) bool { return s != "" && strings.HasPrefix(owner, s) })
}
