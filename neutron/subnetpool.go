package neutron

import "net/netip"

// A Subnetpool is where subnets take their ranges from.
type Subnetpool struct {
	Base
	Prefixes       []string `bun:"prefixes"`
	IPVersion      int      `bun:"ip_version"`
	DefaultPrefix  int      `bun:"default_prefixlen"`
	MinPrefix      int      `bun:"min_prefixlen"`
	MaxPrefix      int      `bun:"max_prefixlen"`
	DefaultQuota   *int     `bun:"default_quota"`
	IsDefault      bool     `bun:"is_default"`
	AddressScopeID string   `bun:"address_scope_id"`

	Shared bool `bun:"-"`
}

// SubnetpoolSpec is a request for a pool, or a change of one.
type SubnetpoolSpec struct {
	Common
	Prefixes      Maybe[[]string]
	DefaultPrefix Maybe[int]
	MinPrefix     Maybe[int]
	MaxPrefix     Maybe[int]
	DefaultQuota  Maybe[int]
	IsDefault     Maybe[bool]
	Shared        Maybe[bool]
	AddressScope  Maybe[string]
}

// An AddressScope is where addresses mean one thing only.
type AddressScope struct {
	Base
	IPVersion int  `bun:"ip_version"`
	Shared    bool `bun:"-"`
}

// AddressScopeSpec is a request for a scope, or a change of one.
type AddressScopeSpec struct {
	Common
	IPVersion int
	Shared    Maybe[bool]
}

// free finds the first range of this length that no subnet has.
func (p *Subnetpool) free(bits int, taken []netip.Prefix) (netip.Prefix, bool) {
	for _, s := range p.Prefixes {
		whole, err := netip.ParsePrefix(s)
		if err != nil || whole.Bits() > bits {
			continue
		}
		if r, ok := freeIn(whole.Masked(), bits, taken); ok {
			return r, true
		}
	}
	return netip.Prefix{}, false
}

func freeIn(whole netip.Prefix, bits int, taken []netip.Prefix) (netip.Prefix, bool) {
	for at := whole.Addr(); at.IsValid() && whole.Contains(at); {
		try := netip.PrefixFrom(at, bits)
		hit := netip.Prefix{}
		for _, t := range taken {
			if t.Overlaps(try) && (!hit.IsValid() || t.Bits() < hit.Bits()) {
				hit = t
			}
		}
		if !hit.IsValid() {
			return try, true
		}
		if hit.Bits() > bits {
			hit = try
		}
		at = lastOf(hit).Next()
	}
	return netip.Prefix{}, false
}

// check says what is wrong with a pool as a whole.
func (p *Subnetpool) check() error {
	if len(p.Prefixes) == 0 {
		return badValue("EmptySubnetPoolPrefixList", "Empty subnet pool prefix list.")
	}
	whole := 32
	for i, s := range p.Prefixes {
		x, err := netip.ParsePrefix(s)
		if err != nil {
			return invalid("'%s' is not a valid IP subnet", s)
		}
		version := 6
		if x.Addr().Is4() {
			version = 4
		}
		if i > 0 && version != p.IPVersion {
			return badValue("PrefixVersionMismatch", "Cannot mix IPv4 and IPv6 prefixes in a subnet pool.")
		}
		p.IPVersion, p.Prefixes[i], whole = version, x.Masked().String(), x.Addr().BitLen()
	}
	return p.checkLengths(whole)
}

func (p *Subnetpool) checkLengths(whole int) error {
	if p.MinPrefix == 0 {
		p.MinPrefix = map[int]int{32: 8, 128: 64}[whole]
	}
	if p.MaxPrefix == 0 {
		p.MaxPrefix = whole
	}
	if p.DefaultPrefix == 0 {
		p.DefaultPrefix = p.MinPrefix
	}
	const text = "Illegal prefix bounds: %s=%d, %s=%d."
	for _, b := range []struct {
		a    string
		x    int
		b    string
		y    int
		isOK bool
	}{
		{"min_prefixlen", p.MinPrefix, "max_prefixlen", p.MaxPrefix, p.MinPrefix <= p.MaxPrefix},
		{"max_prefixlen", p.MaxPrefix, "ip_version", whole, p.MaxPrefix <= whole},
		{"default_prefixlen", p.DefaultPrefix, "min_prefixlen", p.MinPrefix, p.DefaultPrefix >= p.MinPrefix},
		{"default_prefixlen", p.DefaultPrefix, "max_prefixlen", p.MaxPrefix, p.DefaultPrefix <= p.MaxPrefix},
	} {
		if !b.isOK {
			return badValue("IllegalSubnetPoolPrefixBounds", text, b.a, b.x, b.b, b.y)
		}
	}
	return nil
}
