package deploy

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stackd/internal/converge"
)

// EveryPackage are the packages of all roles, whatever the answers say.
func EveryPackage() []string {
	p := &Plan{Controller: "all", Computes: []string{"all"}, Infra: "all", NTP: []string{"any"}, Answers: map[string]string{"CONFIG_CLIENT_INSTALL": "y", "CONFIG_CINDER_BACKEND": "lvm"}}
	all := strings.Fields((&Host{Address: "all", plan: p}).packages())
	slices.Sort(all)
	return slices.Compact(all)
}

// FetchPackages fetches packages with all that they need into a folder, as this
// machine's distribution has them, and makes it a repository. What apt says goes to log.
func FetchPackages(ctx context.Context, folder string, packages []string, log io.Writer) error {
	if err := os.MkdirAll(filepath.Join(folder, "partial"), 0o755); err != nil {
		return err
	}
	none := filepath.Join(folder, "partial", "status") // as if nothing were installed
	if err := os.WriteFile(none, nil, 0o644); err != nil {
		return err
	}
	defer os.RemoveAll(filepath.Join(folder, "partial"))
	whole, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-q", "-y", "--download-only", "--no-install-recommends", "-o", "Dir::State::status=" + none, "-o", "Dir::Cache::archives=" + whole,
		"-o", "APT::Sandbox::User=root", "install"}, packages...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("apt-get could not fetch the packages: %w; see what it said", err)
	}
	os.Remove(filepath.Join(folder, "lock"))
	return IndexPackages(ctx, folder)
}

// IndexPackages writes the index of a folder's packages, Packages, as apt reads it (a
// flat repository, sources.list(5)).
func IndexPackages(ctx context.Context, folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.deb"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s holds no packages; fetch them with: stackd repository %s", folder, folder)
	}
	if err != nil {
		return err
	}
	index, err := os.Create(filepath.Join(folder, "Packages"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := indexOne(ctx, index, f); err != nil {
			return errors.Join(fmt.Errorf("package %s: %w", f, err), index.Close())
		}
	}
	return index.Close()
}

func indexOne(ctx context.Context, index io.Writer, file string) error {
	control, err := exec.CommandContext(ctx, "dpkg-deb", "--field", file).Output()
	if err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err == nil {
		_, err = fmt.Fprintf(index, "%s\nFilename: ./%s\nSize: %d\nSHA256: %x\n\n", strings.TrimSpace(string(control)), filepath.Base(file), size, sum.Sum(nil))
	}
	return err
}

// repository reads where packages come from.
func (p *Plan) repository() error {
	dir := p.Answers["CONFIG_STACKD_REPOSITORY"]
	if dir == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, "Packages")); err != nil {
		return fmt.Errorf("CONFIG_STACKD_REPOSITORY=%s: there is no repository (%w); make it: stackd repository %s", dir, err, dir)
	}
	return nil
}

// packages has what a host needs installed: from the repositories that the host has, or
// from the folder of the machine that installs, which the host reads through the
// connection that its scripts come by. Nothing listens on any network for it.
func packages() converge.Step[*Host] {
	s := step("packages", func(h *Host) string {
		return "dpkg-query -W -f '${Status}\\n' " + h.packages() + " 2>/dev/null | grep -c '^install ok installed' | grep -qx " + fmt.Sprint(len(strings.Fields(h.packages())))
	}, nil, removePackages)
	s.Make = func(ctx context.Context, h *Host) error {
		dir := h.plan.Answers["CONFIG_STACKD_REPOSITORY"]
		if dir == "" || h.all.DryRun {
			return h.do(ctx, "packages", installPackages(h, "apt-get"))
		}
		l, err := h.Shell.Listen()
		if err != nil {
			return fmt.Errorf("packages of %s cannot be offered to it (its SSH server must let ports be forwarded: AllowTcpForwarding yes): %w", dir, err)
		}
		server := &http.Server{Handler: http.FileServer(http.Dir(dir)), ReadHeaderTimeout: 10 * time.Second}
		go server.Serve(l)
		defer server.Close()
		return h.do(ctx, "packages", ownSource(l.Addr())+installPackages(h, "apt-get $own"))
	}
	return s
}

// ownSource has apt know of one repository alone, without touching what the host has.
func ownSource(at net.Addr) string {
	return `repo=$(mktemp -d); mkdir -p $repo/lists/partial; chmod 755 $repo
echo 'deb [trusted=yes] http://` + at.String() + `/ ./' > $repo/sources.list
own="-o Dir::Etc::sourcelist=$repo/sources.list -o Dir::Etc::sourceparts=- -o Dir::State::lists=$repo/lists -o Acquire::http::Proxy=false -o APT::Sandbox::User=root"
trap 'rm -rf $repo' EXIT
`
}
