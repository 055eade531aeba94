package deploy

import "stackd/internal/converge"

const modulesFile = "/etc/modules-load.d/stackd.conf"

// wanted prints the kernel modules that a host needs and can have: what is built in, or
// is not there at all, is none of them.
func (h *Host) wanted() string {
	s := "wanted() { for m in"
	if h.Controller() || h.Compute() {
		s += " openvswitch"
	}
	if h.Compute() {
		s += " $(grep -qw vmx /proc/cpuinfo && echo kvm_intel) $(grep -qw svm /proc/cpuinfo && echo kvm_amd)"
	}
	if h.Controller() && h.plan.Answers["CONFIG_CINDER_BACKEND"] == "lvm" {
		s += " dm_mod dm_thin_pool dm_snapshot"
	}
	return s + "; do case $(modinfo -F filename $m 2>/dev/null) in /*) echo $m ;; esac; done; }\n"
}

// modules has the kernel know what guests, networks and volumes need, also at the next
// start.
func modules() converge.Step[*Host] {
	return step("kernel modules", func(h *Host) string {
		return h.wanted() + "w=$(wanted); [ -z \"$w\" ] || { [ \"$w\" = \"$(cat " + modulesFile + " 2>/dev/null)\" ] && for m in $w; do [ -e /sys/module/$m ] || exit 1; done; }"
	}, func(h *Host) string {
		return h.wanted() + `for m in $(wanted); do
  [ -e /sys/module/$m ] || { modprobe $m >&2; echo $m >> ` + kept + `/modules; }
done
wanted > ` + modulesFile
	}, func(*Host) string {
		return `rm -f ` + modulesFile + `
[ ! -e ` + kept + `/modules ] || { for m in $(tac ` + kept + `/modules); do modprobe -r $m 2>/dev/null || true; done; rm -f ` + kept + `/modules; }`
	})
}
