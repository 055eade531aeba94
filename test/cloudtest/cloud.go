package cloudtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Cloud is one of our own, started for a test.
type Cloud struct {
	Program string // the stackd it runs
	Data    string
	Name    string
	Listen  string
	Public  string // the host's address on the public network
	Args    []string
}

// Root is the folder of go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, e := os.Stat(filepath.Join(dir, "go.mod")); e == nil {
			return dir, nil
		}
		if dir == "/" {
			return "", fmt.Errorf("no go.mod above the working folder")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// Build builds stackd into a folder; STACKD names one that is built already.
func Build(dir string) (string, error) {
	if p := os.Getenv("STACKD"); p != "" {
		return filepath.Abs(p)
	}
	root, err := Root()
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, "stackd")
	cmd := exec.Command("go", "build", "-o", out, "./cmd/stackd")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, b)
	}
	return out, nil
}

// New is a cloud that has not started, at an address of its own, in a folder of
// its own. args are further arguments of `stackd up`.
func New(dir string, args ...string) (*Cloud, error) {
	n, err := free()
	if err != nil {
		return nil, err
	}
	p, err := Build(dir)
	if err != nil {
		return nil, err
	}
	c := &Cloud{Program: p, Data: filepath.Join(dir, "cloud"), Name: fmt.Sprintf("t%d", n), Listen: fmt.Sprintf("127.0.77.%d", n), Public: fmt.Sprintf("172.30.%d.1/24", n), Args: args}
	if db := os.Getenv("STACKD_TEST_DATABASE"); db != "" {
		c.Args = append(c.Args, "--database", db)
	}
	return c, nil
}

// free is a number whose loopback address nobody serves.
func free() (int, error) {
	for n := 2 + os.Getpid()%200; n < 254; n++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.77.%d:5000", n))
		if err == nil {
			return n, l.Close()
		}
	}
	return 0, fmt.Errorf("no loopback address is free")
}

// Up starts the cloud, or finds it running.
func (c *Cloud) Up(more ...string) error {
	args := append([]string{"up", "--background", "--data", c.Data, "--name", c.Name, "--listen", c.Listen, "--public", c.Public}, c.Args...)
	out, err := exec.Command(c.Program, append(args, more...)...).CombinedOutput()
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(c.Data, "stackd.log"))
		return fmt.Errorf("%w\n%s\n%s", err, out, tail(string(log), 20))
	}
	return nil
}

// Down ends the cloud and everything it started.
func (c *Cloud) Down() error {
	out, err := exec.Command(c.Program, "down", "--data", c.Data).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// Login is the OS_* variables of a user whose keystonerc the cloud has written.
func (c *Cloud) Login(user string) (map[string]string, error) {
	b, err := os.ReadFile(filepath.Join(c.Data, "keystonerc_"+user))
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "="); ok && strings.HasPrefix(k, "OS_") {
			env[k] = strings.Trim(v, "'")
		}
	}
	return env, nil
}

func tail(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
