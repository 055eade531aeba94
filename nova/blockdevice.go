package nova

import (
	"context"
	"slices"

	"stackd/agent/wish"
	"stackd/internal/fault"
)

// A BlockDevice is one disk that a create asks for (API reference, block_device_mapping_v2).
type BlockDevice struct {
	Source      string // volume, image, snapshot, blank
	Destination string // volume, local
	UUID        string
	BootIndex   int64 // -1 is none
	Size        int64 // GiB; of the new volume, or of a blank local disk
	GuestFormat string
	VolumeType  string
	Device, Tag string
	// DeleteOnTermination takes the volume away with the server.
	DeleteOnTermination bool
}

func (b BlockDevice) volume() bool { return b.Destination == "volume" }

// A VolumeFacts is what compute asks of a volume.
type VolumeFacts struct {
	ID, Status  string
	Size        int64 // GiB
	Bootable    bool
	Multiattach bool
	ReadOnly    bool
	Holders     int               // how many have it
	Image       map[string]string // the facts of the image it was made from
}

// A VolumeSpec is a volume to be made for a server, of an image, a snapshot or nothing.
type VolumeSpec struct {
	Name                string
	Size                int64 // GiB; 0 is that of the snapshot
	Type                string
	ImageID, SnapshotID string
}

// Volumes is what compute asks of block storage. What does not reach out to storage
// itself joins the transaction in ctx.
type Volumes interface {
	// Volume is one that the caller in ctx may see; NotFound otherwise.
	Volume(ctx context.Context, id string) (VolumeFacts, error)
	// SnapshotOf is the volume facts that a new volume of a snapshot would have.
	SnapshotOf(ctx context.Context, id string) (VolumeFacts, error)
	// Make takes down the wish for a volume of ctx's caller.
	Make(ctx context.Context, v VolumeSpec) (id string, err error)
	// Reserve promises a volume to a server; one that has just been made for it (made)
	// need not be there yet.
	Reserve(ctx context.Context, h Hold, made bool) (Hold, error)
	// Of is the holds of servers.
	Of(ctx context.Context, servers ...string) (map[string][]Hold, error)
	// Snapshot has a volume's content kept as it is now, also of one in use.
	Snapshot(ctx context.Context, volume, name string) (id string, err error)
	// Passphrases are those of encrypted volumes, by volume: for their hosts alone.
	Passphrases(ctx context.Context, volumes ...string) (map[string]string, error)
	// Fact is a volume whoever asks.
	Fact(ctx context.Context, id string) (VolumeFacts, error)
	// Reach makes a held volume reachable from host and says how; it may take a while.
	Reach(ctx context.Context, h Hold, host string) (map[string]any, error)
	// Bind writes down what Reach said: the hold is attaching.
	Bind(ctx context.Context, hold, host string, how map[string]any) error
	// Rehost says that the server has come to a host with the volume in its hands.
	Rehost(ctx context.Context, hold, host string) error
	// At is a place that a held volume moves to, as its host reaches it; Moved says that
	// it is there, and nowhere else any more.
	At(ctx context.Context, h Hold, place map[string]any) (wish.Disk, error)
	Moved(ctx context.Context, hold string, place map[string]any) error
	// Promise has a held volume be one that is promised, as before it was reached.
	Promise(ctx context.Context, hold string) error
	// Reimage has a held volume given an image's content, when no guest has it any more:
	// it is held as one that is promised, until it is reached anew.
	Reimage(ctx context.Context, hold, image string) error
	Attached(ctx context.Context, hold string) error
	Detaching(ctx context.Context, hold string) error
	// Release ends a hold: no guest reads or writes there any more.
	Release(ctx context.Context, hold string) error
	Keep(ctx context.Context, hold string, deleteOnTermination bool) error
	// Delete has a volume taken away, in whatever state it is.
	Delete(ctx context.Context, volume string) error
}

// draftDevices checks the disks asked for, and makes the server one that boots from a
// volume where the first of them is one.
func (c *Compute) draftDevices(ctx context.Context, s *Server, spec ServerSpec) error {
	devices := append(s.Asked.Devices, spec.Devices...)
	var indexes []int64
	if s.ImageID != "" && !slices.ContainsFunc(spec.Devices, func(b BlockDevice) bool { return b.Source == "image" && !b.volume() && b.BootIndex == 0 }) {
		indexes = append(indexes, 0) // the image's own disk
	}
	for _, b := range devices {
		if b.BootIndex >= 0 {
			indexes = append(indexes, b.BootIndex)
		}
		if err := c.draftDevice(ctx, s, b, spec); err != nil {
			return err
		}
	}
	slices.Sort(indexes)
	for n, i := range indexes {
		if int64(n) != i {
			return badMapping("Boot sequence for the instance and image/block device mapping combination is not valid.")
		}
	}
	if len(indexes) == 0 {
		return badMapping("Boot sequence for the instance and image/block device mapping combination is not valid.")
	}
	s.Asked.Devices = devices
	return nil
}

func (c *Compute) draftDevice(ctx context.Context, s *Server, b BlockDevice, spec ServerSpec) (err error) {
	if !b.volume() {
		return draftLocal(s, b)
	}
	if c.Volumes == nil {
		return badMapping("the block storage service is not available.")
	}
	var v VolumeFacts
	switch b.Source {
	case "volume":
		if spec.Max > 1 {
			return fault.New(fault.Invalid, "Cannot attach one or more volumes to multiple instances")
		}
		if v, err = c.Volumes.Volume(ctx, b.UUID); fault.Is(err, fault.NotFound) {
			return badMapping("failed to get volume %s.", b.UUID)
		}
	case "snapshot":
		if v, err = c.Volumes.SnapshotOf(ctx, b.UUID); fault.Is(err, fault.NotFound) {
			return badMapping("failed to get snapshot %s.", b.UUID)
		}
	case "image":
		v, err = c.imageVolume(ctx, b)
	case "blank":
		if b.Size < 1 {
			return badMapping("Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size")
		}
	}
	if err != nil || b.BootIndex != 0 {
		return err
	}
	if b.Source == "blank" || b.Source != "image" && !v.Bootable {
		return fault.New(fault.Invalid, "Block Device %s is not bootable.", b.UUID)
	}
	return s.bootFrom(v)
}

// draftLocal is a disk that the flavor already speaks of.
func draftLocal(s *Server, b BlockDevice) error {
	switch {
	case b.Source == "image":
		return nil
	case b.Source != "blank":
		return badMapping("Mapping %s to local is not supported.", b.Source)
	case b.GuestFormat == "swap" && b.Size > int64(s.Flavor.Swap):
		return badMapping("Swap drive requested is larger than instance type allows.")
	case b.GuestFormat != "swap" && b.Size > int64(s.Flavor.Ephemeral):
		return badMapping("Ephemeral disks requested are larger than the instance type allows. If no size is given in one block device mapping, flavor ephemeral size will be used.")
	}
	return nil
}

// imageVolume is what a volume made of an image will be.
func (c *Compute) imageVolume(ctx context.Context, b BlockDevice) (VolumeFacts, error) {
	i, err := c.Images.Image(ctx, b.UUID)
	if fault.Is(err, fault.NotFound) {
		return VolumeFacts{}, badMapping("failed to get image %s.", b.UUID)
	}
	switch {
	case err != nil:
		return VolumeFacts{}, err
	case b.Size < 1:
		return VolumeFacts{}, badMapping("Images with destination_type 'volume' need to have a non-zero size specified")
	case b.Size < int64(i.MinDisk):
		return VolumeFacts{}, fault.New(fault.Invalid, "Volume is smaller than the minimum size specified in image metadata. Volume size is %d bytes, minimum size is %d bytes.", b.Size<<30, int64(i.MinDisk)<<30)
	case i.Status != "active":
		return VolumeFacts{}, fault.New(fault.Invalid, "Image %s is not active.", i.ID)
	}
	return VolumeFacts{Size: b.Size, Bootable: true, Image: i.Properties}, nil
}

// bootFrom makes a server one without a disk of its own.
func (s *Server) bootFrom(v VolumeFacts) error {
	s.ImageID = ""
	s.Image = ImageFacts{Properties: v.Image}
	return nil
}

// hold promises the disks asked for to a server that has just been inserted.
func (c *Compute) hold(ctx context.Context, s *Server) error {
	var taken []string
	for _, b := range s.Asked.Devices {
		if !b.volume() {
			continue
		}
		h := Hold{ServerID: s.ID, VolumeID: b.UUID, Device: b.Device, Tag: b.Tag, BootIndex: b.BootIndex, DeleteOnTermination: b.DeleteOnTermination}
		if b.Source != "volume" {
			id, err := c.Volumes.Make(ctx, volumeSpec(b))
			if err != nil {
				return err
			}
			h.VolumeID = id
		}
		if h.Device == "" || slices.Contains(taken, h.Device) {
			h.Device = nextDevice(localDisks(s), taken)
		}
		taken = append(taken, h.Device)
		if _, err := c.Volumes.Reserve(ctx, h, b.Source != "volume"); err != nil {
			return err
		}
	}
	return nil
}

func volumeSpec(b BlockDevice) VolumeSpec {
	v := VolumeSpec{Size: b.Size, Type: b.VolumeType}
	switch b.Source {
	case "image":
		v.ImageID = b.UUID
	case "snapshot":
		v.SnapshotID = b.UUID
	}
	return v
}
