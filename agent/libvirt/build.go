package libvirt

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"strings"

	"stackd/agent"
	"stackd/agent/wish"
	"stackd/internal/converge"
)

// sparePorts are PCIe slots left free for what is attached to a running guest.
const sparePorts = 12

// A Platform is what all domains of a host have in common.
type Platform struct {
	Owner  string // the data directory; domains of others are left alone
	Accel  string // kvm or tcg
	Netdev bool   // OVS's userspace datapath: guests fill in checksums themselves
	VNCDir string // display sockets
	// Emulator is QEMU's path; libvirt's choice when "".
	Emulator string
	// Cache is of local disks: "none" when "", for file systems that know O_DIRECT.
	Cache   string
	TapName func(portID string) string
}

// Domain is the XML of the guest that s describes.
func (p Platform) Domain(s agent.Spec) ([]byte, error) {
	d, err := p.build(s)
	if err != nil {
		return nil, err
	}
	return xml.MarshalIndent(d, "", "  ")
}

func (p Platform) build(s agent.Spec) (domain, error) {
	devices, err := p.devices(s)
	return domain{
		Type: p.domainType(), Name: s.Name, UUID: s.ID, Title: printable(s.DisplayName),
		Metadata: &metadata{Mark: writeMark(s.ID, p.Owner, s.Mark)},
		Memory:   memory{"MiB", s.MemoryMB}, VCPU: s.VCPUs,
		SysInfo:  sysinfo(s.ID),
		OS:       system(s),
		Features: p.features(), CPU: p.cpu(s.VCPUs), Clock: clock{"utc"},
		PowerOff: "destroy", Reboot: "restart", Crash: "destroy",
		Devices: devices,
	}, err
}

func (p Platform) domainType() string {
	if p.Accel == "kvm" {
		return "kvm"
	}
	return "qemu"
}

// system is the machine, and what it starts with when that is no boot sector.
func system(s agent.Spec) osInfo {
	o := osInfo{Type: osType{"x86_64", cmp.Or(s.Machine, "q35"), "hvm"}, SMBIOS: &smbiosMode{"sysinfo"}}
	for _, f := range s.Files {
		switch f.Role {
		case "kernel":
			o.Kernel, o.Cmdline = f.Path, "root=/dev/vda console=tty0 console=ttyS0"
		case "ramdisk":
			o.Initrd = f.Path
		}
	}
	return o
}

// sysinfo is how a guest's cloud-init knows the cloud it is in.
func sysinfo(id string) *sysInfo {
	return &sysInfo{Type: "smbios", Entries: []entry{
		{"manufacturer", "OpenStack Foundation"}, {"product", "OpenStack Nova"}, {"version", "26.0.0"},
		{"serial", id}, {"uuid", id}, {"family", "Virtual Machine"},
	}}
}

// features: without the bound, emulation keeps a gigabyte of translated code per guest.
func (p Platform) features() features {
	if p.Accel == "kvm" {
		return features{}
	}
	return features{TCG: &tcg{memory{"MiB", 32}}}
}

// cpu under emulation is the least that current distributions still start on.
func (p Platform) cpu(vcpus int) cpu {
	topo := &topology{Sockets: vcpus, Cores: 1, Threads: 1}
	if p.Accel == "kvm" {
		return cpu{Mode: "host-model", Check: "partial", Topo: topo}
	}
	return cpu{Mode: "custom", Match: "exact", Check: "none", Model: &cpuModel{"forbid", "Nehalem"}, Topo: topo}
}

func (p Platform) devices(s agent.Spec) (devices, error) {
	disks, err := p.disks(s)
	if err != nil {
		return devices{}, err
	}
	var nics []iface
	for _, port := range s.Ports {
		nics = append(nics, p.nic(port))
	}
	log := &logFile{s.Console, "off"}
	return devices{
		Emulator: p.Emulator, Disks: disks, Controllers: controllers(s.Machine), Interfaces: nics,
		Serials:  []chardev{{"pty", log, charTarget{"isa-serial", "0"}}},
		Consoles: []chardev{{"pty", nil, charTarget{"serial", "0"}}},
		Inputs:   []input{{"tablet", "usb"}},
		Graphics: []graphics{{"vnc", p.vncSocket(s.ID)}},
		Videos:   []video{{typed{"vga"}}},
		RNGs:     []rng{{"virtio", backend{"random", "/dev/urandom"}}},
		Balloon:  &balloon{"virtio", &stats{10}},
	}, nil
}

func (p Platform) vncSocket(id string) string { return p.VNCDir + "/" + id + ".sock" }

// controllers are the buses. On PCI Express, what is plugged in later needs a
// root port each, made at the start; the older machine has slots.
func controllers(machine string) []controller {
	cs := []controller{{"pci", "0", "pcie-root"}}
	if old := strings.HasPrefix(machine, "pc") && !strings.HasPrefix(machine, "pc-q35"); old {
		cs[0].Model = "pci-root"
	} else {
		for range sparePorts {
			cs = append(cs, controller{Type: "pci", Model: "pcie-root-port"})
		}
	}
	// Kernels cut down for clouds know no SATA, so what is a CD is on virtio-scsi.
	return append(cs, controller{"scsi", "0", "virtio-scsi"}, controller{"usb", "0", "qemu-xhci"})
}

func (p Platform) nic(port wish.Port) iface {
	n := iface{
		Type: "ethernet", MAC: macAddress{port.MAC}, Target: tap{p.TapName(port.ID), "no"},
		Model: typed{"virtio"}, Alias: &alias{"ua-" + port.ID},
	}
	if p.Netdev {
		n.Driver = &ifaceDriver{"qemu", offloads{"off"}}
	}
	if port.MTU > 0 {
		n.MTU = &mtu{port.MTU}
	}
	return n
}

// disks are the node's own first, then volumes; what boots has order 1.
func (p Platform) disks(s agent.Spec) ([]disk, error) {
	var all []disk
	letter, boots := 0, 0
	next := func() string { letter++; return deviceName(letter - 1) }
	bootable := func() *bootOrder { boots++; return &bootOrder{boots} }
	for _, f := range s.Files {
		if f.Role == "kernel" || f.Role == "ramdisk" {
			continue
		}
		d := disk{Type: "file", Device: "disk", Driver: p.driver(f.Format), Source: diskSource{File: f.Path}}
		if f.Role == "config" {
			d.Device, d.ReadOnly, d.Target = "cdrom", &struct{}{}, target{"sda", "scsi"}
			d.Driver = diskDriver{Name: "qemu", Type: f.Format}
			all = append(all, d)
			continue
		}
		d.Target = target{next(), "virtio"}
		if f.Role == "rescue" || f.Role == "root" {
			d.Boot = bootable()
		}
		all = append(all, d)
	}
	for _, v := range s.Volumes {
		d, err := p.volume(v, next())
		if err != nil {
			return nil, err
		}
		if v.Boot {
			d.Boot = bootable()
		}
		d.Alias = &alias{"ua-" + v.VolumeID}
		all = append(all, d)
	}
	return all, nil
}

func (p Platform) driver(format string) diskDriver {
	return diskDriver{Name: "qemu", Type: format, Cache: cmp.Or(p.Cache, "none"), Discard: "unmap"}
}

// deviceName is vda, vdb … vdz, vdaa.
func deviceName(n int) string {
	name := ""
	for ; n >= 0; n = n/26 - 1 {
		name = string(rune('a'+n%26)) + name
	}
	return "vd" + name
}

// printable drops what XML or libvirt's title cannot hold.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, s)
}

func badVolume(v wish.Disk, format string, args ...any) error {
	return converge.Finalf("volume %s: %s", v.VolumeID, fmt.Sprintf(format, args...))
}
