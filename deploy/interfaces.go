package deploy

import (
	"strings"

	"stackd/internal/converge"
)

// managerFile tells NetworkManager that the links which stackd and its switch make are
// not its own.
const managerFile = "/etc/NetworkManager/conf.d/stackd.conf"

const managerRules = `[keyfile]
unmanaged-devices+=interface-name:br-ex;interface-name:br-int;interface-name:br-underlay;interface-name:ovs-*;interface-name:genev_sys_*;interface-name:vxlan_sys_*;interface-name:tap*;interface-name:sd-*
`

// letting are the steps by which a host has what its kernel needs, keeps its addresses,
// and lets through what it is for.
func letting() converge.Ladder[*Host] {
	return converge.Ladder[*Host]{modules(), interfaces(), firewall(), wayOut(), selinux()}
}

// given are the links that must have their addresses again when the host starts anew.
func (h *Host) given() (all []string) {
	for name, l := range h.Facts.Links {
		if l.Addr != "" && (l.Addr == h.Address || l.Addr == h.Tunnel) && !l.Dynamic && !strings.HasPrefix(name, "br-") {
			all = append(all, name)
		}
	}
	return all
}

// interfaces writes a link's address down where the host would give it none at its next
// start: an address that somebody gave by hand. What is configured is left as it is.
func interfaces() converge.Step[*Host] {
	return step("interfaces", func(h *Host) string {
		return "[ -e " + kept + "/interfaces ] && { while read -r f; do [ -e \"$f\" ] || exit 1; done < " + kept + "/interfaces; } && " +
			"{ [ ! -d /etc/NetworkManager ] || cmp -s " + managerFile + " <(printf '%s' " + quote(managerRules) + "); }"
	}, func(h *Host) string {
		return `touch ` + kept + `/interfaces
[ ! -d /etc/NetworkManager ] || { mkdir -p /etc/NetworkManager/conf.d; printf '%s' ` + quote(managerRules) + ` > ` + managerFile + `; nmcli general reload conf >/dev/null 2>&1 || true; }
` + writeLink + `
for l in ` + strings.Join(h.given(), " ") + `; do write_link $l; done`
	}, func(*Host) string {
		return `[ ! -e ` + kept + `/interfaces ] || { while read -r f; do rm -f "$f"; done < ` + kept + `/interfaces; rm -f ` + kept + `/interfaces; }
[ ! -e ` + managerFile + ` ] || { rm -f ` + managerFile + `; nmcli general reload conf >/dev/null 2>&1 || true; }`
	})
}

// writeLink writes one link's address, for whatever configures links on the host.
const writeLink = `write_link() {
  ! grep -rqsw -- "$1" /etc/network/interfaces /etc/network/interfaces.d /etc/netplan /etc/systemd/network /etc/NetworkManager/system-connections /etc/sysconfig/network-scripts || return 0
  a=$(ip -4 -o addr show dev "$1" | awk 'NR==1{print $4}'); g=$(ip -4 route show default dev "$1" | awk 'NR==1{print $3}')
  [ -n "$a" ] || return 0
  if nmcli -t -f RUNNING general 2>/dev/null | grep -qx running; then
    f=/etc/NetworkManager/system-connections/stackd-$1.nmconnection
    (umask 077; printf '[connection]\nid=stackd-%s\ntype=ethernet\ninterface-name=%s\n\n[ipv4]\nmethod=manual\naddress1=%s\n\n[ipv6]\nmethod=auto\n' "$1" "$1" "$a${g:+,$g}" > $f)
    nmcli connection load $f >&2 || true
  elif systemctl is-active -q systemd-networkd 2>/dev/null; then
    f=/etc/systemd/network/10-stackd-$1.network
    printf '[Match]\nName=%s\n\n[Network]\nAddress=%s\n%s' "$1" "$a" "${g:+Gateway=$g
}" > $f
  elif [ -d /etc/network/interfaces.d ]; then
    f=/etc/network/interfaces.d/stackd-$1
    printf 'auto %s\niface %s inet static\n  address %s\n%s' "$1" "$1" "$a" "${g:+  gateway $g
}" > $f
  else
    return 0
  fi
  echo $f >> ` + kept + `/interfaces
}`
