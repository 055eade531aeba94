//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"stackd/test/cloudtest"
	"stackd/test/hosts"
)

func run(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = root(t), append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := cloudtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// one is the only file of a pattern.
func one(t *testing.T, pattern string) string {
	t.Helper()
	all, err := filepath.Glob(pattern)
	if err != nil || len(all) != 1 {
		t.Fatal(pattern, all, err)
	}
	return all[0]
}

// The packages are signed, go into a fresh root and come out of it again, and on a host
// their units are good and start a cloud.
func TestPackages(t *testing.T) {
	work := t.TempDir()
	program, err := cloudtest.Build(work)
	if err != nil {
		t.Fatal(err)
	}
	gpg := []string{"GNUPGHOME=" + filepath.Join(work, "gpg")}
	if err := os.Mkdir(filepath.Join(work, "gpg"), 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, gpg, "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "packer@example.test", "rsa3072", "sign", "0")
	t.Cleanup(func() { exec.Command("gpgconf", "--homedir", filepath.Join(work, "gpg"), "--kill", "all").Run() })
	private, public := filepath.Join(work, "private.asc"), filepath.Join(work, "public.asc")
	run(t, gpg, "gpg", "--batch", "--armor", "--output", private, "--export-secret-keys")
	run(t, gpg, "gpg", "--batch", "--armor", "--output", public, "--export")
	run(t, []string{"SIGN_KEY=" + private, "STACKD=" + program}, "hack/pack/build", work)
	deb, rpm := one(t, work+"/*.deb"), one(t, work+"/*.rpm")

	t.Run("deb", func(t *testing.T) { freshDeb(t, deb, gpg) })
	t.Run("rpm", func(t *testing.T) { freshRPM(t, rpm, public) })
	t.Run("host", func(t *testing.T) { onHost(t, deb) })
}

const version = "/usr/bin/stackd"

func freshDeb(t *testing.T, deb string, gpg []string) {
	dir := t.TempDir()
	run(t, gpg, "sh", "-e", "-c", "cd '"+dir+"'; ar x '"+deb+"'; cat debian-binary control.tar.* data.tar.* | gpg --quiet --verify _gpgorigin -; rm *.tar.* debian-binary _gpgorigin; mkdir -p fresh/var/lib/dpkg/updates fresh/var/lib/dpkg/info; touch fresh/var/lib/dpkg/status")
	fresh := filepath.Join(dir, "fresh")
	dpkg := []string{"dpkg", "--root=" + fresh, "--force-script-chrootless", "--force-depends"}
	run(t, nil, append(dpkg, "--install", deb)...)
	if out := run(t, nil, fresh+version, "--version"); !strings.HasPrefix(out, "stackd version ") {
		t.Error(out)
	}
	if out := run(t, nil, append(dpkg, "--verify", "stackd")...); out != "" {
		t.Error("not what was packed:", out)
	}
	run(t, nil, append(dpkg, "--purge", "stackd")...)
	nothingLeft(t, fresh)
}

func freshRPM(t *testing.T, rpm, public string) {
	fresh := t.TempDir()
	base := []string{"rpm", "--root=" + fresh}
	run(t, nil, append(base, "--initdb")...)
	run(t, nil, append(base, "--import", public)...)
	if out := run(t, nil, append(base, "--checksig", "-v", rpm)...); !strings.Contains(out, "Signature") || strings.Contains(out, "NOKEY") {
		t.Error("not signed:", out)
	}
	run(t, nil, append(base, "--install", "--nodeps", rpm)...)
	if out := run(t, nil, fresh+version, "--version"); !strings.HasPrefix(out, "stackd version ") {
		t.Error(out)
	}
	run(t, nil, append(base, "--verify", "--nodeps", "stackd")...)
	run(t, nil, append(base, "--erase", "--nodeps", "stackd")...)
	nothingLeft(t, fresh)
}

// nothingLeft sees that a root has nothing of the package's.
func nothingLeft(t *testing.T, fresh string) {
	t.Helper()
	for _, f := range []string{version, "/etc/default/stackd", "/usr/lib/systemd/system/stackd.service", "/usr/share/doc/stackd"} {
		if _, err := os.Stat(fresh + f); err == nil {
			t.Error(f, "is left")
		}
	}
}

// onHost installs the package on a host of this machine's system, where systemd runs it.
func onHost(t *testing.T, deb string) {
	lab := hosts.New(t, "pk", "mgmt")
	h := lab.Machine("packed", "mgmt 192.168.4.20/24")
	h.Run("dpkg", "--install", deb)
	for _, unit := range []string{"stackd", "stackd-agent"} {
		h.Run("systemd-analyze", "verify", "--man=no", "/usr/lib/systemd/system/"+unit+".service")
		if state := h.Shell("systemctl is-enabled " + unit + " || true"); state != "disabled" {
			t.Errorf("%s is %s: nothing is to start by itself", unit, state)
		}
	}
	h.Shell("echo 'STACKD_COMMAND=\"up --sim 1\"' > /etc/default/stackd")
	h.Run("systemctl", "enable", "--now", "stackd")
	running := "for i in $(seq 100); do stackd doctor --check stackd,apis >/dev/null 2>&1 && exit 0; sleep .2; done; systemctl status stackd; journalctl -u stackd | tail; exit 1"
	h.Shell(running)
	h.Run("stackd", "doctor", "--check", "stackd,apis,nodes")
	h.Shell("kill -9 $(systemctl show -P MainPID stackd); sleep 1; " + running)
	h.Run("systemctl", "stop", "stackd")
	if out := h.Shell("stackd status --output json || true"); !strings.Contains(out, `"running":false`) {
		t.Error("stopped, it says", out)
	}
	if out := h.Run("dpkg", "--purge", "stackd"); strings.Contains(out, "error") {
		t.Error(out)
	}
}
