package deploy

import (
	"strings"

	"stackd/internal/converge"
)

// switchUnits are the units of the system's own Open vSwitch and OVN, and targetUnits of
// its tgt, as distributions name them. stackd runs these programs itself.
const (
	switchUnits = "openvswitch-switch openvswitch ovs-vswitchd ovsdb-server ovs-record-hostname ovn-central ovn-northd ovn-ovsdb-server-nb ovn-ovsdb-server-sb ovn-host ovn-controller"
	targetUnits = " tgt tgtd"
)

// units are those that must not run beside stackd on the host: a kernel has one switch,
// and 3260 is one port.
func (h *Host) units() string {
	switch {
	case h.Controller():
		return switchUnits + targetUnits
	case h.Compute():
		return switchUnits
	}
	return ""
}

// thereUnits prints those of the host's units that are there, and not masked unless by us.
const thereUnits = `there() { for u in $UNITS; do [ -n "$(systemctl show -P FragmentPath $u 2>/dev/null)" ] && echo $u; done; }
`

// services keeps what distributions start by themselves, now and at the next start of the
// host, from running beside stackd's own: two switches take one another's ports away. A
// switch or targets that somebody uses are refused beforehand (preflight.go).
func services() converge.Step[*Host] {
	return step("system services", func(h *Host) string {
		return "[ -d /run/systemd/system ] || exit 0\nUNITS=" + quote(h.units()) + "\n" + thereUnits +
			`for u in $(there); do [ "$(systemctl is-enabled $u 2>/dev/null)" = masked ] || exit 1; done`
	}, func(h *Host) string {
		return "UNITS=" + quote(h.units()) + "\n" + thereUnits + `
all=$(for u in $(there); do [ "$(systemctl is-enabled $u 2>/dev/null)" = masked ] || echo $u; done)
for u in $all; do echo $u $(systemctl is-active $u) >> ` + kept + `/services; done
! systemctl is-active -q ovs-vswitchd || timeout 20 ovs-appctl exit --cleanup >&2 || true # or its ports stay in the kernel
! systemctl is-active -q tgt || systemctl kill -s KILL tgt # which hears nothing else
systemctl mask -q --now $all >&2; systemctl reset-failed $all 2>/dev/null || true`
	}, func(*Host) string { return restoreServices })
}

// restoreServices lets them run again, and starts those that ran.
var restoreServices = strings.ReplaceAll(`[ ! -e KEPT/services ] || {
systemctl unmask -q $(cut -d' ' -f1 KEPT/services) >&2
systemctl start $(awk '$2 == "active" {print $1}' KEPT/services) >&2 || true
rm -f KEPT/services
}`, "KEPT", kept)

// lookServices finds out whether somebody uses the system's own switch or targets.
const lookServices = `
echo bridges $(ovs-vsctl --timeout=3 list-br 2>/dev/null | grep -vx br-int)
targets=$(timeout 3 tgtadm --lld iscsi --mode target --op show 2>/dev/null | sed -n 's/^Target [0-9]*: //p'); echo targets $targets
`

// used refuses a host whose own switch or targets somebody uses.
func (h *Host) used(bad func(string, ...any)) {
	if b := h.Facts.Bridges; len(b) > 0 && (h.Controller() || h.Compute()) {
		bad("its own Open vSwitch has bridge %s, and stackd brings a switch of its own, which cannot run beside it: take it off (ovs-vsctl del-br %s), or name another host", strings.Join(b, ", "), b[0])
	}
	if t := h.Facts.Targets; len(t) > 0 && h.Controller() {
		bad("its own tgt has target %s, and stackd brings an iSCSI server of its own for the same port: take it off, or name another host", strings.Join(t, ", "))
	}
}
