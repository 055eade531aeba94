package deploy

import (
	"fmt"
	"hash/crc32"
	"net/netip"
	"path"
	"slices"

	"stackd/internal/converge"
)

// serving are the steps of the infra host: it answers names and tells the time. They
// hold on any other host.
func serving() converge.Ladder[*Host] {
	return converge.Ladder[*Host]{
		step("time server", func(h *Host) string {
			if !h.Infra() {
				return "true"
			}
			c := h.family().clock
			return "cmp -s " + c.conf + " <(printf '%s' " + quote(h.timeServer()) + ") && " + c.told() + "chronyc -n activity >/dev/null 2>&1"
		}, func(h *Host) string {
			c := h.family().clock
			return "mkdir -p " + path.Dir(c.conf) + "; printf '%s' " + quote(h.timeServer()) + " > " + c.conf + "\n" + c.tell() + c.again()
		}, func(h *Host) string {
			c := h.family().clock
			return "[ ! -e " + c.conf + " ] || { rm -f " + c.conf + "; " + c.untell() + "[ ! -d /run/systemd/system ] || systemctl try-restart " + c.unit + "; }\n" + endChrony
		}),
		step("name server", func(h *Host) string {
			if !h.Infra() {
				return "true"
			}
			return h.bindLook()
		}, (*Host).bindMake, func(h *Host) string { return h.family().names.remove() }),
	}
}

// timeServer is chrony's part for a host that others ask: it follows its own servers,
// and goes on by its own clock when it is cut off.
func (h *Host) timeServer() string {
	s := ""
	for _, n := range h.plan.upstream() {
		s += "server " + n + " iburst\n"
	}
	for _, n := range h.all.networks() {
		s += "allow " + n.String() + "\n"
	}
	return s + "local stratum 10\n"
}

// networks are the networks of the hosts' addresses, each with 256 addresses, which is
// what a reverse zone is for.
func (r *Run) networks() (all []netip.Prefix) {
	for _, h := range r.Hosts {
		ip := netip.MustParseAddr(h.Address)
		if p, err := ip.Prefix(24); err == nil && ip.Is4() && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

// A file of the name server, by name.
type bindFile struct{ name, text string }

// bindFiles are all of them: settings, the cloud's zone, and one zone for each network.
func (h *Host) bindFiles() []bindFile {
	domain, dir := h.plan.Domain(), h.family().names.dir
	zone := h.zone()
	conf := h.bindOptions()
	for _, host := range h.all.Hosts {
		zone += fmt.Sprintf("%s A %s\n", host.Name, host.Address)
	}
	all := []bindFile{{"zone", zone}}
	conf += fmt.Sprintf("zone %q { type primary; file %q; };\n", domain, dir+"/zone")
	for _, n := range h.all.networks() {
		b := n.Addr().As4()
		name := fmt.Sprintf("%d.%d.%d.in-addr.arpa", b[2], b[1], b[0])
		text := h.zone()
		for _, host := range h.all.Hosts {
			if ip := netip.MustParseAddr(host.Address); n.Contains(ip) {
				text += fmt.Sprintf("%d PTR %s.%s.\n", ip.As4()[3], host.Name, domain)
			}
		}
		all = append(all, bindFile{name, text})
		conf += fmt.Sprintf("zone %q { type primary; file %q; };\n", name, dir+"/"+name)
	}
	return append(all, bindFile{"named.conf", conf})
}

// zone is how a zone begins. Nobody copies it, so that its serial need not grow: it
// says which hosts there are.
func (h *Host) zone() string {
	hosts := ""
	for _, host := range h.all.Hosts {
		hosts += host.Name + " " + host.Address + "\n"
	}
	server := h.Name + "." + h.plan.Domain() + "."
	return fmt.Sprintf("$TTL 300\n@ SOA %s hostmaster.%s. %d 3600 600 86400 300\n@ NS %s\n", server, h.plan.Domain(), crc32.ChecksumIEEE([]byte(hosts)), server)
}

// bindOptions lets anybody ask for the cloud's names, and the hosts' networks for all.
func (h *Host) bindOptions() string {
	forward := ""
	for _, f := range h.forwarders() {
		forward += " " + f + ";"
	}
	if forward != "" {
		forward = "  forwarders {" + forward + " };\n"
	}
	near := ""
	for _, n := range h.all.networks() {
		near += " " + n.String() + ";"
	}
	return "options {\n  directory \"" + h.family().names.cache + "\";\n  pid-file \"/run/named/named.pid\";\n  listen-on { 127.0.0.1; " + h.Address + "; };\n  listen-on-v6 { none; };\n" +
		"  allow-query { any; };\n  allow-transfer { none; };\n  recursion yes;\n  allow-recursion { localhost; localnets;" + near + " };\n  dnssec-validation no;\n" + forward + "};\ncontrols { };\n"
}

// forwarders are the answers', or those that the host itself asked before.
func (h *Host) forwarders() []string {
	if all := h.plan.Answers.List("CONFIG_STACKD_DNS_FORWARDERS"); len(all) > 0 {
		return all
	}
	return slices.DeleteFunc(slices.Clone(h.Facts.Resolvers), func(s string) bool { return s == h.Address })
}

// resolver points a host at the infra host for names. What was there is kept, also when
// it is a link, and whatever writes the file by itself is told not to.
func resolver() converge.Step[*Host] {
	return step("resolver", func(h *Host) string {
		if h.plan.Infra == "" {
			return "true"
		}
		return "cmp -s /etc/resolv.conf <(printf '%s' " + quote(h.plan.resolvConf()) + ")"
	}, func(h *Host) string {
		return `[ -e ` + kept + `/resolv.conf ] || [ -L ` + kept + `/resolv.conf ] || cp -a /etc/resolv.conf ` + kept + `/resolv.conf
[ ! -d /etc/NetworkManager/conf.d ] || { printf '[main]\ndns=none\n' > /etc/NetworkManager/conf.d/stackd-dns.conf; nmcli general reload >/dev/null 2>&1 || true; }
[ ! -d /etc/dhcp/dhclient-enter-hooks.d ] || printf 'make_resolv_conf() { :; }\n' > /etc/dhcp/dhclient-enter-hooks.d/stackd-dns
[ ! -L /etc/resolv.conf ] || rm /etc/resolv.conf
printf '%s' ` + quote(h.plan.resolvConf()) + ` > /etc/resolv.conf`
	}, func(*Host) string {
		return `rm -f /etc/NetworkManager/conf.d/stackd-dns.conf /etc/dhcp/dhclient-enter-hooks.d/stackd-dns
! command -v nmcli >/dev/null || nmcli general reload >/dev/null 2>&1 || true
if [ -L ` + kept + `/resolv.conf ]; then rm -f /etc/resolv.conf; cp -a ` + kept + `/resolv.conf /etc/resolv.conf; rm ` + kept + `/resolv.conf
elif [ -e ` + kept + `/resolv.conf ]; then cat ` + kept + `/resolv.conf > /etc/resolv.conf; rm ` + kept + `/resolv.conf; fi`
	})
}

func (p *Plan) resolvConf() string {
	return "search " + p.Domain() + "\nnameserver " + p.Infra + "\n"
}
