package daemon

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
)

// HostNetns as Options.Netns means the host's own namespace.
const HostNetns = "host"

// Options say where a cloud's daemons live. The zero value of a field means its
// default; only DataDir must be given.
type Options struct {
	DataDir string // databases, disks, logs
	Name    string // "stackd"; of the cloud on this machine: link, namespace and table names derive from it
	Netns   string // Name; HostNetns for none
	// Hostname is the chassis' and the hypervisor's name; the machine's own when "".
	Hostname string
	// Gateway is the host's address on the public network: 172.24.4.1/24.
	Gateway netip.Prefix
	Physnet string // "physnet1", bridged to Bridge
	Bridge  string // "br-ex"
	EncapIP string // "127.0.0.1"; of tunnels to other hosts
	// Accel is kvm, tcg, or "" for kvm if a probe guest runs under it.
	Accel string
}

var nameShape = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

func (o Options) withDefaults() (Options, error) {
	if o.DataDir == "" {
		return o, fmt.Errorf("no data directory given")
	}
	dir, err := filepath.Abs(o.DataDir)
	if err != nil {
		return o, err
	}
	o.DataDir = dir
	o.Name = cmp.Or(o.Name, "stackd")
	if !nameShape.MatchString(o.Name) {
		return o, fmt.Errorf("name %q: want lower-case letters, digits and dashes, a letter first, 32 at most", o.Name)
	}
	o.Netns = cmp.Or(o.Netns, o.Name)
	o.Physnet = cmp.Or(o.Physnet, "physnet1")
	o.Bridge = cmp.Or(o.Bridge, "br-ex")
	o.EncapIP = cmp.Or(o.EncapIP, "127.0.0.1")
	if !o.Gateway.IsValid() {
		o.Gateway = netip.MustParsePrefix("172.24.4.1/24")
	}
	if !o.Gateway.Addr().Is4() {
		return o, fmt.Errorf("gateway %s: want an IPv4 address with its prefix", o.Gateway)
	}
	if o.Hostname == "" {
		o.Hostname, err = os.Hostname()
	}
	return o, err
}

// linkName is prefix and the cloud's name, cut to what the kernel takes.
func linkName(prefix, name string) string {
	if len(prefix)+len(name) <= 15 {
		return prefix + name
	}
	sum := sha256.Sum256([]byte(name))
	return prefix + name[:15-len(prefix)-6] + hex.EncodeToString(sum[:3])
}
