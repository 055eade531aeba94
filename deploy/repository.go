package deploy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stackd/internal/converge"
)

// EveryPackage are the packages of all roles on this machine's system, whatever the answers say.
func EveryPackage() []string {
	h := here()
	n := h.family().needs
	if !h.iscsi() {
		n.target = ""
	}
	return n.all()
}

// all are all of them, each once.
func (n needs) all() []string {
	all := strings.Fields(strings.Join([]string{n.host, n.infra, n.clock, n.fabric, n.filter, n.control, n.target, n.display, n.client, n.group, n.guests, n.database}, " "))
	slices.Sort(all)
	return slices.Compact(all)
}

// here is this machine, as far as its system goes.
func here() *Host {
	out, _ := Local{}.Run(context.Background(), ". /etc/os-release && echo $ID $ID_LIKE", nil)
	return &Host{Facts: Facts{Like: strings.Fields(out)}}
}

// FetchPackages fetches packages with all that they need into a folder, as this
// machine's distribution has them, and makes it a repository. What is said meanwhile goes to log.
func FetchPackages(ctx context.Context, folder string, packages []string, log io.Writer) error {
	return here().family().keeper.fetch(ctx, folder, packages, log)
}

// IndexPackages makes a repository of a folder's packages: of those of this machine's kind.
func IndexPackages(ctx context.Context, folder string) error {
	return here().family().keeper.index(ctx, folder)
}

// PackagesIn are the files of the packages in a folder, of this machine's kind.
func PackagesIn(folder string) ([]string, error) {
	_, kind := here().family().keeper.indexed()
	return packagesIn(folder, kind)
}

func packagesIn(folder, kind string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(folder, kind))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s holds no packages; fetch them with: stackd repository %s", folder, folder)
	}
	return files, err
}

// repository reads where packages come from.
func (p *Plan) repository() error {
	dir := p.Answers["CONFIG_STACKD_REPOSITORY"]
	if dir == "" {
		return nil
	}
	var err error
	for _, f := range families() {
		index, _ := f.keeper.indexed()
		if _, err = os.Stat(filepath.Join(dir, index)); err == nil {
			return nil
		}
	}
	return fmt.Errorf("CONFIG_STACKD_REPOSITORY=%s: there is no repository (%w); make it: stackd repository %s", dir, err, dir)
}

// repositories has the host know of the answers' repositories, for as long as the cloud is there.
func repositories() converge.Step[*Host] {
	more := func(h *Host) (file, list string) {
		return h.family().keeper.repositories(h.plan.Answers.List("CONFIG_REPO"))
	}
	return step("repositories", func(h *Host) string {
		file, list := more(h)
		if list == "" {
			return "true"
		}
		return "cmp -s " + file + " <(printf '%s' " + quote(list) + ")"
	}, func(h *Host) string {
		file, list := more(h)
		return "printf '%s' " + quote(list) + " > " + file
	}, func(h *Host) string {
		file, _ := more(h)
		return "rm -f " + file
	})
}

// packages has what a host needs installed: from the repositories that the host has, or
// from the folder of the machine that installs, which the host reads through the
// connection that its scripts come by. Nothing listens on any network for it.
func packages() converge.Step[*Host] {
	s := step("packages", func(h *Host) string { return h.family().keeper.look(h) }, nil, func(h *Host) string { return h.family().keeper.remove() })
	s.Make = func(ctx context.Context, h *Host) error {
		k := h.family().keeper
		return h.offered(func(source, own string) error { return h.do(ctx, "packages", source+k.install(h, own)) })
	}
	return s
}

// offered does f while the folder, where the answers name one, can be read on the host.
func (h *Host) offered(f func(source, own string) error) error {
	dir := h.plan.Answers["CONFIG_STACKD_REPOSITORY"]
	if dir == "" || h.all.DryRun {
		return f("", "")
	}
	l, err := h.Shell.Listen()
	if err != nil {
		return fmt.Errorf("packages of %s cannot be offered to it (its SSH server must let ports be forwarded: AllowTcpForwarding yes): %w", dir, err)
	}
	server := &http.Server{Handler: http.FileServer(http.Dir(dir)), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(l)
	defer server.Close()
	return f(h.family().keeper.source(l.Addr().String()), "$own")
}
