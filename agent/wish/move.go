package wish

// A Where is where a server's local disks are, of an earlier move. They stay there for as
// long as it is said.
type Where struct {
	Host    string `json:"host"`
	At      string `json:"at,omitempty"` // host:port that other nodes reach it at
	DisksOf int64  `json:"disks_of,omitempty"`
}

// A Leave has a running guest go to another host, which awaits it.
type Leave struct {
	ID   int64  `json:"id"` // of the move
	Host string `json:"host"`
	At   string `json:"at"`
	// Force lets the guest stand still for as long as it takes.
	Force bool `json:"force,omitempty"`
	// End gives it up. A guest that stands still goes on only when nothing is said of
	// leaving any more: until then it may run elsewhere.
	End bool `json:"end,omitempty"`
}

// States of a guest's leaving, as its host sees them.
const (
	Departing = "departing"
	Failed    = "failed" // the guest is here, or nobody knows whether it is elsewhere
	Ended     = "ended"  // it was given up, and the guest goes on here
	Left      = "left"   // it is here no more
)

// Leaving is how far a guest's leaving is, in bytes.
type Leaving struct {
	ID          int64  `json:"id,omitempty"`
	State       string `json:"state,omitempty"`
	Fault       string `json:"fault,omitempty"`
	MemoryTotal int64  `json:"memory_total,omitempty"`
	MemoryDone  int64  `json:"memory_done,omitempty"`
	MemoryLeft  int64  `json:"memory_left,omitempty"`
	DiskTotal   int64  `json:"disk_total,omitempty"`
	DiskDone    int64  `json:"disk_done,omitempty"`
	DiskLeft    int64  `json:"disk_left,omitempty"`
}

// A Departure is a guest that is about to come, as its host tells the one it comes to.
type Departure struct {
	Document string           `json:"document"` // the hypervisor's own of the guest
	Cookie   []byte           `json:"cookie"`   // and what it tells its like
	Sizes    map[string]int64 `json:"sizes"`    // of the local disks, by role
}

// Ground is what the host says that awaits it.
type Ground struct {
	Cookie []byte `json:"cookie"`
}

// An Arrival ends a departure: the guest has all that it needs, or does not come.
type Arrival struct {
	Cookie    []byte `json:"cookie"`
	Cancelled bool   `json:"cancelled"`
}
