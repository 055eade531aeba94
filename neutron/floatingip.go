package neutron

// A FloatingIP is an outside address that a router lends to a port.
type FloatingIP struct {
	Base
	NetworkID string `bun:"floating_network_id"`
	Address   string `bun:"floating_ip_address"`
	OwnPortID string `bun:"own_port_id"` // on the outside network; holds the address
	PortID    string `bun:"port_id"`     // "" is free
	FixedIP   string `bun:"fixed_ip_address"`
	RouterID  string `bun:"router_id"`
	Status    string `bun:"status"`
	DNSName   string `bun:"dns_name"`
	DNSDomain string `bun:"dns_domain"`

	Port *Port `bun:"-"` // of PortID, for the view
}

// FloatingIPSpec is a request for a floating IP, or a change of one.
type FloatingIPSpec struct {
	Common
	NetworkID string
	SubnetID  Maybe[string]
	Address   Maybe[string]
	PortID    Maybe[string]
	FixedIP   Maybe[string]
	DNSName   Maybe[string]
	DNSDomain Maybe[string]
}

// blank: a change that says nothing takes the address back from its port, as it did
// when there was nothing else to say.
func (s FloatingIPSpec) blank() bool {
	return !s.PortID.Set && !s.FixedIP.Set && !s.Name.Set && !s.Description.Set && !s.Tags.Set
}
