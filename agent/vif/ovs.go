package vif

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// A Switch is a host's Open vSwitch. It implements agent.Vifs.
type Switch struct {
	DB     string // unix:/…/db.sock
	NS     string // the network namespace that the switch is in; "" is the process's own
	Prefix string // of the names of metadata namespaces
	// Chassis reports whether OVN's controller is connected.
	Chassis func(context.Context) bool
}

const bridge = "br-int"

// Keys of an interface's external ids; the first three are OVN's and nova's.
const (
	keyPort    = "iface-id"
	keyMAC     = "attached-mac"
	keyServer  = "vm-id"
	keyNetwork = "stackd-network"
)

// A plug is an interface of the switch.
type plug struct {
	name string
	ids  map[string]string
	live bool // the switch has the device open
}

func (s *Switch) vsctl(ctx context.Context, args ...string) ([]byte, error) {
	argv := append([]string{"--timeout=20", "--db=" + s.DB}, args...)
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "ovs-vsctl", argv...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("ovs-vsctl %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(said.Bytes()))
	}
	return out, nil
}

// plugs are all interfaces that have external ids.
func (s *Switch) plugs(ctx context.Context) ([]plug, error) {
	out, err := s.vsctl(ctx, "--format=json", "--columns=name,external_ids,ofport", "list", "interface")
	if err != nil {
		return nil, err
	}
	var table struct{ Data [][]json.RawMessage }
	if err := json.Unmarshal(out, &table); err != nil {
		return nil, fmt.Errorf("the switch's interfaces: %w", err)
	}
	var all []plug
	for _, row := range table.Data {
		p, err := parsePlug(row)
		if err != nil {
			return nil, err
		}
		if len(p.ids) > 0 {
			all = append(all, p)
		}
	}
	return all, nil
}

func parsePlug(row []json.RawMessage) (plug, error) {
	if len(row) != 3 {
		return plug{}, errors.New("the switch's interfaces: a row of another form")
	}
	p := plug{ids: map[string]string{}}
	err := json.Unmarshal(row[0], &p.name)
	var ids [2]json.RawMessage // ["map", [[key, value], …]]
	var pairs [][2]string
	if err == nil {
		err = json.Unmarshal(row[1], &ids)
	}
	if err == nil {
		err = json.Unmarshal(ids[1], &pairs)
	}
	for _, kv := range pairs {
		p.ids[kv[0]] = kv[1]
	}
	var port int
	p.live = json.Unmarshal(row[2], &port) == nil && port > 0 // ["set", []] while there is none
	return p, err
}

// addPort joins a device to the bridge. An earlier port of that name must have
// been taken off in a transaction of its own, or the switch keeps the old device.
func addPort(name string, ids map[string]string) []string {
	args := []string{"--", "add-port", bridge, name, "--", "set", "interface", name}
	for k, v := range ids {
		args = append(args, fmt.Sprintf("external-ids:%s=%q", k, v))
	}
	return args
}

// delPorts takes devices off the bridge.
func (s *Switch) delPorts(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	var args []string
	for _, n := range names {
		args = append(args, "--", "--if-exists", "del-port", n)
	}
	_, err := s.vsctl(ctx, args[1:]...)
	return err
}

// Ready reports whether OVN serves this host.
func (s *Switch) Ready(ctx context.Context) bool { return s.Chassis == nil || s.Chassis(ctx) }
