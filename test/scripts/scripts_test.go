//go:build e2e

package scripts

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"stackd/test/cloudtest"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"openstack": client, "stackd": program})
}

// client is the program openstack of the scripts: it hands its standard files to the
// server that osc.py is.
func client() {
	code, err := remote(os.Getenv("OSC_SOCKET"), os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 125
	}
	os.Exit(code)
}

func remote(socket string, args []string) (int, error) {
	c, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: socket, Net: "unixpacket"})
	if err != nil {
		return 0, err
	}
	defer c.Close()
	dir, err := os.Getwd()
	if err != nil {
		return 0, err
	}
	env := map[string]string{}
	for _, e := range os.Environ() {
		k, v, _ := strings.Cut(e, "=")
		env[k] = v
	}
	message, err := json.Marshal(map[string]any{"args": args, "env": env, "dir": dir})
	if err != nil {
		return 0, err
	}
	if _, _, err := c.WriteMsgUnix(message, syscall.UnixRights(0, 1, 2), nil); err != nil {
		return 0, err
	}
	b := make([]byte, 16)
	n, err := c.Read(b)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(b[:n]))
}

// program is stackd itself.
func program() {
	cmd := exec.Command(os.Getenv("STACKD"), os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		os.Exit(1)
	}
}

// serveClient starts osc.py, and ends it with the test.
func serveClient(t *testing.T) string {
	socket := filepath.Join(t.TempDir(), "osc")
	cmd := exec.Command("/usr/bin/python3", "osc.py", socket)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatal("osc.py: ", line, err)
	}
	return socket
}

func TestScripts(t *testing.T) {
	socket := serveClient(t)
	c, err := cloudtest.New(t.TempDir(), "--sim", "1")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(c.Data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.Data, "stackd.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Up(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Down() })
	admin, err := c.Login("admin")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			for k, v := range admin {
				e.Setenv(k, v)
			}
			e.Setenv("ADMIN_PASSWORD", admin["OS_PASSWORD"])
			e.Setenv("OSC_SOCKET", socket)
			e.Setenv("STACKD", c.Program)
			e.Setenv("CLOUD", c.Data)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"set": set},
	})
}

// settings are those of the scripts' cloud; passwords are hashed quickly.
const settings = `identity:
  bcrypt_cost: 4
`

// set NAME keeps the last command's output, without its end of line, as a variable.
func set(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: set NAME")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}
