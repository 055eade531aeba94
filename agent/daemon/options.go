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
	// Role is "" for all daemons, Central for OVN's databases alone, Gateway for these and a
	// switch, without guests, Chassis for a host whose databases are elsewhere.
	Role string
	// SBListen is the address (host:port) at which other hosts' chassis reach the
	// southbound database, by TLS; "" for none.
	SBListen string
	// SBRemote is where a Chassis reaches it: ssl:192.0.2.1:6642.
	SBRemote string
	// Cluster has the databases be members of clusters with those of other hosts.
	Cluster *Cluster
	// TLS are this host's files for both.
	TLS TLS
	// Uplink is a link of the host's that carries the physical network: it becomes a
	// port of Bridge, which takes its addresses over. Only with HostNetns.
	Uplink string
	// Accel is kvm, tcg, or "" for kvm if a probe guest runs under it.
	Accel string
}

// Roles of a host that does not run everything.
const (
	Central = "central"
	Gateway = "gateway"
	Chassis = "chassis"
)

// databases, switches and guests tell what a host of this role has.
func (o Options) databases() bool { return o.Role != Chassis }
func (o Options) switches() bool  { return o.Role != Central }
func (o Options) guests() bool    { return o.Role == "" || o.Role == Chassis }

// TLS are names of PEM files.
type TLS struct{ Key, Certificate, Authority string }

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
	if !o.Gateway.IsValid() && o.Role == "" && o.Uplink == "" {
		o.Gateway = netip.MustParsePrefix("172.24.4.1/24")
	}
	if o.Uplink != "" && o.Netns != HostNetns {
		return o, fmt.Errorf("uplink %s: it can only be taken in the host's own namespace", o.Uplink)
	}
	if o.Gateway.IsValid() && !o.Gateway.Addr().Is4() {
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
