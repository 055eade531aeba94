package agent

import (
	"context"
	"errors"
	"io"
	"time"

	"stackd/agent/wish"
)

// ErrNoGuest is the error of a call that names a guest that is not there.
var ErrNoGuest = errors.New("no such guest on this host")

// A Mark is what has been carried out for a guest. It is kept with the guest.
type Mark struct {
	Generation  int64 // of the wish last carried out in full; 0 none
	SoftReboots int64
	HardReboots int64
	Rebuilds    int64
	DisksOf     int64 // the move that its disks are of
	Started     time.Time
}

// A Guest is a domain of ours as the hypervisor has it.
type Guest struct {
	ID      string
	Mark    Mark
	Power   wish.Power // Running, Paused, Stopped, Suspended or Crashed
	Stalled bool       // Paused, but not by us: its disk failed, as when the host's is full
	// Held: Paused as it is only just being started, or by its move from here or to here: at
	// an instant when it may run elsewhere.
	Held    bool
	Ports   []string
	Volumes []Volume
}

// A Volume is one as a guest has it.
type Volume struct {
	ID    string // of the volume that it was attached as: the disk's serial
	Alias string // names it in this guest
	Place string // see wish.Disk
	Copy  string // the place that it is being copied to, "" for none
	Ready bool   // that holds all, and what the guest writes goes there too
}

// Active reports whether the guest has a process.
func (g Guest) Active() bool { return g.Power == wish.Running || g.Power == wish.Paused }

// A File is a disk that lives on this host. Roles: rescue, root, ephemeral, swap, config;
// kernel and ramdisk are what the machine starts with in place of a boot sector.
type File struct {
	Role   string
	Path   string
	Format string // qcow2 or raw
}

// A Spec is all that a domain is made from.
type Spec struct {
	wish.Server
	Mark    Mark
	Files   []File
	Console string // the file that the serial console is logged to
}

// A Hypervisor holds guests. A guest is named by its server's id; one that is
// not there is ErrNoGuest.
type Hypervisor interface {
	Guest(ctx context.Context, id string) (Guest, error)
	Guests(ctx context.Context) ([]Guest, error)
	Define(ctx context.Context, s Spec) error // also again: takes effect at the next Start
	Mark(ctx context.Context, id string, m Mark) error
	Start(ctx context.Context, id string) error    // from Suspended, it goes on where it was
	Shutdown(ctx context.Context, id string) error // asks the guest; it may take its time
	PowerOff(ctx context.Context, id string) error // at once; drops a suspended guest's memory too
	Pause(ctx context.Context, id string) error
	Resume(ctx context.Context, id string) error
	Suspend(ctx context.Context, id string) error
	AttachPort(ctx context.Context, id string, p wish.Port) error
	DetachPort(ctx context.Context, id, portID string) error
	AttachVolume(ctx context.Context, id string, d wish.Disk) error
	DetachVolume(ctx context.Context, id string, v Volume) error
	// BeginCopy has a running guest's volume copied to a place that is there, for as long
	// as it takes; Guest shows how far it is. EndCopy ends that: over, when it is Ready,
	// with the guest at the new place, else with all as it was.
	BeginCopy(ctx context.Context, id string, v Volume, to wish.Disk) error
	EndCopy(ctx context.Context, id string, v Volume, over bool) error
	// Send has a running guest go to another host, and returns when it is there, and no more
	// here; else it goes on here, or is Held when nobody can know. Hasten lets it stand still
	// meanwhile.
	Send(ctx context.Context, id string, f Flight) error
	Hasten(ctx context.Context, id string) error
	// Land prepares for a guest to come from another host, and Arrive has it run here, or ends
	// that. LandingAt opens the streams that it comes by: Memory and, with local disks, Blocks.
	Land(ctx context.Context, s Spec, d wish.Departure) (wish.Ground, error)
	Arrive(ctx context.Context, id string, a wish.Arrival) (wish.Ground, error)
	LandingAt(ctx context.Context, id, stream string) (io.ReadWriteCloser, error)
	// GrowVolume tells a running guest that an attached volume has become larger, if
	// it sees less than d.Size.
	GrowVolume(ctx context.Context, id string, d wish.Disk) error
	Undefine(ctx context.Context, id string) error // powers off first; nothing to do is no error
	// Watch calls changed with the id of a guest whose power changed, until the context ends.
	Watch(ctx context.Context, changed func(id string))
	// Node fills in what the hypervisor knows of its host.
	Node(ctx context.Context, n *wish.Node) error
	wish.Live
}

// Streams that a guest comes by.
const (
	Memory = "memory"
	Blocks = "blocks"
)

// A Flight is how a guest gets to another host: what that is asked, and told how far it is.
type Flight struct {
	Sizes    map[string]int64 // of the local disks that go along, by role
	Land     func(context.Context, wish.Departure) (wish.Ground, error)
	Arrive   func(context.Context, wish.Arrival) (wish.Ground, error)
	Dial     func(ctx context.Context, stream string) (io.ReadWriteCloser, error)
	Progress func(wish.Leaving)
}

// Disks keeps images and the guests' local disks.
type Disks interface {
	HasImage(wish.Image) bool
	// FetchImage brings an image into the cache, from open. Calls at the same
	// time for the same image share one transfer.
	FetchImage(ctx context.Context, i wish.Image, open func(context.Context) (io.ReadCloser, error)) error
	Made(wish.Server) (bool, error)          // root, ephemeral and swap are there
	Make(context.Context, wish.Server) error // from the cached image
	// Bring makes the disks of a server that moves, of those that are of its move before:
	// copies of what is here, or with open of what that reads from where they are.
	Bring(ctx context.Context, s wish.Server, open func(ctx context.Context, role string) (io.ReadCloser, error)) error
	// Send is a disk of a server that is off, as a whole: a qcow2 file without another
	// behind it, or the bytes themselves of what is no disk.
	Send(ctx context.Context, s wish.Server, role string) (io.ReadCloser, error)
	// Sizes are those of a server's local disks, by role.
	Sizes(s wish.Server) (map[string]int64, error)
	// Await makes room for the disks of a guest that comes while it runs. What it does not
	// write to itself is read by open.
	Await(ctx context.Context, s wish.Server, sizes map[string]int64, open func(ctx context.Context, role string) (io.ReadCloser, error)) error
	Configured(wish.Server) (bool, error)         // the config drive is there, or none is wished
	Configure(context.Context, wish.Server) error //
	Files(wish.Server) []File                     // in the order the guest sees them
	Console(id string) string                     // path of the console's log
	Trim(context.Context, wish.Server) error      // what is of earlier rebuilds
	Remove(ctx context.Context, id string) error  // all that a server has here
	Owners() ([]string, error)                    // servers that have something here
	Space() (totalGB, freeGB int, err error)
	Sweep(ctx context.Context) error // bounds logs, drops images long unused
}

// Peers are the other nodes, for what moves between them.
type Peers interface {
	// Disk reads a local disk of a server from the host that it has moved from.
	Disk(ctx context.Context, from wish.Where, server, role string) (io.ReadCloser, error)
	// Land, Arrive and Dial are of a running guest's way to another host.
	Land(ctx context.Context, to wish.Leave, server string, d wish.Departure) (wish.Ground, error)
	Arrive(ctx context.Context, to wish.Leave, server string, a wish.Arrival) (wish.Ground, error)
	Dial(ctx context.Context, to wish.Leave, server, stream string) (io.ReadWriteCloser, error)
}

// Vifs joins guests to networks.
type Vifs interface {
	Plugged(context.Context, wish.Server) (bool, error)
	Plug(context.Context, wish.Server) error
	// Unplug removes the server's plugs, known by its id and its ports, except those of keep.
	Unplug(ctx context.Context, s wish.Server, keep []wish.Port) error
	Owners(context.Context) ([]string, error) // servers that have a plug here
	Ready(context.Context) bool               // the host's chassis is up
}

// Metadata answers guests at 169.254.169.254.
type Metadata interface {
	// Serve serves these networks, and no others, on behalf of these servers.
	Serve(context.Context, []wish.Network, []wish.Server) error
	Close() // stop answering
}
