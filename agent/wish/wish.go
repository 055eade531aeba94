package wish

import (
	"context"
	"io"
	"time"
)

// Power is the state a guest should be in, or is seen in.
type Power string

const (
	Running   Power = "running"
	Stopped   Power = "stopped"   // defined, disk kept, not running
	Paused    Power = "paused"    // in memory, CPUs halted
	Suspended Power = "suspended" // memory saved to disk
	Crashed   Power = "crashed"   // seen only
	Gone      Power = "gone"      // no domain, no disk, no tap
	Kept      Power = "kept"      // its disks alone, for the host that it moved to
	Landing   Power = "landing"   // a guest that runs elsewhere may come
	Revoked   Power = "revoked"   // it may not: Gone, unless it runs here already
)

// Wishes is all that should be on one host.
type Wishes struct {
	Host    string   `json:"host"`
	Serial  int64    `json:"serial"` // grows with every change on this host
	Servers []Server `json:"servers"`
	// Networks are those that a port of these servers is on.
	Networks []Network `json:"networks"`
}

// A Network is what the node needs to serve metadata on it: the OVN logical
// port (type localport) that reaches this host's own metadata server.
type Network struct {
	ID          string   `json:"id"`
	MetadataID  string   `json:"metadata_id"`  // the logical port's name and iface-id
	MetadataMAC string   `json:"metadata_mac"` // of the localport
	Addresses   []string `json:"addresses"`    // of the localport, with prefix: 10.0.0.2/24
	MTU         int      `json:"mtu"`
}

// A Server is one guest as it should be. Ports and volumes are in the order the
// guest shall see them.
type Server struct {
	ID          string `json:"id"`
	Generation  int64  `json:"generation"` // of the wish; a report carries it back
	Name        string `json:"name"`       // of the domain: instance-0000001a
	DisplayName string `json:"display_name"`
	ProjectID   string `json:"project_id"`
	UserID      string `json:"user_id"`
	Power       Power  `json:"power"`

	// Reboots wished so far. The node restarts a running guest when a number is
	// above the one it has carried out (kept in the domain's metadata).
	SoftReboots int64 `json:"soft_reboots"`
	HardReboots int64 `json:"hard_reboots"`

	// Rebuilds wished so far. The root disk and the config drive are of the last; ephemeral
	// disk and swap are of the rebuild LocalOf.
	Rebuilds int64 `json:"rebuilds,omitempty"`
	LocalOf  int64 `json:"local_of,omitempty"`

	// DisksOf is the move that the local disks are of, 0 being none: they are files of their
	// own then. Those that are not here come from where From says.
	DisksOf int64  `json:"disks_of,omitempty"`
	From    *Where `json:"from,omitempty"`
	// To is the host that may read the server's disks; "" none.
	To string `json:"to,omitempty"`
	// Leave has the guest, which runs, go to another host.
	Leave *Leave `json:"leave,omitempty"`

	VCPUs       int    `json:"vcpus"`
	MemoryMB    int    `json:"memory_mb"`
	RootGB      int    `json:"root_gb"` // 0 is the image's own size
	EphemeralGB int    `json:"ephemeral_gb"`
	SwapMB      int    `json:"swap_mb"`
	Machine     string `json:"machine,omitempty"` // hw_machine_type; "" is the node's default (q35)
	Image       *Image `json:"image,omitempty"`   // nil: boots from a volume
	// Rescue is what the guest starts from in its place, the root disk being the next.
	Rescue  *Image `json:"rescue,omitempty"`
	Ports   []Port `json:"ports"`
	Volumes []Disk `json:"volumes"`

	// ConfigDrive asks for an ISO labelled config-2 holding Metadata.
	ConfigDrive bool     `json:"config_drive"`
	Metadata    Metadata `json:"metadata"`
	FlavorName  string   `json:"flavor_name"`
}

// An Image is what a root disk is made from. Bytes come from Plane.Image.
type Image struct {
	ID        string `json:"id"`
	Format    string `json:"format"` // disk_format, already inspected: qcow2, raw
	Size      int64  `json:"size"`   // bytes
	SHA512    string `json:"sha512"` // of the bytes, in hex
	KernelID  string `json:"kernel_id,omitempty"`
	RamdiskID string `json:"ramdisk_id,omitempty"`
}

// Images are all that the server's disks are made from.
func (s Server) Images() []Image {
	var all []Image
	for _, i := range []*Image{s.Image, s.Rescue} {
		if i != nil {
			all = append(all, i.All()...)
		}
	}
	return all
}

// All are the images that a server boots from: the disk, and the kernel and
// ramdisk it comes with, if any. Those two have no size and sum of their own here.
func (i Image) All() []Image {
	all := []Image{i}
	if i.KernelID != "" {
		all = append(all, Image{ID: i.KernelID, Format: "aki"})
	}
	if i.RamdiskID != "" {
		all = append(all, Image{ID: i.RamdiskID, Format: "ari"})
	}
	return all
}

// A Port is a NIC. The OVN logical port is named by ID, and so is the OVS
// interface's iface-id.
type Port struct {
	ID        string `json:"id"`
	NetworkID string `json:"network_id"`
	MAC       string `json:"mac"`
	MTU       int    `json:"mtu"`
	Tag       string `json:"tag,omitempty"`
	// Addresses are the fixed IPs, without prefix: a metadata request from one
	// of them on NetworkID is this server's.
	Addresses []string `json:"addresses"`
}

// Metadata is the guest's own view of itself: the files of a config drive and
// the answers at 169.254.169.254, path below the root → content, for example
// "openstack/latest/meta_data.json". "ec2/…" paths hold the EC2 dialect.
type Metadata map[string][]byte

// A Report is what a node sees; it goes up on every change and every few seconds.
type Report struct {
	Host    string    `json:"host"`
	At      time.Time `json:"at"`
	Node    Node      `json:"node"`
	Servers []Seen    `json:"servers"` // every guest of ours on the host, wished for or not
}

// A Node is a host's own facts.
type Node struct {
	Hostname   string `json:"hostname"`
	IP         string `json:"ip"`
	LiveAt     string `json:"live_at,omitempty"` // host:port of its live side; "" when it is in the control plane's process
	Hypervisor string `json:"hypervisor"`        // QEMU, or sim
	Version    int    `json:"version"`           // of the hypervisor, 7002022
	Accel      string `json:"accel"`             // kvm or tcg
	CPUInfo    string `json:"cpu_info"`          // JSON: arch, model, vendor, topology, features
	VCPUs      int    `json:"vcpus"`
	MemoryMB   int    `json:"memory_mb"`
	DiskGB     int    `json:"disk_gb"`
	FreeDiskGB int    `json:"free_disk_gb"`
	FreeMemMB  int    `json:"free_mem_mb"`
	Uptime     string `json:"uptime"` // as uptime(1) prints it
	Load       string `json:"load"`
	OVN        bool   `json:"ovn"` // the chassis is up
}

// A Seen is one guest as it is. A wish for Gone that has been carried out is
// reported as Gone with its generation, for as long as the wish stands.
type Seen struct {
	ID          string    `json:"id"`
	Generation  int64     `json:"generation"` // of the wish last carried out in full; 0 none
	Power       Power     `json:"power"`
	SoftReboots int64     `json:"soft_reboots"`
	HardReboots int64     `json:"hard_reboots"`
	Ports       []string  `json:"ports"`            // plugged
	Volumes     []string  `json:"volumes"`          // attached
	Copied      []string  `json:"copied,omitempty"` // the wished copies that the guest is over to
	StartedAt   time.Time `json:"started_at"`
	Leaving     *Leaving  `json:"leaving,omitempty"`
	Step        string    `json:"step,omitempty"`   // the lowest step that does not hold yet
	Fault       string    `json:"fault,omitempty"`  // why it does not; for operators and, if Final, for the server's fault
	Detail      string    `json:"detail,omitempty"` // more about a final fault, for operators only
	Final       bool      `json:"final,omitempty"`  // trying again cannot mend it
}

// Plane is the control plane as a node sees it.
type Plane interface {
	// Wishes answers at once when the host's serial is not since, else when it
	// changes or the context ends: then with that serial, and maybe nothing else.
	Wishes(ctx context.Context, host string, since int64) (Wishes, error)
	Report(context.Context, Report) error
	// Image streams an image's bytes; the reader is closed by the caller.
	Image(ctx context.Context, id string) (io.ReadCloser, error)
}

// Live is the node side of calls that a user or a loop waits for. The guest does not
// notice them.
type Live interface {
	// ConsoleLog is the tail of the guest's serial console, all of it for lines < 0.
	ConsoleLog(ctx context.Context, serverID string, lines int) (string, error)
	// VNC opens the guest's display: a raw RFB stream.
	VNC(ctx context.Context, serverID string) (io.ReadWriteCloser, error)
	// Diagnostics are counters of a running guest, as nova's 2.48 form needs them.
	Diagnostics(ctx context.Context, serverID string) (Diagnostics, error)
	// Interrupt gives a running guest an interrupt that it cannot mask: one that is set up
	// so dumps its memory.
	Interrupt(ctx context.Context, serverID string) error
	// CopyDisk copies a guest's volume, as it is at one instant, to a place that is
	// there and as large. Where says how that is reached.
	CopyDisk(ctx context.Context, serverID string, volume, where Disk) error
	// Capture is a guest's root disk at one instant, as a qcow2 file of its own.
	Capture(ctx context.Context, serverID string) (io.ReadCloser, error)
}

// Diagnostics of one running guest.
type Diagnostics struct {
	State       Power       `json:"state"`
	UptimeSec   int64       `json:"uptime"`
	CPUTimesNS  []int64     `json:"cpu_times"` // per vCPU
	MemoryMaxMB int         `json:"memory_max"`
	MemoryUsed  int         `json:"memory_used"`
	NICs        []NICStats  `json:"nics"`
	Disks       []DiskStats `json:"disks"`
}

type NICStats struct {
	MAC                                  string
	RxBytes, RxPackets, RxErrors, RxDrop int64
	TxBytes, TxPackets, TxErrors, TxDrop int64
}

type DiskStats struct {
	ReadBytes, ReadRequests, WriteBytes, WriteRequests, Errors int64
}
