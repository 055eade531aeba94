package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// words are the command line that these options come from, but for those of one time.
func (o *options) words() []string {
	verb := "up"
	if o.Serve {
		verb = "serve"
	}
	w := []string{verb, "--data", o.Data, "--name", o.Name, "--netns", o.Netns, "--host", o.Host, "--listen", o.Listen, "--database", o.Database,
		"--region", o.Region, "--public", o.Gateway, "--one-port", strconv.Itoa(o.OnePort), "--physnet", o.Physnet}
	for flag, v := range map[string]string{"--tls-cert": o.TLSCert, "--tls-key": o.TLSKey, "--accel": o.Accel, "--nodes": o.Nodes, "--tunnel": o.Tunnel, "--uplink": o.Uplink, "--fabric": o.Fabric, "--endpoint": o.Endpoint} {
		if v != "" {
			w = append(w, flag, v)
		}
	}
	if len(o.Controllers) > 0 {
		w = append(w, "--controllers", strings.Join(o.Controllers, ","))
	}
	if o.HoldEndpoint {
		w = append(w, "--hold-endpoint")
	}
	if o.Sim > 0 {
		w = append(w, "--sim", strconv.Itoa(o.Sim))
	}
	return w
}

func (o *agentOptions) words() []string {
	w := []string{"agent", "--data", o.Data, "--name", o.Name, "--netns", o.Netns, "--host", o.Host, "--listen", o.Listen, "--tunnel", o.Tunnel, "--plane", strings.Join(o.Planes, ",")}
	if o.Uplink != "" {
		w = append(w, "--uplink", o.Uplink)
	}
	if o.Accel != "" {
		w = append(w, "--accel", o.Accel)
	}
	if o.Sim > 0 {
		w = append(w, "--sim", strconv.Itoa(o.Sim))
	}
	return w
}

// A resident is what runs on this machine for good, a cloud or a node, in a data folder.
type resident struct {
	folder *options // only its folder counts for a node
	plane  *options // nil for a node
	node   *agentOptions
}

// residentOf reads what a data folder is of.
func residentOf(data string) (*resident, error) {
	n, err := loadNode(data)
	if err != nil {
		return nil, err
	}
	if n != nil {
		return &resident{folder: n.folder(), node: n}, nil
	}
	o, err := load(data)
	return &resident{folder: o, plane: o}, err
}

func (r *resident) words() []string {
	if r.node != nil {
		return r.node.words()
	}
	return r.plane.words()
}

// unit is the unit of systemd's that runs it, "" for none.
func (r *resident) unit() string {
	name := "stackd"
	if r.node != nil {
		name = "stackd-agent"
	}
	if !exists("/run/systemd/system") || exec.Command("systemctl", "is-enabled", "-q", name).Run() != nil {
		return ""
	}
	return name
}

// start runs it again with a program, as it ran before, and waits until it is ready.
func (r *resident) start(ctx context.Context, program string) error {
	if unit := r.unit(); unit != "" {
		if out, err := exec.CommandContext(ctx, "systemctl", "restart", unit).CombinedOutput(); err != nil {
			return fmt.Errorf("systemctl restart %s: %w %s", unit, err, out)
		}
		return waitFor(ctx, unit, 2*time.Minute, 200*time.Millisecond, func() (bool, error) { return running(r.folder) != 0, nil })
	}
	out, err := exec.CommandContext(ctx, program, append(r.words(), "--background")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// program is the file that runs, and will after the next start.
func (r *resident) program() (string, error) {
	if pid := running(r.folder); pid != 0 {
		at, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		return strings.TrimSuffix(at, " (deleted)"), err
	}
	self, err := os.Executable()
	if err == nil {
		self, err = filepath.EvalSymlinks(self)
	}
	return self, err
}
