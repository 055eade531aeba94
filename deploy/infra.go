package deploy

import (
	"fmt"
	"hash/crc32"
	"net/netip"
	"slices"

	"stackd/internal/converge"
)

// bindDir is where the infra host's name server has its files: BIND's own are left as
// they are, so that there is nothing to give back.
const bindDir = "/etc/bind/stackd"

// serving are the steps of the infra host: it answers names and tells the time. They
// hold on any other host.
func serving() converge.Ladder[*Host] {
	return converge.Ladder[*Host]{
		step("time server", func(h *Host) string {
			if !h.Infra() {
				return "true"
			}
			return "cmp -s /etc/chrony/conf.d/stackd.conf <(printf '%s' " + quote(h.timeServer()) + ") && chronyc -n activity >/dev/null 2>&1"
		}, func(h *Host) string {
			return "mkdir -p /etc/chrony/conf.d; printf '%s' " + quote(h.timeServer()) + " > /etc/chrony/conf.d/stackd.conf\n" + againChrony
		}, func(*Host) string {
			return "[ ! -e /etc/chrony/conf.d/stackd.conf ] || { rm -f /etc/chrony/conf.d/stackd.conf; [ ! -d /run/systemd/system ] || systemctl try-restart chrony; }\n" + endChrony
		}),
		step("name server", func(h *Host) string {
			if !h.Infra() {
				return "true"
			}
			return h.bindLook()
		}, (*Host).bindMake, func(*Host) string { return bindRemove }),
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
	domain := h.plan.Domain()
	zone := h.zone()
	conf := h.bindOptions()
	for _, host := range h.all.Hosts {
		zone += fmt.Sprintf("%s A %s\n", host.Name, host.Address)
	}
	all := []bindFile{{"zone", zone}}
	conf += fmt.Sprintf("zone %q { type primary; file %q; };\n", domain, bindDir+"/zone")
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
		conf += fmt.Sprintf("zone %q { type primary; file %q; };\n", name, bindDir+"/"+name)
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
	return "options {\n  directory \"/var/cache/bind\";\n  pid-file \"/run/named/named.pid\";\n  listen-on { 127.0.0.1; " + h.Address + "; };\n  listen-on-v6 { none; };\n" +
		"  allow-query { any; };\n  allow-transfer { none; };\n  recursion yes;\n  allow-recursion { localhost; localnets;" + near + " };\n  dnssec-validation no;\n" + forward + "};\ncontrols { };\n"
}

// forwarders are the answers', or those that the host itself asked before.
func (h *Host) forwarders() []string {
	if all := h.plan.Answers.List("CONFIG_STACKD_DNS_FORWARDERS"); len(all) > 0 {
		return all
	}
	return slices.DeleteFunc(slices.Clone(h.Facts.Resolvers), func(s string) bool { return s == h.Address })
}

func (h *Host) bindLook() string {
	look := ""
	for _, f := range h.bindFiles() {
		look += "cmp -s " + bindDir + "/" + f.name + " <(printf '%s' " + quote(f.text) + ") && "
	}
	return look + binary + " dig @" + h.Address + " " + h.Name + "." + h.plan.Domain() + " +short +time=2 +tries=2 2>/dev/null | grep -qx " + quote(h.Address)
}

// bindMake writes the files and starts the server, or has it read them again. Debian's
// own unit of the server is not to run beside it.
func (h *Host) bindMake() string {
	s := "mkdir -p " + bindDir + "\n"
	for _, f := range h.bindFiles() {
		s += "printf '%s' " + quote(f.text) + " > " + bindDir + "/" + f.name + "\n"
	}
	return s + `named-checkconf -z ` + bindDir + `/named.conf >&2
mkdir -p /run/named; chown bind: /run/named
if [ -d /run/systemd/system ]; then
  ! systemctl is-enabled -q named 2>/dev/null || { systemctl disable -q --now named; touch ` + kept + `/named-enabled; }
  printf '%s' ` + quote(bindUnit) + ` > /etc/systemd/system/stackd-named.service; systemctl daemon-reload; systemctl enable -q stackd-named; systemctl restart stackd-named
else
  ` + endNamed + `
  named -c ` + bindDir + `/named.conf -u bind
fi
for i in $(seq 50); do ` + binary + ` dig @` + h.Address + ` . ns +norecurse +time=1 +tries=1 >/dev/null 2>&1 && exit 0; sleep .2; done; echo "named does not answer at ` + h.Address + `; see its log" >&2; exit 1
`
}

const bindUnit = `[Unit]
Description=The cloud's name server
After=network-online.target
Wants=network-online.target

[Service]
ExecStartPre=/bin/mkdir -p /run/named
ExecStartPre=/bin/chown bind: /run/named
ExecStart=/usr/sbin/named -f -u bind -c ` + bindDir + `/named.conf
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=2

[Install]
WantedBy=multi-user.target
`

const endNamed = `[ ! -s /run/named/named.pid ] || { p=$(cat /run/named/named.pid); kill $p 2>/dev/null || true; for i in $(seq 100); do kill -0 $p 2>/dev/null || break; sleep .1; done; }`

const bindRemove = `[ ! -e ` + bindDir + ` ] || {
  if [ -e /etc/systemd/system/stackd-named.service ]; then systemctl disable -q --now stackd-named; rm -f /etc/systemd/system/stackd-named.service; systemctl daemon-reload; else ` + endNamed + `; fi
  [ ! -e ` + kept + `/named-enabled ] || systemctl enable -q --now named
  rm -rf ` + bindDir + `; rmdir /etc/bind 2>/dev/null || true
}`

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
