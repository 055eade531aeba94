package deploy

import (
	_ "embed"
	"strings"

	"stackd/internal/converge"
)

// rules are a domain for stackd and what it starts, for policies whose services are
// confined by what they are (Debian's). One that has unconfined_service_t (Fedora's, and
// Enterprise Linux's) leaves what it does not know free by itself.
//
//go:embed selinux.cil
var rules string

// domain has a unit run by the rules, where the policy has them; else as it would.
const domain = "SELinuxContext=-system_u:system_r:stackd_t:s0"

// saysContext is said to the kernel, which knows it or not.
const saysContext = `context() { [ -e /sys/fs/selinux/context ] && printf system_u:system_r:$1:s0 2>/dev/null > /sys/fs/selinux/context; }
`

// selinux adds stackd's rules to the host's policy; or has SELinux tell and not forbid, or
// leaves it as it is, where the answers say so.
func selinux() converge.Step[*Host] {
	return step("selinux", func(h *Host) string {
		switch h.plan.Answers["CONFIG_STACKD_SELINUX"] {
		case "permissive":
			return `[ "$(getenforce 2>/dev/null)" != Enforcing ]`
		case "rules":
			return saysContext + "[ ! -e " + kept + "/selinux ] || exit 1\n[ -e /sys/fs/selinux/context ] && ! context unconfined_service_t || exit 0\n" +
				"cmp -s " + kept + "/stackd.cil <(printf '%s' " + quote(rules) + ") && context stackd_t"
		}
		return "[ ! -e " + kept + "/selinux ] && [ ! -e " + kept + "/stackd.cil ]"
	}, (*Host).makeSELinux, func(*Host) string { return enforceAgain + takeRules })
}

func (h *Host) makeSELinux() string {
	switch h.plan.Answers["CONFIG_STACKD_SELINUX"] {
	case "permissive":
		return onlyTell
	case "rules":
		return enforceAgain + saysContext + strings.NewReplacer("KEPT", kept, "RULES", quote(rules), "DOMAIN", domain).Replace(`
[ -e /sys/fs/selinux/context ] && ! context unconfined_service_t || exit 0
d=$(mktemp -d) # semodule may not read what is below /var/lib
trap 'rm -rf $d' EXIT
printf '%s' RULES > $d/stackd.cil
semodule -X 300 -i $d/stackd.cil >&2 || { echo "its SELinux policy takes no rules for stackd; CONFIG_STACKD_SELINUX=permissive lets it only tell, keep leaves it as it is" >&2; exit 1; }
cat $d/stackd.cil > KEPT/stackd.cil
for u in stackd stackd-agent; do mkdir -p /etc/systemd/system/$u.service.d; printf '[Service]\nDOMAIN\n' > /etc/systemd/system/$u.service.d/selinux.conf; done
systemctl daemon-reload`)
	}
	return enforceAgain + takeRules
}

// onlyTell keeps the settings as they were. They need not be there, where the mode is the
// kernel's command line's.
var onlyTell = strings.ReplaceAll(`[ -e KEPT/selinux ] || { [ ! -e /etc/selinux/config ] || cat /etc/selinux/config > KEPT/selinux-config; touch KEPT/selinux; }
setenforce 0
[ ! -e KEPT/selinux-config ] || sed -E 's/^[[:space:]]*SELINUX[[:space:]]*=.*/SELINUX=permissive/' KEPT/selinux-config > /etc/selinux/config
`, "KEPT", kept)

// enforceAgain undoes onlyTell, which only did something where SELinux enforced.
var enforceAgain = strings.ReplaceAll(`[ ! -e KEPT/selinux ] || {
[ ! -s KEPT/selinux ] || cat KEPT/selinux > /etc/selinux/config # an older version kept it so
[ ! -e KEPT/selinux-config ] || cat KEPT/selinux-config > /etc/selinux/config
[ ! -e /sys/fs/selinux/enforce ] || setenforce 1
rm -f KEPT/selinux KEPT/selinux-config; }
`, "KEPT", kept)

var takeRules = strings.ReplaceAll(`[ ! -e KEPT/stackd.cil ] || {
rm -f /etc/systemd/system/stackd.service.d/selinux.conf /etc/systemd/system/stackd-agent.service.d/selinux.conf
rmdir /etc/systemd/system/stackd.service.d /etc/systemd/system/stackd-agent.service.d 2>/dev/null || true
semodule -X 300 -r stackd >&2; systemctl daemon-reload; rm -f KEPT/stackd.cil; }`, "KEPT", kept)
