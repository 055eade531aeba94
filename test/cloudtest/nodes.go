package cloudtest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// nodesAt is where nodes join a control plane that Serve started.
func (c *Cloud) nodesAt() string { return c.Listen + ":8780" }

// Serve starts the cloud's control plane alone, without packets, or finds it running.
// Hosts are what Simulate adds.
func (c *Cloud) Serve(more ...string) error {
	args := append([]string{"serve", "--background", "--fabric", "sim", "--data", c.Data, "--name", c.Name, "--listen", c.Listen, "--nodes", c.nodesAt()}, c.Args...)
	out, err := exec.Command(c.Program, append(args, more...)...).CombinedOutput()
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(c.Data, "stackd.log"))
		return fmt.Errorf("%w\n%s\n%s", err, out, tail(string(log), 20))
	}
	return nil
}

// Simulate has n simulated hosts, sim-1 to sim-n, join over the wire and stay until
// they are told to end: a Cloud too, of which Down and Data may be used. Planes are
// the control planes that they know besides c.
func (c *Cloud) Simulate(data string, n int, planes ...*Cloud) (*Cloud, error) {
	return c.SimulateAs("sim", data, n, planes...)
}

// SimulateAs is Simulate of hosts with another name before their number.
func (c *Cloud) SimulateAs(name, data string, n int, planes ...*Cloud) (*Cloud, error) {
	said, err := exec.Command(c.Program, "node", "token", "--data", c.Data, "--output", "json").Output()
	if err != nil {
		return nil, fmt.Errorf("node token: %w", err)
	}
	var token struct{ Token string }
	if err := json.Unmarshal(said, &token); err != nil {
		return nil, err
	}
	args := []string{"agent", "--background", "--sim", fmt.Sprint(n), "--host", name, "--data", data, "--listen", "127.0.0.1", "--plane", c.nodesAt()}
	for _, p := range planes {
		args = append(args, "--plane", p.nodesAt())
	}
	cmd := exec.Command(c.Program, args...)
	cmd.Env = append(os.Environ(), "STACKD_JOIN_TOKEN="+token.Token)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return &Cloud{Program: c.Program, Data: data}, nil
}
