package neutron

import (
	"math/big"
	"math/rand/v2"
	"net/netip"
)

// A Space is the addresses of some pools, counted from 0.
type Space struct {
	pools []span
	size  *big.Int
}

type span struct {
	start netip.Addr
	size  *big.Int
}

// NewSpace counts the addresses of the pools.
func NewSpace(pools []Pool) Space {
	s := Space{size: new(big.Int)}
	for _, p := range pools {
		n := new(big.Int).Sub(number(addr(p.End)), number(addr(p.Start)))
		n.Add(n, big.NewInt(1))
		s.pools = append(s.pools, span{addr(p.Start), n})
		s.size.Add(s.size, n)
	}
	return s
}

// Size is how many addresses there are.
func (s Space) Size() *big.Int { return s.size }

// At is the i-th address.
func (s Space) At(i *big.Int) netip.Addr {
	i = new(big.Int).Set(i)
	for _, p := range s.pools {
		if i.Cmp(p.size) < 0 {
			return fromNumber(i.Add(i, number(p.start)), p.start.Is4())
		}
		i.Sub(i, p.size)
	}
	return netip.Addr{}
}

// Sample is up to n different addresses by chance, so that two who ask at the
// same time seldom meet.
func (s Space) Sample(r *rand.Rand, n int) []netip.Addr {
	seen, out := map[netip.Addr]bool{}, []netip.Addr(nil)
	for range 4 * n {
		if a := s.At(s.index(r)); a.IsValid() && !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
		if len(out) == n {
			break
		}
	}
	return out
}

// near is how many addresses are tried by chance: in a great subnet the addresses
// in use stay close together, as people expect.
const near = 1 << 16

func (s Space) index(r *rand.Rand) *big.Int {
	n := int64(near)
	if s.size.IsInt64() {
		n = min(n, s.size.Int64())
	}
	return big.NewInt(r.Int64N(max(n, 1)))
}

// FirstFree is the first address that is not taken; invalid when there is none.
func (s Space) FirstFree(taken map[string]bool) netip.Addr {
	one := big.NewInt(1)
	for i := new(big.Int); i.Cmp(s.size) < 0; i.Add(i, one) {
		if a := s.At(i); !taken[a.String()] {
			return a
		}
	}
	return netip.Addr{}
}

func number(a netip.Addr) *big.Int { return new(big.Int).SetBytes(a.AsSlice()) }

func fromNumber(n *big.Int, is4 bool) netip.Addr {
	size := 16
	if is4 {
		size = 4
	}
	if n.Sign() < 0 || n.BitLen() > size*8 {
		return netip.Addr{}
	}
	a, _ := netip.AddrFromSlice(n.FillBytes(make([]byte, size)))
	return a
}
