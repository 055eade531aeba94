package cloud

import (
	"context"
	"strconv"

	"stackd/agent/wish"
	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/token"
	"stackd/nova"
)

// volumes is block storage in compute's words.
type volumes struct{ s *cinder.Storage }

// seen refuses what is another project's.
func seen(ctx context.Context, project string, missing error) error {
	if who := token.From(ctx); who == nil || who.Project.ID != project && !who.Admin() {
		return missing
	}
	return nil
}

func (x volumes) Volume(ctx context.Context, id string) (nova.VolumeFacts, error) {
	v, err := x.s.Volume(ctx, id)
	if err == nil {
		err = seen(ctx, v.ProjectID, cinder.NoVolume(id))
	}
	if err != nil {
		return nova.VolumeFacts{}, err
	}
	return facts(v), nil
}

func facts(v *cinder.Volume) nova.VolumeFacts {
	return nova.VolumeFacts{ID: v.ID, Status: v.Status, Size: v.Size, Bootable: v.Bootable, Multiattach: v.Multiattach, ReadOnly: v.ReadOnly, Holders: len(v.Attachments), Image: v.Image}
}

func (x volumes) Fact(ctx context.Context, id string) (nova.VolumeFacts, error) {
	v, err := x.s.Store.Volume(ctx, id)
	if err != nil {
		return nova.VolumeFacts{}, err
	}
	return facts(v), nil
}

func (x volumes) SnapshotOf(ctx context.Context, id string) (nova.VolumeFacts, error) {
	p, err := x.s.Store.Snapshot(ctx, id)
	if err == nil {
		err = seen(ctx, p.ProjectID, cinder.NoSnapshot(id))
	}
	if err != nil {
		return nova.VolumeFacts{}, err
	}
	v, err := x.Fact(ctx, p.VolumeID)
	v.ID, v.Size, v.Status = "", p.Size, p.Status
	return v, err
}

func (x volumes) Make(ctx context.Context, w nova.VolumeSpec) (string, error) {
	spec := cinder.VolumeSpec{Size: w.Size, Type: w.Type, ImageID: w.ImageID, SnapshotID: w.SnapshotID, Name: &w.Name}
	v, err := x.s.CreateVolume(ctx, token.From(ctx), spec)
	if err != nil {
		return "", err
	}
	return v.ID, nil
}

func (x volumes) Reserve(ctx context.Context, h nova.Hold, made bool) (nova.Hold, error) {
	a := &cinder.Attachment{VolumeID: h.VolumeID, ServerID: h.ServerID, Mountpoint: h.Device, Tag: h.Tag, DeleteOnTermination: h.DeleteOnTermination, BootIndex: h.BootIndex}
	reserve := x.s.Reserve
	if made {
		reserve = x.s.Promise
	}
	if err := reserve(ctx, a); err != nil {
		return h, err
	}
	return holdOf(a), nil
}

func holdOf(a *cinder.Attachment) nova.Hold {
	h := nova.Hold{ID: a.ID, VolumeID: a.VolumeID, ServerID: a.ServerID, Status: a.Status, Device: a.Mountpoint, Tag: a.Tag,
		DeleteOnTermination: a.DeleteOnTermination, BootIndex: a.BootIndex, CreatedAt: a.CreatedAt}
	h.Disk.Kind, _ = a.Connection["driver_volume_type"].(string)
	h.Disk.ReadOnly, h.Disk.Shareable, h.Disk.Size = a.Mode == "ro", a.Shared, a.Size*cinder.GiB
	h.Disk.Source = map[string]string{}
	h.Encrypted, _ = a.Connection["encrypted"].(bool)
	if h.Encrypted {
		h.Disk.Size -= cinder.LUKSHeader
	}
	h.Disk.Limits = limits(a.Connection["qos_specs"])
	for k, v := range a.Connection {
		if text, ok := v.(string); ok {
			h.Disk.Source[k] = text
		}
	}
	return h
}

// limits are the QoS specs that QEMU can keep: numbers.
func limits(specs any) map[string]int64 {
	out := map[string]int64{}
	by, _ := specs.(map[string]any)
	for name, v := range by {
		text, _ := v.(string)
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
			out[name] = n
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func (x volumes) Of(ctx context.Context, servers ...string) (map[string][]nova.Hold, error) {
	rows, err := x.s.AttachmentsOn(ctx, servers...)
	if err != nil {
		return nil, err
	}
	out := map[string][]nova.Hold{}
	for id, as := range rows {
		for _, a := range as {
			h, err := x.letIn(ctx, a)
			if err != nil {
				return nil, err
			}
			out[id] = append(out[id], h)
		}
	}
	return out, nil
}

// letIn is a hold with the password that its volume is reached by: no row has that.
func (x volumes) letIn(ctx context.Context, a *cinder.Attachment) (nova.Hold, error) {
	h := holdOf(a)
	secret, err := x.s.Secret(ctx, a)
	if secret != "" {
		h.Disk.Source["password"] = secret
	}
	return h, err
}

// Reach is what the host is told: how QEMU gets at the volume.
func (x volumes) Reach(ctx context.Context, h nova.Hold, host string) (map[string]any, error) {
	v, err := x.s.Store.Volume(ctx, h.VolumeID)
	if err != nil {
		return nil, err
	}
	return x.s.Connection(ctx, v, h.ID, map[string]any{"host": host})
}

// At is a place that a volume moves to, in the words of its hold.
func (x volumes) At(ctx context.Context, h nova.Hold, place map[string]any) (wish.Disk, error) {
	a, err := x.s.At(ctx, h.ID, place)
	if err != nil {
		return wish.Disk{}, err
	}
	at, err := x.letIn(ctx, a)
	at.Disk.Size, at.Disk.Shareable = h.Disk.Size, h.Disk.Shareable
	return at.Disk, err
}

func (x volumes) Moved(ctx context.Context, hold string, place map[string]any) error {
	return x.s.Arrived(ctx, hold, place)
}

func (x volumes) Promise(ctx context.Context, hold string) error { return x.s.Unreach(ctx, hold) }

func (x volumes) Reimage(ctx context.Context, hold, image string) error {
	return x.s.ReimageHeld(ctx, hold, image)
}

func (x volumes) Bind(ctx context.Context, hold, host string, how map[string]any) error {
	return x.s.Bind(ctx, hold, host, how)
}

func (x volumes) Rehost(ctx context.Context, hold, host string) error {
	_, err := x.s.ChangeAttachment(ctx, hold, func(a *cinder.Attachment) error {
		a.Host, a.Connector = host, map[string]any{"host": host}
		return nil
	})
	return err
}

func (x volumes) Passphrases(ctx context.Context, ids ...string) (map[string]string, error) {
	return x.s.Passphrases(ctx, ids...)
}

func (x volumes) Attached(ctx context.Context, hold string) error {
	return x.s.MarkAttachment(ctx, hold, cinder.Attached)
}

func (x volumes) Detaching(ctx context.Context, hold string) error {
	return x.s.MarkAttachment(ctx, hold, cinder.Detaching)
}

func (x volumes) Release(ctx context.Context, hold string) error {
	err := x.s.Release(ctx, hold)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

func (x volumes) Keep(ctx context.Context, hold string, del bool) error {
	_, err := x.s.ChangeAttachment(ctx, hold, func(a *cinder.Attachment) error { a.DeleteOnTermination = del; return nil })
	return err
}

// Delete takes a volume away that went with its server; one that others still use stays.
func (x volumes) Delete(ctx context.Context, volume string) error {
	err := x.s.DeleteVolume(ctx, volume, false, true)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

var _ nova.Volumes = volumes{}
var _ cinder.Servers = (*nova.Compute)(nil)

func (x volumes) Snapshot(ctx context.Context, volume, name string) (string, error) {
	p, err := x.s.CreateSnapshot(ctx, token.From(ctx), cinder.SnapshotSpec{VolumeID: volume, Name: &name, InUse: true})
	if err != nil {
		return "", err
	}
	return p.ID, nil
}

// guests is compute in block storage's words.
type guests struct{ c *nova.Compute }

func (x guests) Exists(ctx context.Context, server string) (bool, error) {
	_, err := x.c.Store.Server(ctx, server)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Copy waits for the node's copy: a few seconds a GiB.
func (x guests) Copy(ctx context.Context, server, volume, _, kind string, to map[string]string) (bool, error) {
	err := x.c.CopyVolume(ctx, server, volume, kind, to)
	return err == nil, err
}

func (x guests) Move(ctx context.Context, server, volume string, place map[string]any) error {
	return x.c.MoveVolume(ctx, server, volume, place)
}

func (x guests) Moving(ctx context.Context, server, volume string) (bool, error) {
	return x.c.Moving(ctx, server, volume)
}

var _ cinder.Guests = guests{}
