package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"slices"

	"stackd/internal/converge"
)

// A step is one fact about a host that is made so by a script. The script look succeeds
// where it is so; make and remove are run where it is not, or is to go.
func step(name string, look, make, remove func(h *Host) string) converge.Step[*Host] {
	return converge.Step[*Host]{Name: name,
		Holds: func(ctx context.Context, h *Host) (bool, error) {
			_, err := h.Shell.Run(ctx, look(h), nil)
			var f *Failed
			if errors.As(err, &f) {
				return false, nil
			}
			return err == nil, err
		},
		Make:   func(ctx context.Context, h *Host) error { return h.do(ctx, name, make(h)) },
		Remove: func(ctx context.Context, h *Host) error { return h.do(ctx, name, remove(h)) },
	}
}

// do runs a script that changes the host, and writes down that it did.
func (h *Host) do(ctx context.Context, name, script string) error {
	if script == "" {
		return nil
	}
	h.all.log("%s: %s:\n%s", h.Address, name, h.all.mask(script))
	if h.all.DryRun {
		h.all.would(h, name)
		return nil
	}
	h.all.acted(h, name)
	out, err := h.Shell.Run(ctx, "set -e\nmkdir -p "+kept+"\n"+script, nil)
	h.all.log("%s: %s: %s %v", h.Address, name, out, err)
	return err
}

// kept is where a host keeps what an uninstall has to know.
const kept = "/var/lib/stackd-install"

// preparing are the steps of every host.
func preparing() converge.Ladder[*Host] {
	return slices.Concat(ownCluster(), converge.Ladder[*Host]{
		packages(),
		step("names", func(h *Host) string {
			return "sed -n '/^# stackd:/,/^# :stackd/p' /etc/hosts | cmp -s - <(printf '%s' " + quote(h.all.names()) + ")"
		}, func(h *Host) string {
			return "sed -i '/^# stackd:/,/^# :stackd/d' /etc/hosts; printf '%s' " + quote(h.all.names()) + " >> /etc/hosts"
		}, func(*Host) string { return "sed -i '/^# stackd:/,/^# :stackd/d' /etc/hosts" }),
		step("time", func(h *Host) string {
			if len(h.plan.timeServers(h.Address)) == 0 {
				return "true"
			}
			return "cmp -s /etc/chrony/sources.d/stackd.sources <(printf '%s' " + quote(h.sources()) + ") && chronyc -n sources | grep -q '^\\^'"
		}, func(h *Host) string {
			return "mkdir -p /etc/chrony/sources.d; printf '%s' " + quote(h.sources()) + " > /etc/chrony/sources.d/stackd.sources\n" + startChrony
		}, func(*Host) string {
			return "rm -f /etc/chrony/sources.d/stackd.sources; " + endChrony
		}),
		program(),
	}, letting(), serving(), converge.Ladder[*Host]{resolver()})
}

func (h *Host) packages() string {
	all := "iproute2"
	if h.Infra() {
		all += " bind9 chrony"
	}
	if h.Controller() || h.Compute() {
		all += " openvswitch-switch ovn-host nftables"
	} else if h.NAT() {
		all += " nftables"
	}
	if h.Controller() {
		all += " ovn-central qemu-utils qemu-block-extra tgt novnc"
		if h.plan.Answers.Yes("CONFIG_CLIENT_INSTALL") {
			all += " python3-openstackclient"
		}
		if h.plan.Answers["CONFIG_CINDER_BACKEND"] == "lvm" {
			all += " lvm2 thin-provisioning-tools"
		}
	}
	if h.Compute() {
		all += " qemu-system-x86 qemu-utils qemu-block-extra libvirt-daemon libvirt-clients libvirt-daemon-driver-qemu iputils-ping"
	}
	if h.Database() {
		all += " postgresql openssl"
	}
	if len(h.plan.timeServers(h.Address)) > 0 {
		all += " chrony"
	}
	return all
}

// installPackages installs what is missing, and keeps a list of it. Nothing that is
// installed starts by itself.
func installPackages(h *Host, apt string) string {
	apt += " -o DPkg::Lock::Timeout=300 -q"
	return `policy=/usr/sbin/policy-rc.d; [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' > $policy; chmod +x $policy; trap 'rm -rf $policy $repo' EXIT; }
before=$(mktemp); dpkg-query -W -f '${Package} ${Status}\n' | awk '/install ok installed/{print $1}' | sort > $before
export DEBIAN_FRONTEND=noninteractive
` + apt + ` update >&2 || true
` + apt + ` install -y --no-install-recommends ` + h.packages() + ` >&2
dpkg-query -W -f '${Package} ${Status}\n' | awk '/install ok installed/{print $1}' | sort | comm -13 $before - >> ` + kept + `/packages`
}

func removePackages(*Host) string {
	return `[ ! -s ` + kept + `/packages ] || DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -q purge -y $(cat ` + kept + `/packages) >&2
rm -rf ` + kept
}

// names is the part of /etc/hosts that is ours.
func (r *Run) names() string {
	s := "# stackd: the hosts of the cloud\n"
	for _, h := range r.Hosts {
		s += h.Address + " "
		if r.Plan.Infra != "" {
			s += h.Name + "." + r.Plan.Domain() + " "
		}
		s += h.Name + "\n"
	}
	return s + "# :stackd\n"
}

func (h *Host) sources() string {
	s := ""
	for _, n := range h.plan.timeServers(h.Address) {
		s += "server " + n + " iburst\n"
	}
	return s
}

// againChrony starts chrony with its settings as they are now.
const againChrony = `if [ -d /run/systemd/system ]; then systemctl enable -q chrony; systemctl restart chrony; else
  p=$(cat /run/chrony/chronyd.pid 2>/dev/null || true); [ -z "$p" ] || { kill $p 2>/dev/null || true; for i in $(seq 50); do kill -0 $p 2>/dev/null || break; sleep .1; done; }
  mkdir -p /run/chrony; chronyd; sleep 1; cp /run/chrony/chronyd.pid ` + kept + `/chrony.pid; fi`

// endChrony ends the one that this installer started by itself.
const endChrony = "[ ! -e " + kept + "/chrony.pid ] || { kill $(cat " + kept + "/chrony.pid) 2>/dev/null || true; rm " + kept + "/chrony.pid; }"

const startChrony = `if [ -d /run/systemd/system ]; then systemctl enable -q --now chrony; else chronyc -n activity >/dev/null 2>&1 || { mkdir -p /run/chrony; chronyd && sleep 1 && cp /run/chrony/chronyd.pid ` + kept + `/chrony.pid; }; fi
chronyc reload sources >&2 || true`

const binary = "/usr/local/bin/stackd"

// program puts this program on the host.
func program() converge.Step[*Host] {
	s := step("program", func(h *Host) string {
		return "echo " + h.all.sum + "  " + binary + " | sha256sum -c --quiet - 2>/dev/null"
	}, nil, func(*Host) string { return "rm -f " + binary })
	s.Make = func(ctx context.Context, h *Host) error {
		h.all.log("%s: program: %s", h.Address, binary)
		if h.all.DryRun {
			h.all.would(h, "program")
			return nil
		}
		h.all.acted(h, "program")
		f, err := os.Open(h.all.Program)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = h.Shell.Run(ctx, "cat > "+binary+".new && chmod 755 "+binary+".new && mv "+binary+".new "+binary, f)
		return err
	}
	return s
}

func sumOf(file string) (string, error) {
	b, err := os.ReadFile(file)
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:]), err
}
