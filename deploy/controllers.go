package deploy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"stackd/internal/converge"
	"stackd/internal/sqldb"
)

// several tells whether there are more controllers than one.
func (p *Plan) several() bool { return len(p.Controllers) > 1 }

// peers reads what several controllers need.
func (p *Plan) peers() error {
	outside := p.Answers["CONFIG_STACKD_DATABASE"]
	if !p.several() {
		if p.Endpoint != "" || outside != "" {
			return errors.New("CONFIG_STACKD_ENDPOINT and CONFIG_STACKD_DATABASE are for several controllers, and CONFIG_CONTROLLER_HOST names one")
		}
		return nil
	}
	var errs []error
	if n := len(p.Controllers); n%2 == 0 {
		errs = append(errs, fmt.Errorf("CONFIG_CONTROLLER_HOST names %d controllers, of which no more may be lost than of %d: name one more or one less", n, n-1))
	}
	if l := p.Answers.List("CONFIG_STORAGE_HOST"); len(l) != 1 || !slices.Contains(p.Controllers, l[0]) {
		errs = append(errs, fmt.Errorf("CONFIG_STORAGE_HOST: one of the controllers, which has the volumes, is wanted: %s", strings.Join(p.Controllers, " or ")))
	}
	if len(p.Answers.List("CONFIG_NETWORK_HOSTS")) == 0 {
		errs = append(errs, errors.New("CONFIG_NETWORK_HOSTS: the controllers that routers and floating IPs are on are wanted, for example all of them"))
	}
	at, err := netip.ParseAddr(p.Endpoint)
	switch {
	case p.Endpoint == "":
		errs = append(errs, errors.New("CONFIG_STACKD_ENDPOINT: several controllers need an address that clients use, on the controllers' network and no host's own"))
	case err != nil || !at.Is4():
		errs = append(errs, fmt.Errorf("CONFIG_STACKD_ENDPOINT=%s: an IPv4 address is wanted", p.Endpoint))
	case slices.Contains(p.Addresses(), p.Endpoint):
		errs = append(errs, fmt.Errorf("CONFIG_STACKD_ENDPOINT=%s is a host's own address; one is wanted that no host has", p.Endpoint))
	}
	if outside != "" {
		p.Database = ""
		if p.Outside, err = sqldb.Servers(outside); err != nil {
			errs = append(errs, fmt.Errorf("CONFIG_STACKD_DATABASE: %w", err))
		}
	} else if a, err := netip.ParseAddr(p.Database); err != nil || !a.Is4() {
		errs = append(errs, fmt.Errorf("CONFIG_MARIADB_HOST=%s: the IPv4 address of a host for the controllers' database is wanted, or CONFIG_STACKD_DATABASE", p.Database))
	} else if slices.Contains(p.Controllers, p.Database) {
		p.Notes = append(p.Notes, "The database is on controller "+p.Database+": the cloud stands still as long as that one is down")
	}
	return errors.Join(errs...)
}

// Network tells whether the host has the uplink: routers and floating IPs are there.
func (h *Host) Network() bool {
	return h.Controller() && (!h.plan.several() || slices.Contains(h.plan.Answers.List("CONFIG_NETWORK_HOSTS"), h.Address))
}

// Storage tells whether the host has the volumes.
func (h *Host) Storage() bool {
	return h.Controller() && (!h.plan.several() || h.plan.Answers["CONFIG_STORAGE_HOST"] == h.Address)
}

// Database tells whether the host has the database of several controllers.
func (h *Host) Database() bool { return h.plan.several() && h.Address == h.plan.Database }

// controllers are the hosts of the control plane, the first of which makes what the
// others are given.
func (r *Run) controllers() (first *Host, others []*Host) {
	for _, h := range r.Hosts[1:] {
		if h.Controller() {
			others = append(others, h)
		}
	}
	return r.Hosts[0], others
}

func (r *Run) databases() (all []*Host) {
	for _, h := range r.Hosts {
		if h.Database() {
			all = append(all, h)
		}
	}
	return all
}

const databaseFile, databaseCA = "/var/lib/stackd/database", "/var/lib/stackd/database-ca.pem"

// sharing are the steps by which a controller gets what all must have alike. What is
// secret goes from host to host by way of this program's memory and is written down
// nowhere else.
func sharing() converge.Ladder[*Host] {
	return converge.Ladder[*Host]{
		given("database address", databaseFile, func(ctx context.Context, h *Host) (string, error) {
			if at := h.plan.Answers["CONFIG_STACKD_DATABASE"]; at != "" {
				return at + "\n", nil
			}
			return h.databaseURL(ctx)
		}),
		given("database authority", databaseCA, func(ctx context.Context, h *Host) (string, error) {
			if h.plan.Database == "" {
				return "", nil
			}
			return h.of(ctx, h.all.databases()[0], databaseDir+"/server.crt")
		}),
		given("master key", "/var/lib/stackd/master.key", fromFirst("/var/lib/stackd/master.key")),
		given("administrator", "/var/lib/stackd/keystonerc_admin", fromFirst("/var/lib/stackd/keystonerc_admin")),
	}
}

// fromFirst is a file of the first controller that has it, which itself is given none: one
// that lost its disk gets it from another, whichever it is.
func fromFirst(file string) func(context.Context, *Host) (string, error) {
	return func(ctx context.Context, h *Host) (string, error) {
		first, others := h.all.controllers()
		for _, c := range append([]*Host{first}, others...) {
			text, err := h.of(ctx, c, file)
			if err != nil || text != "" && c != h {
				return text, err
			}
			if text != "" {
				break
			}
		}
		return "", nil
	}
}

// of is what a file on another host says.
func (h *Host) of(ctx context.Context, other *Host, file string) (string, error) {
	text, err := other.Shell.Run(ctx, "[ ! -e "+file+" ] || base64 -w0 "+file, nil)
	if err != nil {
		return "", fmt.Errorf("%s on %s: %w", file, other.Address, err)
	}
	return decode(text)
}

// given is the step of a file that comes from elsewhere; nothing is given where what says
// nothing. Only sums of it go over the command line.
func given(name, file string, what func(context.Context, *Host) (string, error)) converge.Step[*Host] {
	there := func(ctx context.Context, h *Host, text string) (bool, error) {
		out, err := h.Shell.Run(ctx, "[ ! -e "+file+" ] || sha256sum < "+file+" | cut -c1-64", nil)
		return text == "" || out == sumText(text), err
	}
	s := step(name, nil, nil, func(*Host) string { return "rm -f " + file })
	s.Holds = func(ctx context.Context, h *Host) (bool, error) {
		if !h.plan.several() {
			return true, nil
		}
		text, err := what(ctx, h)
		if err != nil {
			return false, err
		}
		return there(ctx, h, text)
	}
	s.Make = func(ctx context.Context, h *Host) error {
		h.all.log("%s: %s: %s", h.Address, name, file)
		if h.all.DryRun {
			h.all.would(h, name)
			return nil
		}
		text, err := what(ctx, h)
		if err != nil {
			return err
		}
		h.all.acted(h, name)
		_, err = h.Shell.Run(ctx, "mkdir -p /var/lib/stackd && umask 077 && cat > "+file+".new && mv "+file+".new "+file, strings.NewReader(text))
		return err
	}
	return s
}

// beside are the words of a control plane that is one of several.
func (h *Host) beside() string {
	if !h.plan.several() {
		return ""
	}
	return " --database @" + databaseFile + " --endpoint " + h.plan.Endpoint + " --hold-endpoint --controllers " + strings.Join(h.plan.Controllers, ",")
}

// planes are where nodes find the control plane.
func (p *Plan) planes() string {
	var all []string
	for _, c := range p.Controllers {
		all = append(all, net.JoinHostPort(c, "8780"))
	}
	return strings.Join(all, ",")
}

// lookEndpoint asks whether somebody has the endpoint, and who.
const lookEndpoint = `
if [ -n "$ENDPOINT" ]; then
  if ip -4 -o addr | grep -qF " $ENDPOINT/"; then echo endpoint here
  else echo endpoint $(ip route get $ENDPOINT 2>/dev/null | grep -q ' via ' && echo far); ip neigh flush to $ENDPOINT 2>/dev/null; (echo > /dev/udp/$ENDPOINT/9) 2>/dev/null; sleep 1; ip neigh show to $ENDPOINT | grep -q lladdr && echo endpoint taken; fi
fi
`

// lookOutside asks which servers of a database that is not ours answer.
const lookOutside = `
for d in $OUTSIDE; do h=${d%:*}; h=${h#[}; timeout 3 bash -c "exec 3<>/dev/tcp/${h%]}/${d##*:}" 2>/dev/null && echo outside $d; done
`

// outside is what is wrong with them.
func (h *Host) outside(bad, warn func(string, ...any)) {
	if !h.Controller() {
		return
	}
	var silent []string
	for _, s := range h.plan.Outside {
		if !slices.Contains(h.Facts.Outside, s) {
			silent = append(silent, s)
		}
	}
	switch all := strings.Join(silent, ", "); {
	case len(silent) == 0:
	case len(silent) == len(h.plan.Outside):
		bad("no server of CONFIG_STACKD_DATABASE answers it: %s", all)
	default:
		warn("servers of CONFIG_STACKD_DATABASE that do not answer it: %s", all)
	}
}

// endpoints is what is wrong with the address that clients use.
func (r *Run) endpoints() (all []Finding) {
	if !r.Plan.several() {
		return nil
	}
	ours, bad := false, func(h *Host, format string) {
		all = append(all, Finding{h.Address, fmt.Sprintf(format, r.Plan.Endpoint), true})
	}
	for _, h := range r.Hosts {
		ours = ours || h.Controller() && h.Facts.Mine
	}
	for _, h := range r.Hosts {
		switch {
		case !h.Controller():
		case h.Facts.Endpoint["far"]:
			bad(h, "CONFIG_STACKD_ENDPOINT=%s is not on a network of this host: controllers hand it to one another on the network that they share")
		case h.Facts.Endpoint["taken"] && !ours:
			bad(h, "CONFIG_STACKD_ENDPOINT=%s is taken: another host answers there. Choose another, or take it off that host")
		case h.Facts.Endpoint["here"] && !h.Facts.Mine:
			bad(h, "CONFIG_STACKD_ENDPOINT=%s is this host's own address; take it off, or choose another")
		}
	}
	return all
}
