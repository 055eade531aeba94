package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// fetch takes packages as if nothing were installed, and looks at their signatures.
func (k dnfKeeper) fetch(ctx context.Context, folder string, packages []string, log io.Writer) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	out, err := bash(ctx, log, dnfSeek+"own=; have=\nask || exit 1\nseek "+wants(packages)+"\necho $more $found; echo $lacks")
	if err != nil {
		return fmt.Errorf("dnf does not say what there is: %w; see what it said", err)
	}
	found, lacks, _ := strings.Cut(out, "\n")
	if lacks = strings.TrimSpace(lacks); lacks != "" {
		return fmt.Errorf("no repository of this machine has %s", told(strings.Fields(lacks)))
	}
	if _, err := bash(ctx, log, "set -f; dnf -y -q --setopt=install_weak_deps=False download --resolve --alldeps --destdir "+quote(folder)+" "+found+" >&2"); err != nil {
		return fmt.Errorf("dnf could not fetch the packages (dnf-plugins-core has its download): %w; see what it said", err)
	}
	if err := signed(ctx, folder, log); err != nil {
		return err
	}
	return k.index(ctx, folder)
}

// told names packages, and where they are to be had; what is from one place is together.
func told(lacks []string) string {
	var all []string
	for i, l := range lacks {
		if i+1 == len(lacks) || origins[lacks[i+1]].words != origins[l].words {
			if words := origins[l].words; words != "" {
				l += " (" + words + ")"
			}
		}
		all = append(all, l)
	}
	return strings.Join(all, ", ")
}

// signed refuses packages that no key of this machine's has signed. Those that rpm knows
// and those that the distribution laid down count.
func signed(ctx context.Context, folder string, log io.Writer) error {
	bad, err := bash(ctx, log, `export LC_ALL=C; keys=$(mktemp -d); trap 'rm -rf $keys' EXIT
rpm -q gpg-pubkey --qf '%{DESCRIPTION}\n' > $keys/known 2>/dev/null || true
for k in $keys/known /etc/pki/rpm-gpg/*; do rpmkeys --dbpath $keys --import "$k" 2>/dev/null || true; done
cd `+quote(folder)+` && { rpmkeys --dbpath $keys --checksig *.rpm || true; } | grep -v ': digests signatures OK$' | cut -d: -f1`)
	if err != nil || bad == "" {
		return err
	}
	return fmt.Errorf("packages that no key known here has signed: %s. Import the key (rpm --import FILE), or take them as they are: stackd repository --index-only %s", strings.Join(strings.Fields(bad), ", "), folder)
}

// bash runs a script here; what it says beside its output goes to log.
func bash(ctx context.Context, log io.Writer, script string) (string, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Stdout, cmd.Stderr = &out, log
	err := cmd.Run()
	return strings.TrimSpace(out.String()), err
}

// index has createrepo_c write what dnf reads.
func (dnfKeeper) index(ctx context.Context, folder string) error {
	if _, err := packagesIn(folder, "*.rpm"); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "createrepo_c", "--quiet", "--update", folder).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("createrepo_c is not installed, which writes a repository's index: dnf install createrepo_c")
	}
	if err != nil {
		return fmt.Errorf("createrepo_c %s: %w: %s", folder, err, bytes.TrimSpace(out))
	}
	return nil
}
