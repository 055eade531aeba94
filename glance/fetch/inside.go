package fetch

import (
	"fmt"
	"net/netip"
	"strings"
)

// inside are networks that no user's address may lead to.
var inside = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8")

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for n, t := range texts {
		out[n] = netip.MustParsePrefix(t)
	}
	return out
}

// public tells whether an address is one of the world outside, or of a network that
// the settings allow. An IPv4 address within an IPv6 one counts as itself.
func public(a netip.Addr, allowed []netip.Prefix) error {
	a = a.Unmap().WithZone("")
	for _, p := range allowed {
		if p.Contains(a) {
			return nil
		}
	}
	for _, p := range inside {
		if p.Contains(a) {
			return fmt.Errorf("%s is not a public address", a)
		}
	}
	return nil
}

// spelled refuses hosts that some programs take for numbers and others for names:
// whatever ends in a number must be an IPv4 address as it is usually written.
func spelled(host string) error {
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") || strings.ContainsAny(host, "%:[]") {
		return fmt.Errorf("%q is an odd spelling of an address", host)
	}
	for _, r := range host {
		if r > 127 { // full-width digits and dots, say, which some resolvers make plain
			return fmt.Errorf("%q is not spelled in ASCII", host)
		}
	}
	return nil
}
