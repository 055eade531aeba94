package neutron

import "stackd/internal/fault"

// A Network is one layer 2: what is on it can reach each other by MAC.
type Network struct {
	Base
	AdminStateUp    bool     `bun:"admin_state_up"`
	External        bool     `bun:"external"`
	MTU             int      `bun:"mtu"`
	PortSecurity    bool     `bun:"port_security_enabled"`
	NetworkType     string   `bun:"network_type"`
	PhysicalNetwork string   `bun:"physical_network"` // "" for overlays
	SegmentationID  int      `bun:"segmentation_id"`  // 0 for flat
	DNSDomain       string   `bun:"dns_domain"`
	IsDefault       bool     `bun:"is_default"`
	AZHints         []string `bun:"availability_zone_hints"`

	Subnets []string `bun:"-"` // ids
	Shared  bool     `bun:"-"` // with whoever asks
	V4Scope string   `bun:"-"` // address scope of its subnets, by their pools
	V6Scope string   `bun:"-"`
}

// The kinds of network.
const (
	Flat   = "flat"
	VLAN   = "vlan"
	VXLAN  = "vxlan"
	Geneve = "geneve"
	Local  = "local"
)

// Provider says which packets on which wire are a network's.
type Provider struct {
	Type     Maybe[string]
	Physical Maybe[string]
	Segment  Maybe[int]
}

// Given tells whether the request says anything of the wire.
func (p Provider) Given() bool {
	return p.Type.Or("") != "" || p.Physical.Or("") != "" || p.Segment.Set && !p.Segment.Null
}

// NetworkSpec is a request for a network, or a change of one.
type NetworkSpec struct {
	Common
	AdminStateUp Maybe[bool]
	External     Maybe[bool]
	Shared       Maybe[bool]
	MTU          Maybe[int]
	PortSecurity Maybe[bool]
	DNSDomain    Maybe[string]
	IsDefault    Maybe[bool]
	AZHints      Maybe[[]string]
	Provider     Provider
}

func (s NetworkSpec) apply(n *Network) {
	s.Common.apply(&n.Base)
	s.AdminStateUp.To(&n.AdminStateUp)
	s.External.To(&n.External)
	s.PortSecurity.To(&n.PortSecurity)
	s.DNSDomain.To(&n.DNSDomain)
	s.IsDefault.To(&n.IsDefault)
	s.AZHints.To(&n.AZHints)
}

// Overlay tells whether the network's packets travel in tunnels.
func (n *Network) Overlay() bool { return n.NetworkType == VXLAN || n.NetworkType == Geneve }

// overhead is what a tunnel takes of a packet.
func overhead(kind string) int {
	switch kind {
	case VXLAN:
		return 50
	case Geneve:
		return 58
	}
	return 0
}

// check says what is wrong with a provider request, by the rules of its type.
func (p Provider) check(physnets []string) error {
	kind, phys := p.Type.Or(""), p.Physical.Or("")
	seg, hasSeg := p.Segment.Value, p.Segment.Set && !p.Segment.Null
	switch kind {
	case "":
		return invalid("network_type required")
	case Flat, VLAN:
		if phys == "" && (kind == Flat || hasSeg) {
			return invalid("physical_network required for %s network", providerName(kind))
		}
		if phys != "" && !contains(physnets, phys) {
			return invalid("physical_network '%s' unknown for %s provider network", phys, providerName(kind))
		}
		if kind == Flat && hasSeg {
			return invalid("segmentation_id prohibited for flat provider network")
		}
		if hasSeg && (seg < 1 || seg > 4094) {
			return invalid("segmentation_id out of range (1 through 4094)")
		}
	case VXLAN, Geneve:
		if phys != "" {
			return invalid("provider:physical_network specified for %s network", kind)
		}
		if hasSeg && (seg < 1 || seg > 1<<24-1) {
			return invalid("%s segmentation_id out of range (1 through %d)", kind, 1<<24-1)
		}
	default:
		return invalid("network_type value '%s' not supported", kind)
	}
	return nil
}

func providerName(kind string) string {
	if kind == VLAN {
		return "VLAN"
	}
	return kind
}

// segmentTaken is the conflict of two networks on one wire.
func segmentTaken(kind, phys string, seg int) error {
	switch kind {
	case Flat:
		return fault.New(fault.Conflict, "Unable to create the flat network. Physical network %s is in use.", phys).Named("FlatNetworkInUse")
	case VLAN:
		return fault.New(fault.Conflict, "Unable to create the network. The VLAN %d on physical network %s is in use.", seg, phys).Named("VlanIdInUse")
	}
	return fault.New(fault.Conflict, "Unable to create the network. The tunnel ID %d is in use.", seg).Named("TunnelIdInUse")
}
