package sim

import (
	"cmp"
	"time"
)

// Steps whose delay and failure can be set: those of the agent's ladder, and what else can take its time.
const (
	Imaged     = "imaged"
	Disked     = "disked"
	Configured = "configured"
	Brought    = "brought" // disks of a server that moves
	Plugged    = "plugged"
	Defined    = "defined"
	Started    = "started"
	Shutdown   = "shutdown" // the guest's own, when asked; a failing one is deaf to the power button
	Removed    = "removed"  // of disks
	Copied     = "copied"   // a volume, at one instant
	Mirrored   = "mirrored" // a volume, for a guest that is to go over
	Sent       = "sent"     // a running guest, to another host: its beginning
	Awaited    = "awaited"  // room for its disks there
	Landed     = "landed"   // all that it needs there
	Flying     = "flying"   // from here to there; it can take its time alone
	Arrived    = "arrived"  // there
	Pivoted    = "pivoted"  // that guest, or its copy ended
)

// Options are what the nodes are like. The zero value of a field means its default.
type Options struct {
	Hosts    int    // 1
	Name     string // "sim": hosts are sim-1, sim-2 …
	VCPUs    int    // 64, each
	MemoryMB int    // 262144
	DiskGB   int    // 4096
	// Dir keeps the guests in files, a directory per host; "" keeps them in memory.
	Dir string
	// Delay is how long a step takes, by its name.
	Delay map[string]time.Duration
	// Fail is how a step fails, by its name.
	Fail          map[string]Failure
	ReportEvery   time.Duration // the agent's default
	ShutdownGrace time.Duration // the agent's default
	GiveUp        time.Duration // the agent's default
	SweepEvery    time.Duration // the agent's default
	Workers       int           // the agent's default
}

// A Failure is how a step fails.
type Failure struct {
	Text  string
	Times int  // for each server, then it works; 0 is always
	Final bool // trying again cannot mend it
	After bool // it fails with its work done, as a crash may
}

func (o Options) withDefaults() Options {
	o.Hosts = cmp.Or(o.Hosts, 1)
	o.Name = cmp.Or(o.Name, "sim")
	o.VCPUs = cmp.Or(o.VCPUs, 64)
	o.MemoryMB = cmp.Or(o.MemoryMB, 256<<10)
	o.DiskGB = cmp.Or(o.DiskGB, 4<<10)
	return o
}
