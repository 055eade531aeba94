package deploy

func (h *Host) bindLook() string {
	look := ""
	for _, f := range h.bindFiles() {
		look += "cmp -s " + h.family().names.dir + "/" + f.name + " <(printf '%s' " + quote(f.text) + ") && "
	}
	return look + binary + " dig @" + h.Address + " " + h.Name + "." + h.plan.Domain() + " +short +time=2 +tries=2 2>/dev/null | grep -qx " + quote(h.Address)
}

// bindMake writes the files and starts the server, or has it read them again. The
// distribution's own unit of the server is not to run beside it.
func (h *Host) bindMake() string {
	n := h.family().names
	s := "mkdir -p " + n.dir + "\n"
	for _, f := range h.bindFiles() {
		s += "printf '%s' " + quote(f.text) + " > " + n.dir + "/" + f.name + "\n"
	}
	return s + `named-checkconf -z ` + n.dir + `/named.conf >&2
mkdir -p /run/named; chown ` + n.user + `: /run/named
if [ -d /run/systemd/system ]; then
  ! systemctl is-enabled -q named 2>/dev/null || { systemctl disable -q --now named; touch ` + kept + `/named-enabled; }
  printf '%s' ` + quote(n.unit()) + ` > /etc/systemd/system/stackd-named.service; systemctl daemon-reload; systemctl enable -q stackd-named; systemctl restart stackd-named
else
  ` + endNamed + `
  named -c ` + n.dir + `/named.conf -u ` + n.user + `
fi
for i in $(seq 50); do ` + binary + ` dig @` + h.Address + ` . ns +norecurse +time=1 +tries=1 >/dev/null 2>&1 && exit 0; sleep .2; done; echo "named does not answer at ` + h.Address + `; see its log" >&2; exit 1
`
}

func (n names) unit() string {
	return `[Unit]
Description=The cloud's name server
After=network-online.target
Wants=network-online.target

[Service]
ExecStartPre=/bin/mkdir -p /run/named
ExecStartPre=/bin/chown ` + n.user + `: /run/named
ExecStart=/usr/sbin/named -f -u ` + n.user + ` -c ` + n.dir + `/named.conf
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=2

[Install]
WantedBy=multi-user.target
`
}

const endNamed = `[ ! -s /run/named/named.pid ] || { p=$(cat /run/named/named.pid); kill $p 2>/dev/null || true; for i in $(seq 100); do kill -0 $p 2>/dev/null || break; sleep .1; done; }`

func (n names) remove() string {
	return `[ ! -e ` + n.dir + ` ] || {
  if [ -e /etc/systemd/system/stackd-named.service ]; then systemctl disable -q --now stackd-named; rm -f /etc/systemd/system/stackd-named.service; systemctl daemon-reload; else ` + endNamed + `; fi
  [ ! -e ` + kept + `/named-enabled ] || systemctl enable -q --now named
  rm -rf ` + n.dir + n.clear + `
}`
}
