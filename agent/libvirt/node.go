package libvirt

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"

	"stackd/agent/wish"
)

// Node says what QEMU and the processors are.
func (h *Hypervisor) Node(_ context.Context, n *wish.Node) error {
	c, err := h.connect()
	if err != nil {
		return err
	}
	version, err := c.ConnectGetVersion()
	if err != nil {
		return explain("ask for the version", err)
	}
	_, kib, cpus, _, _, sockets, cores, threads, err := c.NodeGetInfo()
	if err != nil {
		return explain("ask for the host", err)
	}
	text, err := c.ConnectGetCapabilities()
	if err != nil {
		return explain("ask for capabilities", err)
	}
	n.Hypervisor, n.Version, n.Accel = "QEMU", int(version), h.Accel
	n.VCPUs, n.MemoryMB = int(cpus), int(kib>>10)
	topo := map[string]int32{"cells": 1, "sockets": sockets, "cores": cores, "threads": threads}
	info, err2 := cpuInfo(text, topo)
	n.CPUInfo = info
	return errors.Join(err, err2)
}

// cpuInfo is nova's form of a host's processor.
func cpuInfo(capabilities string, topology any) (string, error) {
	var caps struct {
		CPU struct {
			Arch     string `xml:"arch"`
			Model    string `xml:"model"`
			Vendor   string `xml:"vendor"`
			Features []struct {
				Name string `xml:"name,attr"`
			} `xml:"feature"`
		} `xml:"host>cpu"`
	}
	if err := xml.Unmarshal([]byte(capabilities), &caps); err != nil {
		return "", err
	}
	features := []string{}
	for _, f := range caps.CPU.Features {
		features = append(features, f.Name)
	}
	text, err := json.Marshal(map[string]any{
		"arch": caps.CPU.Arch, "model": caps.CPU.Model, "vendor": caps.CPU.Vendor, "topology": topology, "features": features,
	})
	return string(text), err
}
