package netnstest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"stackd/agent/netns"
)

const inside = "STACKD_TEST_NETNS"

// Main runs the tests in a namespace named after name, which must be short. Call
// it from TestMain, as root.
func Main(m *testing.M, name string) {
	if os.Getenv(inside) != "" {
		os.Exit(m.Run())
	}
	code, err := again(name)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// again runs this program again inside the namespace.
func again(name string) (code int, err error) {
	ns := fmt.Sprintf("%s-%d", name, os.Getpid())
	if err := netns.Make(ns); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, netns.Remove(ns)) }()
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	cmd := exec.Command("nsenter", append([]string{"--net=" + netns.Path(ns), "--", self}, os.Args[1:]...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"="+ns)
	var exit *exec.ExitError
	if err := cmd.Run(); errors.As(err, &exit) {
		return exit.ExitCode(), nil
	} else if err != nil {
		return 1, err
	}
	return 0, nil
}
