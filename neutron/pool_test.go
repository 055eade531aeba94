package neutron

import (
	"math/big"
	"math/rand/v2"
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// prefixGen draws ranges of either version.
func prefixGen(t *rapid.T, low, high int) netip.Prefix {
	if rapid.Bool().Draw(t, "six") {
		b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")
		b[0] = 0xfd
		return netip.PrefixFrom(netip.AddrFrom16([16]byte(b)), 96+rapid.IntRange(low, high).Draw(t, "bits")).Masked()
	}
	b := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")
	b[0] = 10
	return netip.PrefixFrom(netip.AddrFrom4([4]byte(b)), rapid.IntRange(low, high).Draw(t, "bits")).Masked()
}

// The default pools are in the subnet, apart from each other and from the gateway,
// and pass the check that pools of tenants must pass.
func TestDefaultPools(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := prefixGen(t, 16, 30)
		space := NewSpace([]Pool{{p.Addr().String(), lastOf(p).String()}})
		gateway := space.At(big.NewInt(rapid.Int64Range(0, space.Size().Int64()-1).Draw(t, "gateway")))
		pools := defaultPools(p, gateway)
		if _, err := checkPools(p, pools); err != nil {
			t.Fatal(p, gateway, pools, err)
		}
		for _, pool := range pools {
			if pool.Has(gateway) {
				t.Fatal(gateway, "in", pools)
			}
		}
	})
}

// Whatever is taken, FirstFree finds an address that is not, as long as there is one,
// and Sample draws from the pools only.
func TestFreeAddresses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := prefixGen(t, 26, 30)
		space := NewSpace(defaultPools(p, firstHost(p)))
		taken := map[string]bool{}
		for i := int64(0); i < space.Size().Int64(); i++ {
			a := space.FirstFree(taken)
			if !a.IsValid() || taken[a.String()] || !usable(p, a) || a == firstHost(p) {
				t.Fatal(p, a, taken)
			}
			if rapid.Bool().Draw(t, "by chance") {
				for _, s := range space.Sample(rand.New(rand.NewPCG(1, uint64(i))), 8) {
					if !p.Contains(s) || s == firstHost(p) {
						t.Fatal(s, "is not of", p)
					}
				}
			}
			taken[a.String()] = true
		}
		if a := space.FirstFree(taken); a.IsValid() {
			t.Fatal(a, "of a full subnet")
		}
	})
}

// Ranges out of a pool never meet, and fill it.
func TestSubnetpoolIsFilled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := netip.MustParsePrefix("10.0.0.0/20")
		pool := Subnetpool{Prefixes: []string{whole.String()}}
		var taken []netip.Prefix
		size := 0
		for {
			bits := rapid.IntRange(21, 24).Draw(t, "bits")
			r, ok := pool.free(bits, taken)
			if !ok {
				if r, ok = pool.free(24, taken); !ok {
					break
				}
			}
			if anyOverlap(taken, []netip.Prefix{r}) || !whole.Overlaps(r) || r.Masked() != r {
				t.Fatal(r, taken)
			}
			taken = append(taken, r)
			size += 1 << (32 - r.Bits())
		}
		if size != 1<<12 {
			t.Fatal(size, taken)
		}
	})
}

func TestGatewaysAndPoolsOfTenants(t *testing.T) {
	for _, x := range []struct {
		t    Subnet
		want string
	}{
		{Subnet{IPVersion: 4, CIDR: "10.0.0.0/24", GatewayIP: "10.0.1.1"}, "InvalidInput"},
		{Subnet{IPVersion: 4, CIDR: "10.0.0.0/24", GatewayIP: "10.0.0.255"}, "InvalidInput"},
		{Subnet{IPVersion: 4, CIDR: "10.0.0.0/24", GatewayIP: "10.0.0.5", Pools: []Pool{{"10.0.0.2", "10.0.0.9"}}}, "GatewayConflictWithAllocationPools"},
		{Subnet{IPVersion: 4, CIDR: "10.0.0.0/24", RAMode: SLAAC}, "InvalidInput"},
		{Subnet{IPVersion: 6, CIDR: "fd00::/80", EnableDHCP: true, AddressMode: SLAAC}, "InvalidInput"},
		{Subnet{IPVersion: 6, CIDR: "fd00::/64", EnableDHCP: true, RAMode: SLAAC, AddressMode: DHCPv6Stateful}, "InvalidInput"},
		{Subnet{IPVersion: 6, CIDR: "fd00::/64", RAMode: SLAAC}, "InvalidInput"},
		{Subnet{IPVersion: 4, CIDR: "10.0.0.0/24", DNS: []string{"fd00::1"}}, "InvalidInput"},
		{Subnet{IPVersion: 6, CIDR: "fd00::/64", EnableDHCP: true, RAMode: SLAAC, AddressMode: SLAAC, GatewayIP: "fd00::1"}, ""},
		{Subnet{IPVersion: 4, CIDR: "10.0.0.0/24", GatewayIP: "10.0.0.1"}, ""},
	} {
		if got := faultName(x.t.check()); got != x.want {
			t.Errorf("%+v: %q, want %q", x.t, got, x.want)
		}
	}
	for want, pools := range map[string][]Pool{
		"InvalidAllocationPool":      {{"10.0.0.9", "10.0.0.2"}},
		"OutOfBoundsAllocationPool":  {{"10.0.0.2", "10.0.1.2"}},
		"OverlappingAllocationPools": {{"10.0.0.2", "10.0.0.9"}, {"10.0.0.9", "10.0.0.20"}},
	} {
		if _, err := checkPools(netip.MustParsePrefix("10.0.0.0/24"), pools); faultName(err) != want {
			t.Errorf("%v: %v, want %s", pools, err, want)
		}
	}
}
