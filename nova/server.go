package nova

import (
	"fmt"
	"slices"
	"time"

	"stackd/agent/wish"
)

// Goal is where a server should get to.
type Goal string

const (
	GoalLive    Goal = "live"    // on a host, with its ports, in the power state Wanted
	GoalShelved Goal = "shelved" // on no host; its image, ports and volumes stay
	GoalErrored Goal = "errored" // its build failed: the row stays, all else is given back
	GoalDeleted Goal = "deleted" // gone, with every trace
)

// Nova's vm_state values (API reference, "Server states").
const (
	Building  = "building"
	Active    = "active"
	Stopped   = "stopped"
	Paused    = "paused"
	Suspended = "suspended"
	Errored   = "error"
	Deleted   = "deleted"
)

// Nova's task_state values that we pass through.
const (
	Scheduling    = "scheduling"
	Mapping       = "block_device_mapping"
	Networking    = "networking"
	Spawning      = "spawning"
	PoweringOff   = "powering-off"
	PoweringOn    = "powering-on"
	Rebooting     = "rebooting"
	RebootingHard = "rebooting_hard"
	Pausing       = "pausing"
	Unpausing     = "unpausing"
	Suspending    = "suspending"
	Resuming      = "resuming"
	Rebuilding    = "rebuilding"
	Deleting      = "deleting"
)

// A Server is one server's row.
type Server struct {
	ID        string `bun:",pk"`
	Num       int64  `bun:",nullzero"` // counts up; names the domain
	ProjectID string
	UserID    string
	Name      string
	Hostname  string
	// Description is null in the API until someone sets it.
	Description *string

	Flavor     FlavorSnapshot
	ImageID    string
	Image      ImageFacts
	KeyName    string
	KeyData    string
	UserData   string // base64, as it came
	Metadata   map[string]string
	Tags       []string
	AccessIPv4 string `bun:"access_ip_v4"`
	AccessIPv6 string `bun:"access_ip_v6"`
	DiskConfig string // AUTO or MANUAL
	// ConfigDrive: the guest gets one.
	ConfigDrive   bool
	ReservationID string
	LaunchIndex   int
	Asked         Asked  // what the create asked of scheduler and network
	AdminPassword string `bun:"-"`

	Goal       Goal
	Wanted     wish.Power // the guest's power once Goal is live
	Generation int64      // of the wish; every change of what the node should do adds one
	Host       string     // "" until placed
	Plugged    bool       // ports are bound to Host; the node may have the wish
	// SoftReboots and HardReboots count those asked for.
	SoftReboots int64
	HardReboots int64
	// Rebuilds count those asked for; LocalOf is the one that the ephemeral disk and swap
	// are of, and Reimage the image that the root volume is to be given yet.
	Rebuilds int64
	LocalOf  int64
	Reimage  string
	// DisksOf is the migration that the local disks came by, MigrationID the one under way.
	DisksOf     int64
	MigrationID int64
	// ShelvedImage is what the root disk of a shelved server is kept in.
	ShelvedImage string
	// Rescue is the image that the server runs from in place of its own root disk.
	Rescue *ImageFacts

	VMState      string
	TaskState    string
	Locked       bool
	LockedBy     string
	LockedReason *string
	Fault        *Fault
	ActionID     string // the action under way, "" when none

	SeenGeneration int64
	SeenPower      wish.Power
	SeenPorts      []string
	SeenStep       string
	SeenFault      string
	SeenFinal      bool
	SeenCopied     []string // swaps that the guest is over

	Tries     int
	DueAt     time.Time `bun:",nullzero"` // when to work on it next; zero is settled
	CreatedAt time.Time
	UpdatedAt time.Time
	// LaunchedAt is when it was first active: from then on no failure tears it down.
	LaunchedAt   time.Time `bun:",nullzero"`
	TerminatedAt time.Time `bun:",nullzero"`
	DeletedAt    time.Time `bun:",nullzero"`
}

// Asked is what a create asked for beside the server itself.
type Asked struct {
	Networks       []NetworkRequest    `json:"networks,omitempty"`
	NoNetwork      bool                `json:"no_network,omitempty"`
	Auto           bool                `json:"auto,omitempty"`
	SecurityGroups []string            `json:"security_groups,omitempty"`
	AZ             string              `json:"az,omitempty"`
	Host           string              `json:"host,omitempty"`
	GroupID        string              `json:"group,omitempty"`
	Hints          map[string][]string `json:"hints,omitempty"`
	Devices        []BlockDevice       `json:"devices,omitempty"`
}

// A Fault is why a server is in ERROR.
type Fault struct {
	Code    int       `json:"code"`
	Message string    `json:"message"`
	Details string    `json:"details,omitempty"` // for administrators
	Created time.Time `json:"created"`
}

// FlavorSnapshot is the flavor as it was when the server got it.
type FlavorSnapshot struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	VCPUs       int               `json:"vcpus"`
	RAM         int               `json:"ram"`  // MiB
	Disk        int               `json:"disk"` // GiB
	Ephemeral   int               `json:"ephemeral"`
	Swap        int               `json:"swap"` // MiB
	ExtraSpecs  map[string]string `json:"extra_specs"`
	Description *string           `json:"description"`
}

// DomainName is the guest's name on its host.
func (s *Server) DomainName() string { return fmt.Sprintf("instance-%08x", s.Num) }

// Status is the API's status, from vm_state and task_state.
func (s *Server) Status() string {
	switch s.TaskState {
	case ResizePrep, ResizeMigrating, ResizeMigrated, ResizeFinish:
		return "RESIZE"
	case ResizeReverting:
		return "REVERT_RESIZE"
	case Migrating:
		return "MIGRATING"
	case Rebooting:
		return "REBOOT"
	case RebootingHard:
		return "HARD_REBOOT"
	case Rebuilding:
		return "REBUILD"
	}
	return statusOf[s.VMState]
}

var statusOf = map[string]string{Building: "BUILD", Active: "ACTIVE", Stopped: "SHUTOFF", Paused: "PAUSED", Suspended: "SUSPENDED", Errored: "ERROR", Rescued: "RESCUE", Resized: "VERIFY_RESIZE", Shelved: "SHELVED", ShelvedOffloaded: "SHELVED_OFFLOADED", Deleted: "DELETED"}

// passing are the vm_states that a server may have while a task gives it a status.
var passing = map[string][]string{"REBOOT": {Active}, "HARD_REBOOT": {Active}, "REBUILD": {Active, Stopped, Errored}, "RESIZE": {Active, Stopped}, "MIGRATING": {Active, Paused}, "REVERT_RESIZE": {Resized}}

// StatesOf is the vm_states that a status filter stands for; nil if it is no status.
func StatesOf(status string) []string {
	var out []string
	for vm, st := range statusOf {
		if st == status || slices.Contains(passing[status], vm) {
			out = append(out, vm)
		}
	}
	return out
}

// PowerState is nova's number for the power last seen.
func (s *Server) PowerState() int {
	switch s.SeenPower {
	case wish.Running:
		return 1
	case wish.Paused:
		return 3
	case wish.Stopped:
		return 4
	case wish.Crashed:
		return 6
	case wish.Suspended:
		return 4
	}
	return 0
}

// StateOf is the vm_state of a guest whose power is p.
func StateOf(p wish.Power) string {
	switch p {
	case wish.Running:
		return Active
	case wish.Paused:
		return Paused
	case wish.Suspended:
		return Suspended
	}
	return Stopped
}
