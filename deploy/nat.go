package deploy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"stackd/internal/converge"
)

// natHost is the host that networks leave the cloud by; "" for none.
func (p *Plan) natHost() string {
	switch {
	case len(p.Answers.List("CONFIG_STACKD_NAT_NETWORKS")) == 0:
		return ""
	case p.Answers["CONFIG_STACKD_NAT_HOST"] != "":
		return p.Answers["CONFIG_STACKD_NAT_HOST"]
	case p.Infra != "":
		return p.Infra
	}
	return p.Controller
}

// nat reads which networks leave by which host.
func (p *Plan) nat() error {
	var errs []error
	for _, n := range p.Answers.List("CONFIG_STACKD_NAT_NETWORKS") {
		if c, err := netip.ParsePrefix(n); err != nil || !c.Addr().Is4() || c != c.Masked() {
			errs = append(errs, fmt.Errorf("CONFIG_STACKD_NAT_NETWORKS: %q is no IPv4 network, for example 192.168.4.0/24", n))
		}
	}
	if at := p.natHost(); at != "" && !slices.Contains(p.Addresses(), at) {
		errs = append(errs, fmt.Errorf("CONFIG_STACKD_NAT_HOST=%s: it must be one of the hosts, %s", at, strings.Join(p.Addresses(), ", ")))
	}
	return errors.Join(errs...)
}

// NAT tells whether networks leave the cloud by this host.
func (h *Host) NAT() bool { return h.Address == h.plan.natHost() }

const (
	natFile   = "/etc/stackd/nat.nft"
	natPolicy = "/etc/firewalld/policies/stackd-nat.xml"
	natSysctl = "/etc/sysctl.d/60-stackd-nat.conf"
	natUnit   = "/etc/systemd/system/stackd-nat.service"
)

// natRules are what nft reads: what comes from the networks and is for none of them
// leaves under the host's own addresses.
func (h *Host) natRules() string {
	nets := strings.Join(h.plan.Answers.List("CONFIG_STACKD_NAT_NETWORKS"), ", ")
	return "table ip stackd_nat\ndelete table ip stackd_nat\ntable ip stackd_nat {\n  chain postrouting {\n    type nat hook postrouting priority srcnat; policy accept;\n" +
		"    ip saddr { " + nets + " } ip daddr != { " + nets + " } masquerade\n  }\n}\n"
}

// natThrough lets these networks through firewalld, which forwards nothing by itself.
func (h *Host) natThrough() string {
	s := "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<policy version=\"1.0\" priority=\"-10\" target=\"CONTINUE\">\n  <short>stackd-nat</short>\n  <ingress-zone name=\"ANY\"/>\n  <egress-zone name=\"ANY\"/>\n"
	for _, n := range h.plan.Answers.List("CONFIG_STACKD_NAT_NETWORKS") {
		s += fmt.Sprintf("  <rule family=\"ipv4\"><source address=%q/><accept/></rule>\n", n)
	}
	return s + "</policy>\n"
}

const natService = `[Unit]
Description=The way out of the cloud's networks
After=network-pre.target
Before=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f ` + natFile + `
ExecStop=/usr/sbin/nft delete table ip stackd_nat

[Install]
WantedBy=multi-user.target
`

// wayOut lets networks out under the address of the host that is named for it.
func wayOut() converge.Step[*Host] {
	return step("way out", func(h *Host) string {
		if !h.NAT() {
			return "true"
		}
		return "cmp -s " + natFile + " <(printf '%s' " + quote(h.natRules()) + ") && nft list table ip stackd_nat >/dev/null 2>&1 && grep -qx 1 /proc/sys/net/ipv4/ip_forward && " +
			"{ [ ! -d /etc/firewalld ] || cmp -s " + natPolicy + " <(printf '%s' " + quote(h.natThrough()) + "); }"
	}, func(h *Host) string {
		return `[ -e ` + kept + `/ip_forward ] || cp /proc/sys/net/ipv4/ip_forward ` + kept + `/ip_forward
mkdir -p /etc/stackd /etc/sysctl.d; printf '%s' ` + quote(h.natRules()) + ` > ` + natFile + `
echo net.ipv4.ip_forward=1 > ` + natSysctl + `; echo 1 > /proc/sys/net/ipv4/ip_forward
nft -f ` + natFile + ` >&2
[ ! -d /etc/firewalld ] || { mkdir -p /etc/firewalld/policies; printf '%s' ` + quote(h.natThrough()) + ` > ` + natPolicy + `; ! firewall-cmd --state >/dev/null 2>&1 || firewall-cmd --reload >&2; }
[ ! -d /run/systemd/system ] || { printf '%s' ` + quote(natService) + ` > ` + natUnit + `; systemctl daemon-reload; systemctl enable -q --now stackd-nat; }`
	}, func(*Host) string {
		return `[ ! -e ` + natUnit + ` ] || { systemctl disable -q --now stackd-nat; rm -f ` + natUnit + `; systemctl daemon-reload; }
[ ! -e ` + natFile + ` ] || { ! nft list table ip stackd_nat >/dev/null 2>&1 || nft delete table ip stackd_nat; rm -f ` + natFile + ` ` + natSysctl + `; rmdir /etc/stackd 2>/dev/null || true; }
[ ! -e ` + natPolicy + ` ] || { rm -f ` + natPolicy + `; ! firewall-cmd --state >/dev/null 2>&1 || firewall-cmd --reload >&2; }
[ ! -e ` + kept + `/ip_forward ] || { cat ` + kept + `/ip_forward > /proc/sys/net/ipv4/ip_forward; rm -f ` + kept + `/ip_forward; }`
	})
}
