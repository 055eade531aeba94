package api

import (
	"strconv"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/nova"
)

// deviceIn is one item of block_device_mapping_v2, or of its older sister.
type deviceIn struct {
	Source      string `json:"source_type"`
	Destination string `json:"destination_type"`
	UUID        string `json:"uuid"`
	VolumeID    string `json:"volume_id"`
	SnapshotID  string `json:"snapshot_id"`
	ImageID     string `json:"image_id"`
	BootIndex   any    `json:"boot_index"`
	Device      string `json:"device_name"`
	Delete      any    `json:"delete_on_termination"`
	Size        any    `json:"volume_size"`
	Format      string `json:"guest_format"`
	Type        string `json:"volume_type"`
	Tag         string `json:"tag"`
	NoDevice    any    `json:"no_device"`
}

// specImage is what the server boots from, and its other disks.
func specImage(_ *rest.Call, in createIn, out *nova.ServerSpec) error {
	i := strings.LastIndexByte(in.Server.ImageRef, '/')
	out.ImageID = in.Server.ImageRef[i+1:]
	if len(in.Server.BDM) > 0 && len(in.Server.OldBDM) > 0 {
		return fault.New(fault.Invalid, "Using different block_device_mapping syntaxes is not allowed in the same request.")
	}
	for n, d := range in.Server.OldBDM {
		out.Devices = append(out.Devices, d.old(n == 0 && out.ImageID == ""))
	}
	for _, d := range in.Server.BDM {
		if no, _ := rest.Bool(text(d.NoDevice)); no {
			continue
		}
		b, err := d.device()
		if err != nil {
			return err
		}
		if b.Source == "image" && b.Destination == "local" { // the usual root disk, said otherwise
			if b.BootIndex != 0 || out.ImageID != "" && out.ImageID != b.UUID {
				return fault.New(fault.Invalid, "Block Device Mapping is Invalid: Mapping image to local is not supported.")
			}
			out.ImageID = b.UUID
		}
		out.Devices = append(out.Devices, b)
	}
	if out.ImageID == "" && len(out.Devices) == 0 {
		return fault.New(fault.Invalid, "Invalid imageRef provided.")
	}
	return nil
}

// old is an item of the form before v2: a volume, or a snapshot to make one of.
func (d deviceIn) old(root bool) nova.BlockDevice {
	b := nova.BlockDevice{Source: "volume", Destination: "volume", UUID: d.VolumeID, BootIndex: -1, Size: int64(number(d.Size)), Device: devicePath(d.Device)}
	if d.SnapshotID != "" && d.VolumeID == "" {
		b.Source, b.UUID = "snapshot", d.SnapshotID
	}
	if root {
		b.BootIndex = 0
	}
	b.DeleteOnTermination, _ = rest.Bool(text(d.Delete))
	return b
}

func (d deviceIn) device() (nova.BlockDevice, error) {
	b := nova.BlockDevice{Source: d.Source, Destination: d.Destination, UUID: d.UUID, BootIndex: -1, Size: int64(number(d.Size)), GuestFormat: d.Format, VolumeType: d.Type, Device: devicePath(d.Device), Tag: d.Tag}
	if t := text(d.BootIndex); t != "" && t != "None" {
		n, err := strconv.ParseInt(t, 10, 64)
		if err != nil {
			return b, fault.New(fault.Invalid, "Block Device Mapping is Invalid: Boot index is invalid.")
		}
		b.BootIndex = max(n, -1)
	}
	b.DeleteOnTermination, _ = rest.Bool(text(d.Delete))
	switch {
	case b.Source == "" || b.Source != "blank" && b.UUID == "":
		return b, fault.New(fault.Invalid, "Block Device Mapping is Invalid: Missing device UUID.")
	case b.Destination == "" && (b.Source == "image" || b.Source == "blank"):
		b.Destination = "local"
	case b.Destination == "":
		b.Destination = "volume"
	case b.Destination == "local" && (b.Source == "volume" || b.Source == "snapshot"):
		return b, fault.New(fault.Invalid, "Block Device Mapping is Invalid: Mapping %s to local is not supported.", b.Source)
	}
	return b, nil
}

// devicePath is a disk's name as a path: vdb and /dev/vdb are the same.
func devicePath(name string) string {
	if name == "" || strings.HasPrefix(name, "/dev/") {
		return name
	}
	return "/dev/" + name
}
