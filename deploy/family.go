package deploy

import (
	"context"
	"io"
	"slices"
)

// A family is systems that have the same things under the same names, and get them by
// the same means. A host's os-release says which one it is of; families has a row for
// each.
type family struct {
	ids     []string // of os-release: ID and ID_LIKE
	needs   needs
	clock   clock
	names   names
	cluster cluster
	keeper  keeper
}

// needs are packages by what a host has them for, with spaces between.
type needs struct {
	host, infra, clock, fabric, filter      string
	control, target, display, client, group string
	guests, database                        string
}

// A clock is how chrony is there.
type clock struct {
	unit          string
	sources, conf string // our files
	main          string // its own file, which has to be told of ours; "" where it reads them
}

// names is how BIND is there.
type names struct {
	user  string
	dir   string // of our files: BIND's own are left as they are, so that there is nothing to give back
	cache string
	clear string // what is done when the folder is gone
}

// A cluster is PostgreSQL's data, and the server of them. own is a file that keeps the
// packages from making one that would take the port; "" where they make none.
type cluster interface {
	own() string
	look(h *Host) string
	make(h *Host) string
	remove() string
}

// A keeper finds, installs and removes packages.
type keeper interface {
	// look succeeds where a host has all.
	look(h *Host) string
	// lacks tells what a host neither has nor can get; "" where only installing tells.
	lacks(h *Host, own string) string
	// install has them installed, keeps a list of what came, and starts nothing. own is
	// $own where source was run before, and "" for the repositories that the host has.
	install(h *Host, own string) string
	// source has the repository at an address be read alone, without touching what the
	// host has.
	source(at string) string
	remove() string
	// file is where a host has repositories of ours, and list what that says of them.
	repositories(urls []string) (file, list string)

	// fetch fetches packages with all that they need into a folder, and index writes that
	// folder's index, which is a file in it. Both are for this machine.
	fetch(ctx context.Context, folder string, packages []string, log io.Writer) error
	index(ctx context.Context, folder string) error
	indexed() (file, packages string)
}

// families are all that hosts are prepared of.
func families() []*family { return []*family{&apt, &dnf} }

// familyOf is what systems with such names are of; nil for what is not known.
func familyOf(ids ...string) *family {
	for _, id := range ids {
		for _, f := range families() {
			if slices.Contains(f.ids, id) {
				return f
			}
		}
	}
	return nil
}

// family is the host's. Of a host that has not been looked at it is the first.
func (h *Host) family() *family {
	if f := familyOf(append([]string{h.Facts.OS}, h.Facts.Like...)...); f != nil {
		return f
	}
	return &apt
}

// packages are what the host needs for what it does.
func (h *Host) packages() string {
	n := h.family().needs
	all := n.host
	if h.Infra() {
		all += " " + n.infra
	}
	if h.Controller() || h.Compute() {
		all += " " + n.fabric
	} else if h.NAT() {
		all += " " + n.filter
	}
	if h.Controller() {
		all += h.controls(n)
	}
	if h.Compute() {
		all += " " + n.guests
	}
	if h.Database() {
		all += " " + n.database
	}
	if len(h.plan.timeServers(h.Address)) > 0 {
		all += " " + n.clock
	}
	return all
}

func (h *Host) controls(n needs) string {
	all := " " + n.control
	if h.iscsi() {
		all += " " + n.target
	}
	all += " " + n.display
	if h.plan.Answers.Yes("CONFIG_CLIENT_INSTALL") {
		all += " " + n.client
	}
	if h.plan.Answers["CONFIG_CINDER_BACKEND"] == "lvm" {
		all += " " + n.group
	}
	return all
}
