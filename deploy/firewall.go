package deploy

import (
	"fmt"
	"strings"

	"stackd/internal/converge"
)

// An opening is ports that a host listens at for others.
type opening struct {
	proto, ports string // ports are single ones, or from-to, with spaces between
	hosts        bool   // for the cloud's hosts alone
}

// openings are a host's, by what it does.
func (h *Host) openings() (all []opening) {
	if h.Controller() {
		all = append(all, opening{"tcp", "5000 6080 8774 8776 8778 9000 9292 9696", false}, opening{"tcp", "3260 6641-6645 8780 8782", true})
	}
	if h.Database() {
		all = append(all, opening{"tcp", "5432", true})
	}
	if h.Controller() || h.Compute() {
		all = append(all, opening{"udp", "4789 6081", true})
	}
	if h.Compute() {
		all = append(all, opening{"tcp", "8781", true})
	}
	if h.Infra() {
		all = append(all, opening{"udp", "53 123", false}, opening{"tcp", "53", false})
	}
	return all
}

// peers are the addresses that hosts speak from.
func (r *Run) peers() (all []string) {
	for _, h := range r.Hosts {
		all = append(all, h.Address)
		if h.Tunnel != "" && h.Tunnel != h.Address {
			all = append(all, h.Tunnel)
		}
	}
	return all
}

const firewalldPolicy = "/etc/firewalld/policies/stackd.xml"

// policy is firewalld's part: a policy of its own beside the zones, so that no zone of
// anybody's is changed.
func (h *Host) policy() string {
	s := "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<policy version=\"1.0\" priority=\"-10\" target=\"CONTINUE\">\n  <short>stackd</short>\n  <ingress-zone name=\"ANY\"/>\n  <egress-zone name=\"HOST\"/>\n"
	for _, o := range h.openings() {
		for _, p := range strings.Fields(o.ports) {
			if !o.hosts {
				s += fmt.Sprintf("  <port port=%q protocol=%q/>\n", p, o.proto)
				continue
			}
			for _, from := range h.all.peers() {
				s += fmt.Sprintf("  <rule family=\"ipv4\"><source address=%q/><port port=%q protocol=%q/><accept/></rule>\n", from, p, o.proto)
			}
		}
	}
	return s + "</policy>\n"
}

// ufw is ufw's part, a rule a line.
func (h *Host) ufw() string {
	s := ""
	for _, o := range h.openings() {
		ports := strings.ReplaceAll(strings.ReplaceAll(o.ports, "-", ":"), " ", ",")
		if !o.hosts {
			s += fmt.Sprintf("allow proto %s to any port %s\n", o.proto, ports)
			continue
		}
		for _, from := range h.all.peers() {
			s += fmt.Sprintf("allow proto %s from %s to any port %s\n", o.proto, from, ports)
		}
	}
	return s
}

// firewall lets what the host is for through whatever guards it: firewalld, or ufw. The
// answers may say that it is switched off, or left alone.
func firewall() converge.Step[*Host] {
	return step("firewall", func(h *Host) string {
		switch h.plan.Answers["CONFIG_STACKD_FIREWALL"] {
		case "keep":
			return "true"
		case "off":
			return "! firewall-cmd --state >/dev/null 2>&1 && ! ufw status 2>/dev/null | grep -q '^Status: active'"
		}
		return "{ [ ! -d /etc/firewalld ] || cmp -s " + firewalldPolicy + " <(printf '%s' " + quote(h.policy()) + "); } && " +
			"{ ! ufw status 2>/dev/null | grep -q '^Status: active' || cmp -s " + kept + "/ufw <(printf '%s' " + quote(h.ufw()) + "); }"
	}, (*Host).openFirewall, func(*Host) string { return closeFirewall })
}

func (h *Host) openFirewall() string {
	if h.plan.Answers["CONFIG_STACKD_FIREWALL"] == "off" {
		return firewallOff
	}
	return `if [ -d /etc/firewalld ]; then
  mkdir -p /etc/firewalld/policies; printf '%s' ` + quote(h.policy()) + ` > ` + firewalldPolicy + `
  ! firewall-cmd --state >/dev/null 2>&1 || firewall-cmd --reload >&2
fi
if ufw status 2>/dev/null | grep -q '^Status: active'; then
  ` + closeUfw + `
  printf '%s' ` + quote(h.ufw()) + ` > ` + kept + `/ufw
  while read -r rule; do ufw $rule comment stackd >&2; done < ` + kept + `/ufw
fi`
}

// firewallOff ends what guards the host, and keeps what that was.
const firewallOff = `if firewall-cmd --state >/dev/null 2>&1; then
  touch ` + kept + `/firewalld-off
  if [ -d /run/systemd/system ]; then systemctl disable -q --now firewalld; else kill $(cat /run/firewalld.pid); sleep 1; fi
fi
if ufw status 2>/dev/null | grep -q '^Status: active'; then touch ` + kept + `/ufw-off; ufw --force disable >&2; fi`

const closeUfw = `[ ! -e ` + kept + `/ufw ] || while read -r rule; do ufw delete $rule >&2 || true; done < ` + kept + `/ufw; rm -f ` + kept + `/ufw`

const closeFirewall = `if [ -e ` + firewalldPolicy + ` ]; then
  rm -f ` + firewalldPolicy + `
  ! firewall-cmd --state >/dev/null 2>&1 || firewall-cmd --reload >&2
fi
` + closeUfw + `
if [ -e ` + kept + `/firewalld-off ]; then
  if [ -d /run/systemd/system ]; then systemctl enable -q --now firewalld; else firewalld; fi
  rm -f ` + kept + `/firewalld-off
fi
[ ! -e ` + kept + `/ufw-off ] || { ufw --force enable >&2; rm -f ` + kept + `/ufw-off; }`
