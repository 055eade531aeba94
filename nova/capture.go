package nova

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/internal/token"
)

// ImageSnapshot and ImageBackup are the task_states of a server while an image of it is made.
const (
	ImageSnapshot = "image_snapshot"
	ImageBackup   = "image_backup"
)

// Capturing tells whether a task_state ends with a capture.
func Capturing(task string) bool {
	return task == ImageSnapshot || task == ImageBackup || task == Shelving
}

// A Capture is an image that is being made of a server: the row is the queue.
type Capture struct {
	ImageID   string `bun:",pk"`
	ServerID  string
	ProjectID string
	ActionID  string
	Empty     bool // the image has no bytes of its own: its disks are volumes' snapshots
	// BackupType and Rotation are a backup's: of each type so many are kept.
	BackupType string
	Rotation   int
	// Shelve: the server goes from its host when it has its image.
	Shelve    bool
	Tries     int
	DueAt     time.Time `bun:",nullzero"`
	CreatedAt time.Time
}

// An ImageSpec is an image to be made.
type ImageSpec struct {
	Name, Owner     string
	Format          string
	MinDisk, MinRAM int
	Properties      map[string]string
}

// CreateImage has an image made of a server: of its root disk as it is at one
// instant, or, where that is a volume, of snapshots of all its volumes.
func (c *Compute) CreateImage(ctx context.Context, id, name string, metadata map[string]string) (image string, err error) {
	_, err = c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := c.capturable(ctx, s, "createImage", metadata); err != nil {
			return err
		}
		spec := c.imageSpec(ctx, s, name, metadata)
		row := &Capture{ServerID: s.ID, ProjectID: s.ProjectID, Empty: s.ImageID == "", CreatedAt: c.Now(), DueAt: c.Now()}
		if row.Empty {
			if err := c.snapshotVolumes(ctx, s, &spec); err != nil {
				return err
			}
		}
		s.TaskState = ImageSnapshot
		image, err = c.capture(ctx, s, spec, row, "createImage", "compute_snapshot_instance")
		return err
	})
	return image, err
}

// capture begins the action that fills a new image.
func (c *Compute) capture(ctx context.Context, s *Server, spec ImageSpec, row *Capture, action, event string) (image string, err error) {
	if image, err = c.Images.Create(ctx, spec); err != nil {
		return "", err
	}
	under := s.ActionID
	if err := c.act(ctx, s, action, event); err != nil {
		return "", err
	}
	row.ImageID, row.ActionID, s.ActionID = image, s.ActionID, under
	return image, c.InsertCapture(ctx, row)
}

// CreateBackup has an image made of a server as one of a type, of which only the latest
// are kept: as many as rotation says.
func (c *Compute) CreateBackup(ctx context.Context, id, name, kind string, rotation int, metadata map[string]string) (image string, err error) {
	_, err = c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := c.capturable(ctx, s, "createBackup", metadata); err != nil {
			return err
		}
		if s.ImageID == "" {
			return fault.New(fault.Invalid, "Backup is not supported for volume-backed instances.")
		}
		spec := c.imageSpec(ctx, s, name, metadata)
		spec.Properties["image_type"], spec.Properties["backup_type"] = "backup", kind
		row := &Capture{ServerID: s.ID, ProjectID: s.ProjectID, BackupType: kind, Rotation: rotation, CreatedAt: c.Now(), DueAt: c.Now()}
		s.TaskState = ImageBackup
		image, err = c.capture(ctx, s, spec, row, "createBackup", "compute_backup_instance")
		return err
	})
	return image, err
}

func (c *Compute) capturable(ctx context.Context, s *Server, action string, metadata map[string]string) error {
	if !slices.Contains([]string{Active, Stopped, Paused, Suspended}, s.VMState) {
		return wrongState(s, action, "vm_state", s.VMState)
	}
	if s.TaskState != "" {
		return wrongState(s, action, "task_state", s.TaskState)
	}
	if most := c.limit(ctx, s.ProjectID, "metadata_items"); most >= 0 && len(metadata) > most {
		return fault.New(fault.Forbidden, "Image property count exceeds the allowed %d", most)
	}
	return nil
}

// notInherited are the properties of an image that one made of a server does not get
// (nova's option non_inheritable_image_properties).
var notInherited = []string{"cache_in_nova", "bittorrent", "block_device_mapping", "bdm_v2", "root_device_name", "mappings", "signature_verified",
	"img_signature", "img_signature_hash_method", "img_signature_key_type", "img_signature_certificate_uuid"}

func (c *Compute) imageSpec(ctx context.Context, s *Server, name string, metadata map[string]string) ImageSpec {
	p := map[string]string{}
	for k, v := range s.Image.Properties {
		if !slices.Contains(notInherited, k) && !strings.HasPrefix(k, "os_glance") {
			p[k] = v
		}
	}
	p["instance_uuid"], p["user_id"], p["image_type"], p["image_state"], p["image_location"] = s.ID, s.UserID, "snapshot", "available", "snapshot"
	p["base_image_ref"], p["owner_id"] = s.ImageID, s.ProjectID
	if who := token.From(ctx); who != nil {
		p["owner_user_name"], p["owner_project_name"] = who.User.Name, who.Project.Name
	}
	maps.Copy(p, metadata)
	spec := ImageSpec{Name: name, Owner: s.ProjectID, Format: "qcow2", MinDisk: s.Flavor.Disk, MinRAM: s.Image.MinRAM, Properties: p}
	return spec
}

// A mapping is a disk of an image that has none of its own, as nova writes it there.
type mapping struct {
	Source      string  `json:"source_type"`
	Destination string  `json:"destination_type"`
	SnapshotID  string  `json:"snapshot_id"`
	VolumeID    *string `json:"volume_id"`
	ImageID     *string `json:"image_id"`
	BootIndex   *int64  `json:"boot_index"`
	Size        int64   `json:"volume_size"`
	Device      string  `json:"device_name"`
	DeviceType  string  `json:"device_type"`
	Bus         string  `json:"disk_bus"`
	Tag         *string `json:"tag"`
	Delete      bool    `json:"delete_on_termination"`
	NoDevice    *bool   `json:"no_device"`
	Format      *string `json:"guest_format"`
	Type        *string `json:"volume_type"`
}

// snapshotVolumes keeps what all volumes of a server hold, and writes into the image
// how to make them again.
func (c *Compute) snapshotVolumes(ctx context.Context, s *Server, spec *ImageSpec) error {
	holds, err := c.HoldsOf(ctx, s.ID)
	if err != nil {
		return err
	}
	all := []mapping{}
	for _, h := range holds[s.ID] {
		v, err := c.Volumes.Fact(ctx, h.VolumeID)
		if err != nil {
			return err
		}
		p, err := c.Volumes.Snapshot(ctx, h.VolumeID, "snapshot for "+spec.Name)
		if err != nil {
			return err
		}
		m := mapping{Source: "snapshot", Destination: "volume", SnapshotID: p, Size: v.Size, Device: h.Device, DeviceType: "disk", Bus: "virtio", Delete: h.DeleteOnTermination}
		if h.BootIndex >= 0 {
			m.BootIndex = &h.BootIndex
		}
		if h.Root() {
			spec.Properties["root_device_name"] = h.Device
		}
		all = append(all, m)
	}
	text, err := json.Marshal(all)
	spec.Properties["block_device_mapping"], spec.Properties["bdm_v2"] = string(text), "True"
	spec.MinDisk, spec.Format = 0, "raw" // an image of no bytes is no qcow2
	delete(spec.Properties, "base_image_ref")
	return err
}

// devicesOf are the disks that an image without bytes speaks of; those of the request
// at the same place in the order of booting come instead.
func devicesOf(i ImageFacts, asked []BlockDevice) ([]BlockDevice, error) {
	text := i.Properties["block_device_mapping"]
	if text == "" {
		return nil, nil
	}
	var all []mapping
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, badMapping("the image's property block_device_mapping cannot be read.")
	}
	var out []BlockDevice
	for _, m := range all {
		b := BlockDevice{Source: m.Source, Destination: m.Destination, UUID: m.SnapshotID, BootIndex: -1, Size: m.Size, Device: m.Device, DeleteOnTermination: m.Delete}
		if m.BootIndex != nil {
			b.BootIndex = *m.BootIndex
		}
		if m.VolumeID != nil {
			b.UUID = cmp.Or(b.UUID, *m.VolumeID)
		}
		if !slices.ContainsFunc(asked, func(o BlockDevice) bool { return b.BootIndex >= 0 && o.BootIndex == b.BootIndex }) {
			out = append(out, b)
		}
	}
	return out, nil
}

// CaptureDone ends a capture: well, or with why not.
func (c *Compute) CaptureDone(ctx context.Context, k *Capture, why error) error {
	return c.Tx(ctx, func(ctx context.Context) error {
		if err := c.DeleteCapture(ctx, k.ImageID); err != nil {
			return err
		}
		if k.Shelve && why == nil {
			return c.offload(ctx, k.ServerID, k.ImageID, k.ActionID)
		}
		result, details := "Success", ""
		if why != nil {
			result, details = "Error", fmt.Sprint(why)
		}
		if err := c.FinishAction(ctx, k.ActionID, result, details); err != nil {
			return err
		}
		s, err := c.Server(ctx, k.ServerID)
		if fault.Is(err, fault.NotFound) || err == nil && !Capturing(s.TaskState) {
			return nil
		}
		if err != nil {
			return err
		}
		s.TaskState, s.UpdatedAt, s.DueAt = "", c.Now(), c.Now()
		c.After(ctx, c.wake)
		return c.UpdateServer(ctx, s, "task_state", "updated_at", "due_at")
	})
}
