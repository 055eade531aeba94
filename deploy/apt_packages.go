package deploy

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

type aptKeeper struct{}

func (aptKeeper) look(h *Host) string {
	return "dpkg-query -W -f '${Status}\\n' " + h.packages() + " 2>/dev/null | grep -c '^install ok installed' | grep -qx " + fmt.Sprint(len(strings.Fields(h.packages())))
}

func (aptKeeper) lacks(*Host, string) string { return "" }

// install has nothing that it installs start by itself.
func (aptKeeper) install(h *Host, own string) string {
	apt := strings.TrimSpace("apt-get "+own) + " -o DPkg::Lock::Timeout=300 -q"
	return `policy=/usr/sbin/policy-rc.d; [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' > $policy; chmod +x $policy; trap 'rm -rf $policy $repo' EXIT; }
before=$(mktemp); dpkg-query -W -f '${Package} ${Status}\n' | awk '/install ok installed/{print $1}' | sort > $before
export DEBIAN_FRONTEND=noninteractive
` + apt + ` update >&2 || true
` + apt + ` install -y --no-install-recommends ` + h.packages() + ` >&2
dpkg-query -W -f '${Package} ${Status}\n' | awk '/install ok installed/{print $1}' | sort | comm -13 $before - >> ` + kept + `/packages`
}

func (aptKeeper) remove() string {
	return `[ ! -s ` + kept + `/packages ] || DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -q purge -y $(cat ` + kept + `/packages) >&2
rm -rf ` + kept
}

// source sets $own: words for apt.
func (aptKeeper) source(at string) string {
	return `repo=$(mktemp -d); mkdir -p $repo/lists/partial; chmod 755 $repo
echo 'deb [trusted=yes] http://` + at + `/ ./' > $repo/sources.list
own="-o Dir::Etc::sourcelist=$repo/sources.list -o Dir::Etc::sourceparts=- -o Dir::State::lists=$repo/lists -o Acquire::http::Proxy=false -o APT::Sandbox::User=root"
trap 'rm -rf $repo' EXIT
`
}

// repositories are lines of sources.list(5): an address alone is a flat repository.
func (aptKeeper) repositories(urls []string) (file, list string) {
	for _, u := range urls {
		if !strings.HasPrefix(u, "deb ") {
			u = "deb " + strings.TrimSuffix(u, "/") + "/ ./"
		}
		list += u + "\n"
	}
	return "/etc/apt/sources.list.d/stackd.list", list
}

func (aptKeeper) indexed() (file, packages string) { return "Packages", "*.deb" }

// fetch takes packages as if nothing were installed.
func (k aptKeeper) fetch(ctx context.Context, folder string, packages []string, log io.Writer) error {
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
	return k.index(ctx, folder)
}

// index writes what apt reads of a flat repository (sources.list(5)).
func (aptKeeper) index(ctx context.Context, folder string) error {
	files, err := packagesIn(folder, "*.deb")
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
