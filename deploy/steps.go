package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path"
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

// lastOfKept is what the last step that is taken back does.
const lastOfKept = "rmdir --ignore-fail-on-non-empty " + kept

// preparing are the steps of every host.
func preparing() converge.Ladder[*Host] {
	return slices.Concat(ownCluster(), converge.Ladder[*Host]{
		repositories(),
		packages(),
		services(),
		step("names", func(h *Host) string {
			return "sed -n '/^# stackd:/,/^# :stackd/p' /etc/hosts | cmp -s - <(printf '%s' " + quote(h.all.names()) + ")"
		}, func(h *Host) string {
			return "sed -i '/^# stackd:/,/^# :stackd/d' /etc/hosts; printf '%s' " + quote(h.all.names()) + " >> /etc/hosts"
		}, func(*Host) string { return "sed -i '/^# stackd:/,/^# :stackd/d' /etc/hosts" }),
		step("time", func(h *Host) string {
			if len(h.plan.timeServers(h.Address)) == 0 {
				return "true"
			}
			c := h.family().clock
			return "cmp -s " + c.sources + " <(printf '%s' " + quote(h.sources()) + ") && " + c.told() + "chronyc -n sources | grep -q '^\\^'"
		}, func(h *Host) string {
			c := h.family().clock
			return "mkdir -p " + path.Dir(c.sources) + "; printf '%s' " + quote(h.sources()) + " > " + c.sources + "\n" + c.tell() + c.start()
		}, func(h *Host) string {
			c := h.family().clock
			return "rm -f " + c.sources + "; " + c.untell() + endChrony
		}),
		program(),
	}, letting(), serving(), converge.Ladder[*Host]{resolver()})
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
