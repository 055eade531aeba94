package neutron

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
)

// newMAC makes an address with OpenStack's prefix.
func newMAC(r *rand.Rand) string {
	n := r.Uint32()
	return fmt.Sprintf("fa:16:3e:%02x:%02x:%02x", byte(n), byte(n>>8), byte(n>>16))
}

// ParseMAC reads a unicast hardware address in any usual form.
func ParseMAC(s string) (string, bool) {
	m, err := net.ParseMAC(s)
	if err != nil || len(m) != 6 || m[0]&1 != 0 {
		return "", false
	}
	return strings.ToLower(m.String()), true
}

func macBytes(s string) [6]byte {
	var b [6]byte
	m, _ := net.ParseMAC(s)
	copy(b[:], m)
	return b
}
