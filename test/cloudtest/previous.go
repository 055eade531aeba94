package cloudtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Previous is the program of the version before, for tests of upgrades: STACKD_PREVIOUS
// names one that is built already, else it is built from the repository's history
// (test/previous) for this test. Where there is no history the test is skipped, and says so.
func Previous(t testing.TB) string {
	t.Helper()
	if p := os.Getenv("STACKD_PREVIOUS"); p != "" {
		return p
	}
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "stackd-previous")
	out, err := exec.Command(filepath.Join(root, "test", "previous"), file).Output()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && strings.Contains(string(exit.Stderr), "cannot be built"):
		t.Skip(string(exit.Stderr))
	case errors.As(err, &exit):
		err = fmt.Errorf("%w %s", err, exit.Stderr)
		fallthrough
	case err != nil:
		t.Fatal(err)
	}
	t.Logf("the version before is %s", out)
	return file
}
