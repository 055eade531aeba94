package deploy

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Host is one machine of the plan, with what was seen on it.
type Host struct {
	Address string
	Name    string // its host name
	Tunnel  string // its address for tunnels
	Shell   Shell
	Facts   Facts

	plan *Plan
	all  *Run
	seen time.Time // by this machine's clock
}

// Controller and Compute tell what the host is.
func (h *Host) Controller() bool { return slices.Contains(h.plan.Controllers, h.Address) }

// Compute tells whether it runs guests.
func (h *Host) Compute() bool {
	return slices.Contains(h.plan.Computes, h.Address)
}

// Infra tells whether it answers names and tells the time.
func (h *Host) Infra() bool { return h.Address == h.plan.Infra }

// Facts are what a host says of itself.
type Facts struct {
	OS       string   // ID of os-release
	Release  string   // and its VERSION_ID
	Like     []string // and its ID_LIKE
	Root     bool
	MemoryMB int
	DiskMB   int // free below /var/lib
	KVM      bool
	Clock    float64 // seconds since 1970
	Links    map[string]Link
	Taken    []string // ports that somebody listens at, of those asked for
	Mine     bool     // a stackd runs here
	Machine  string   // its machine id
	Mapper   bool     // device-mapper is there
	Group    string   // the volume group, when it is there
	Time     string   // what the time servers say: "SERVER OFFSET" or "SERVER -" lines
	Self     string   // what the host's name resolves to
	SELinux  bool     // and it enforces
	Bridges  []string // of a switch that is the host's own
	Targets  []string // of a tgt that is the host's own
	Guarded  bool     // a packet filter that is neither firewalld nor ufw drops what is not let in
	// Endpoint tells of the address that clients use whether it is here, far or taken.
	Endpoint map[string]bool
	Outside  []string // the servers of an outside database that answer it
	// Resolvers are the servers it asks for names, or asked before the installation.
	Resolvers []string
}

// A Link is a network link of a host.
type Link struct {
	MTU     int
	Up      bool
	Addr    string // its first IPv4 address
	Dynamic bool   // which a DHCP server lends it
}

// look is a script that prints facts, "key value" a line. What it asks it asks for at
// most a few seconds.
var look = `
echo os $(. /etc/os-release 2>/dev/null; echo $ID $VERSION_ID)
echo like $(. /etc/os-release 2>/dev/null; echo $ID_LIKE)
[ "$(id -u)" = 0 ] && echo root 1
echo memory $(awk '/MemTotal/{print int($2/1024)}' /proc/meminfo)
mkdir -p /var/lib 2>/dev/null; echo disk $(df -Pm /var/lib | awk 'NR==2{print $4}')
{ [ -w /dev/kvm ] || grep -qw vmx /proc/cpuinfo && modinfo kvm_intel >/dev/null 2>&1 || grep -qw svm /proc/cpuinfo && modinfo kvm_amd >/dev/null 2>&1; } && echo kvm 1 # or its module is there to be loaded
echo machine $(cat /etc/machine-id 2>/dev/null)
{ grep -qw device-mapper /proc/misc || modinfo dm_mod >/dev/null 2>&1; } && echo mapper 1 # the node may be there without a kernel that has it
echo group $(vgs --noheadings -o vg_name "$GROUP" 2>/dev/null)
[ "$(getenforce 2>/dev/null)" = Enforcing ] && echo selinux 1
firewall-cmd --state >/dev/null 2>&1 || ufw status 2>/dev/null | grep -q '^Status: active' || ! nft list ruleset 2>/dev/null | grep 'hook input' | grep -q 'policy drop' || echo guarded 1
echo name $(hostname)
echo self $(timeout 3 getent ahostsv4 "$(hostname)" 2>/dev/null | awk 'NR==1{print $1}')
for l in /sys/class/net/*; do n=${l##*/}; echo link $n $(cat $l/mtu) $(cat $l/operstate) $(ip -4 -o addr show dev $n 2>/dev/null | awk 'NR==1{split($4,a,"/");print a[1], / dynamic /?"dynamic":""}'); done
r=` + kept + `/resolv.conf; [ -r $r ] || r=/etc/resolv.conf; echo resolvers $(awk '/^nameserver/{print $2}' $r 2>/dev/null)
[ -z "$DNS" ] || [ -e ` + apt.names.dir + ` ] || [ -e ` + dnf.names.dir + ` ] || ! ss -Hltn "sport = :53" 2>/dev/null | awk '{print $4}' | grep -qE "^(\*|0\.0\.0\.0|\[::\]|127\.0\.0\.1|$DNS):53$" || echo taken 53
for p in $PORTS; do ss -Hltn "sport = :$p" 2>/dev/null | grep -q . && echo taken $p; done
[ -e /var/lib/stackd/lock ] && ! flock -n -s /var/lib/stackd/lock true && echo mine 1
[ -e ` + databaseDir + `/password ] && echo mine 1
for s in $NTP; do
  t=$( { exec 3<>/dev/udp/$s/123 && printf '\x1b%47s' | tr ' ' '\0' >&3 && timeout 2 head -c 48 <&3 | od -An -tu4 --endian=big -j40 -N8; } 2>/dev/null | awk -v now=$(date +%s.%N) '{printf "%.3f", $1 + $2/4294967296 - 2208988800 - now}')
  echo time $s ${t:--}
done
echo clock $(date +%s.%N)
`

// ports that a controller listens at.
const controllerPorts = "5000 6080 6642 8774 8776 8778 8780 9000 9292 9696"

// morePorts are those of one of several, for the others.
const morePorts = " 6641 6643 6644 6645 6646 8782"

// see looks at the host.
func (h *Host) see(ctx context.Context) error {
	ports := ""
	if h.Controller() {
		ports = controllerPorts
	}
	if h.Compute() {
		ports += " 8781"
	}
	dns := ""
	if h.Infra() {
		dns = h.Address
	}
	if h.Controller() && h.plan.several() {
		ports += morePorts
	}
	if h.Database() {
		ports += " 5432"
	}
	env := "ENDPOINT=\n"
	if h.Controller() && h.plan.several() {
		env = "ENDPOINT=" + quote(h.plan.Endpoint) + "\n"
	}
	if h.Controller() {
		env += "OUTSIDE=" + quote(strings.Join(h.plan.Outside, " ")) + "\n"
	}
	env += fmt.Sprintf("PORTS=%s DNS=%s NTP=%s GROUP=%s\n", quote(ports), quote(dns), quote(strings.Join(h.asks(), " ")), quote(h.plan.Answers["CONFIG_CINDER_VOLUME_NAME"]))
	out, err := h.Shell.Run(ctx, env+lookEndpoint+lookOutside+lookServices+look, nil)
	if err != nil {
		return err
	}
	h.seen = time.Now() // its clock was read last
	h.Facts = Facts{Links: map[string]Link{}, Endpoint: map[string]bool{}}
	for line := range strings.Lines(out) {
		h.fact(strings.Fields(line))
	}
	h.Tunnel = h.Address
	if l, ok := h.Facts.Links[h.plan.TunnelIf]; ok && l.Addr != "" {
		h.Tunnel = l.Addr
	} else if l, ok := h.Facts.Links["br-underlay"]; ok && l.Addr != "" && h.plan.TunnelIf != "" {
		h.Tunnel = l.Addr // it has taken the link already
	}
	return nil
}

// asks are the time servers that must answer before anything is installed.
func (h *Host) asks() []string {
	if h.plan.Infra == "" || h.Infra() {
		return h.plan.upstream()
	}
	return nil
}

func (h *Host) fact(f []string) {
	at := func(i int) string {
		if i < len(f) {
			return f[i]
		}
		return ""
	}
	number := func(s string) int { n, _ := strconv.Atoi(s); return n }
	switch at(0) {
	case "os":
		h.Facts.OS, h.Facts.Release = at(1), at(2)
	case "like":
		h.Facts.Like = f[1:]
	case "root":
		h.Facts.Root = true
	case "memory":
		h.Facts.MemoryMB = number(at(1))
	case "disk":
		h.Facts.DiskMB = number(at(1))
	case "kvm":
		h.Facts.KVM = true
	case "machine":
		h.Facts.Machine = at(1)
	case "mapper":
		h.Facts.Mapper = true
	case "group":
		h.Facts.Group = at(1)
	case "selinux":
		h.Facts.SELinux = true
	case "bridges":
		h.Facts.Bridges = f[1:]
	case "targets":
		h.Facts.Targets = f[1:]
	case "guarded":
		h.Facts.Guarded = true
	case "name":
		h.Name, _, _ = strings.Cut(at(1), ".")
	case "resolvers":
		h.Facts.Resolvers = f[1:]
	case "outside":
		h.Facts.Outside = append(h.Facts.Outside, at(1))
	case "endpoint":
		h.Facts.Endpoint[at(1)] = true
	case "self":
		h.Facts.Self = at(1)
	case "link":
		h.Facts.Links[at(1)] = Link{number(at(2)), at(3) != "down", at(4), at(5) == "dynamic"}
	case "taken":
		h.Facts.Taken = append(h.Facts.Taken, at(1))
	case "mine":
		h.Facts.Mine = true
	case "time":
		h.Facts.Time += at(1) + " " + at(2) + "\n"
	case "clock":
		h.Facts.Clock, _ = strconv.ParseFloat(at(1), 64)
	}
}
