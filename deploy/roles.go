package deploy

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"stackd/internal/converge"
)

// controlling are the steps of the controller.
func controlling() converge.Ladder[*Host] {
	return slices.Concat(sharing(), converge.Ladder[*Host]{
		volumeGroup(),
		step("settings", func(h *Host) string {
			return "cmp -s /var/lib/stackd/stackd.yaml <(printf '%s' " + quote(h.settings()) + ") && [ -s /var/lib/stackd/keystonerc_admin ]"
		}, func(h *Host) string {
			return "mkdir -p /var/lib/stackd; printf '%s' " + quote(h.settings()) + " > /var/lib/stackd/stackd.yaml\n" +
				"[ -s /var/lib/stackd/keystonerc_admin ] || (umask 077; printf 'export OS_PROJECT_NAME=admin\\n%s\\n' " + quote("export OS_PASSWORD="+quote(h.plan.Answers["CONFIG_KEYSTONE_ADMIN_PW"])) + " > /var/lib/stackd/keystonerc_admin)"
		}, func(*Host) string { return emptyData }),
		step("control plane", func(h *Host) string {
			return h.runs("serve", h.serve())
		}, func(h *Host) string {
			return stopOld + h.unit("stackd", h.serve()) + h.mark("serve", h.serve())
		}, func(h *Host) string { return h.stop("stackd") }),
		step("credentials", func(h *Host) string {
			return "cmp -s /root/keystonerc_admin <(" + h.openrc("admin") + ")"
		}, func(h *Host) string { return "umask 077; " + h.openrc("admin") + " > /root/keystonerc_admin" },
			func(*Host) string { return "rm -f /root/keystonerc_admin" }),
		step("demo", func(h *Host) string {
			if !h.plan.Answers.Yes("CONFIG_PROVISION_DEMO") || h != h.all.Hosts[0] {
				return "true"
			}
			return "cmp -s /root/keystonerc_demo <(" + h.openrc("demo") + ")"
		}, func(h *Host) string {
			return "export STACKD_DEMO_PASSWORD=" + quote(h.plan.Answers["CONFIG_KEYSTONE_DEMO_PW"]) + "\n" + binary + " demo --range " + quote(h.plan.Answers["CONFIG_PROVISION_DEMO_FLOATRANGE"]) + " >&2\numask 077; " + h.openrc("demo") + " > /root/keystonerc_demo"
		}, func(*Host) string { return "rm -f /root/keystonerc_demo" }),
		clouds(),
	})
}

// cloudsFile is where every OpenStack client looks for clouds by name.
const cloudsFile = "/root/.config/openstack/clouds.yaml"

// clouds puts the cloud's clouds.yaml there. One that somebody else wrote is left alone.
func clouds() converge.Step[*Host] {
	return step("clouds.yaml", func(*Host) string {
		return "if [ -e " + kept + "/clouds.yaml ]; then cmp -s " + cloudsFile + " /var/lib/stackd/clouds.yaml; else [ -e " + cloudsFile + " ]; fi"
	}, func(*Host) string {
		return "touch " + kept + "/clouds.yaml; mkdir -p -m 700 $(dirname " + cloudsFile + "); umask 077; cp /var/lib/stackd/clouds.yaml " + cloudsFile
	}, func(*Host) string {
		return "[ ! -e " + kept + "/clouds.yaml ] || { rm -f " + cloudsFile + "; rmdir -p --ignore-fail-on-non-empty $(dirname " + cloudsFile + ") 2>/dev/null || true; rm -f " + kept + "/clouds.yaml; }"
	})
}

// openrc prints the credentials as the cloud keeps them, with packstack's prompt.
func (h *Host) openrc(user string) string {
	return "{ cat /var/lib/stackd/keystonerc_" + user + "; echo " + quote(`export PS1='[\u@\h \W(keystone_`+user+`)]\$ '`) + "; }"
}

// settings is the controller's stackd.yaml.
func (h *Host) settings() string {
	at, host := net.JoinHostPort(h.Address, "3260"), ""
	if h.plan.several() {
		host = h.plan.Answers["CONFIG_STORAGE_HOST"]
		at, host = net.JoinHostPort(host, "3260"), fmt.Sprintf(", host: %q", host)
	}
	lvm := h.plan.Answers["CONFIG_CINDER_BACKEND"] == "lvm"
	target := fmt.Sprintf(", target: iscsi, target_address: %q", at)
	switch {
	case !h.exports():
		target = ", target: none"
	case lvm: // iSCSI is usual
		target = fmt.Sprintf(", target_address: %q", at)
	}
	if lvm {
		return fmt.Sprintf("volume:\n  backends:\n  - {name: lvm, kind: lvm, volume_group: %s%s%s}\n", h.plan.Answers["CONFIG_CINDER_VOLUME_NAME"], target, host)
	}
	return fmt.Sprintf("volume:\n  backends:\n  - {name: files, kind: file%s%s}\n", target, host)
}

// exports tells whether the host that has the volumes hands them to others.
func (h *Host) exports() bool {
	for _, other := range h.all.Hosts {
		if other.Storage() {
			return other.iscsi()
		}
	}
	return h.iscsi()
}

// serve is the controller's command line.
func (h *Host) serve() string {
	verb := "serve"
	if h.Compute() {
		verb = "up"
	}
	c := fmt.Sprintf("%s %s --host %s --listen %s --netns host --nodes %s --tunnel %s --region %s", binary, verb, quote(h.Name), h.Address, net.JoinHostPort(h.Address, "8780"), h.Tunnel, quote(h.plan.Region))
	if h.plan.Physnet != "" {
		c += " --physnet " + quote(h.plan.Physnet)
	}
	if h.plan.Uplink != "" && h.Network() {
		c += " --uplink " + quote(h.plan.Uplink)
	}
	if verb == "up" {
		c += h.accel()
	}
	return c + h.beside()
}

func (h *Host) accel() string {
	switch h.plan.Answers["CONFIG_NOVA_LIBVIRT_VIRT_TYPE"] {
	case "kvm":
		return " --accel kvm"
	case "qemu":
		return " --accel tcg"
	}
	return ""
}

// emptyData takes the data folder away, or empties it where it is a disk of its own.
const emptyData = "[ ! -d /var/lib/stackd ] || { find /var/lib/stackd -mindepth 1 -delete; rmdir /var/lib/stackd 2>/dev/null || true; }"

// stopOld ends the program that runs, and nothing else: guests and daemons go on.
// Who calls it meanwhile is answered by the next, if that takes over what it listens on.
// A unit is stopped, so that systemd does not start it before its time.
const stopOld = holdOld + `lock=/var/lib/stackd/lock
if [ -s $lock ] && ! flock -n -s $lock true; then
  for u in stackd stackd-agent; do [ ! -d /run/systemd/system ] || ! systemctl is-active -q $u || systemctl stop $u; done
  flock -n -s $lock true || { kill $(cat $lock); for i in $(seq 300); do flock -n -s $lock true && break; sleep .1; done; }
fi
`

// holdOld has what the program listens on held while it ends, as far as that can be.
const holdOld = "if [ -s /var/lib/stackd/lock ]; then " + binary + " hold </dev/null >/dev/null 2>&1 & for i in $(seq 50); do [ ! -S /var/lib/stackd/handover ] && kill -0 $! 2>/dev/null || break; sleep .1; done; fi\n"

// runs looks whether what runs is this program with this command line.
func (h *Host) runs(mark, command string) string {
	return binary + ` status --output json | grep -q '"running":true' && cmp -s ` + kept + "/" + mark + " <(printf '%s' " + quote(h.all.sum+" "+command) + ")"
}

func (h *Host) mark(mark, command string) string {
	return "printf '%s' " + quote(h.all.sum+" "+command) + " > " + kept + "/" + mark
}

// endTargets ends tgtd when the host goes down, which otherwise waits for it in vain for a
// minute and a half: it hears no other signal.
const endTargets = "\nExecStopPost=-/bin/sh -c 'case $$(systemctl is-system-running) in stopping) pkill -KILL -x tgtd ;; esac'"

// unit runs a command for good: by systemd where it runs, else in the background.
func (h *Host) unit(name, command string) string {
	file := "/etc/systemd/system/" + name + ".service"
	text := "[Unit]\nDescription=stackd\nAfter=network-online.target " + volumesUnit + "\nWants=network-online.target\n\n[Service]\nExecStart=" + command + endTargets +
		"\nRestart=always\nRestartSec=2\nKillMode=process\nLimitNOFILE=65536\nTasksMax=infinity\n\n[Install]\nWantedBy=multi-user.target\n"
	return "if [ -d /run/systemd/system ]; then printf '%s' " + quote(text) + " > " + file + "; systemctl daemon-reload; systemctl enable -q " + name + "; systemctl restart " + name +
		"; for i in $(seq 240); do " + binary + " status --output json 2>/dev/null | grep -q '\"ready\":true' && break; sleep .5; done\n" +
		binary + " status --output json | grep -q '\"ready\":true' || { journalctl -q -o cat -n 50 -u " + name + " 2>/dev/null | grep '^stackd: ' | tail -n 1 >&2; tail -n 3 /var/lib/stackd/stackd.log >&2; exit 1; }\nelse " + command + " --background >&2 || { tail -n 3 /var/lib/stackd/stackd.log >&2; exit 1; }; fi\n"
}

func (h *Host) stop(name string) string {
	return "[ ! -e /etc/systemd/system/" + name + ".service ] || { systemctl disable -q --now " + name + "; rm -f /etc/systemd/system/" + name + ".service; systemctl daemon-reload; }\n[ ! -e " + binary + " ] || " + binary + " down >&2 || [ ! -d /var/lib/stackd ]"
}

// computing are the steps of a host that runs guests for a controller elsewhere.
func computing() converge.Ladder[*Host] {
	s := step("node", func(h *Host) string {
		return h.runs("agent", h.agent())
	}, nil, func(h *Host) string { return h.stop("stackd-agent") + "\n" + emptyData })
	s.Make = func(ctx context.Context, h *Host) error {
		token, forgotten := "", ""
		if !h.all.DryRun {
			said, err := h.all.controller().Shell.Run(ctx, binary+" node token --life 10m --host "+quote(h.Name)+"\n"+binary+" node list --output json | grep -F "+quote(`"host":"`+h.Name+`"`)+" || true", nil)
			if err != nil {
				return fmt.Errorf("no join token on the controller: %w", err)
			}
			var node string
			if token, node, _ = strings.Cut(said, "\n"); node == "" { // what it may have from before is worth nothing
				forgotten = "rm -rf /var/lib/stackd/tls\n"
			}
			h.all.secret(token)
		}
		return h.do(ctx, "node", stopOld+"mkdir -p /var/lib/stackd\n"+forgotten+
			"export STACKD_JOIN_TOKEN="+quote(token)+"\n[ -e /var/lib/stackd/tls/certificate.pem ] || "+h.agent()+" --join-only >&2\n"+
			h.unit("stackd-agent", h.agent())+h.mark("agent", h.agent()))
	}
	return converge.Ladder[*Host]{s}
}

// agent is a node's command line.
func (h *Host) agent() string {
	return strings.TrimSpace(fmt.Sprintf("%s agent --host %s --listen %s --tunnel %s --plane %s%s", binary, quote(h.Name), h.Address, h.Tunnel, h.plan.planes(), h.accel()))
}
