package novatest

import (
	"context"
	"fmt"
	"sync"

	"stackd/agent/wish"
	"stackd/internal/fault"
	"stackd/nova"
)

// Volumes is a block storage in memory. Making is the status of what Make makes.
type Volumes struct {
	mu        sync.Mutex
	All       map[string]nova.VolumeFacts
	Holds     map[string]nova.Hold
	Making    string
	Snapshots map[string]nova.VolumeFacts // by the snapshot's id
	Keys      map[string]string           // by volume
	Hosts     map[string]string           // where holds were moved with their guests
	n         int
}

func newVolumes() *Volumes {
	return &Volumes{All: map[string]nova.VolumeFacts{}, Holds: map[string]nova.Hold{}, Making: "available", Snapshots: map[string]nova.VolumeFacts{}, Hosts: map[string]string{}}
}

// Add puts a volume there.
func (x *Volumes) Add(id string, bootable bool) {
	x.All[id] = nova.VolumeFacts{ID: id, Status: "available", Size: 1, Bootable: bootable}
}

// Set says what has become of a volume.
func (x *Volumes) Set(id, status string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	v := x.All[id]
	v.Status = status
	x.All[id] = v
}

func (x *Volumes) Volume(ctx context.Context, id string) (nova.VolumeFacts, error) {
	return x.Fact(ctx, id)
}

func (x *Volumes) Fact(_ context.Context, id string) (nova.VolumeFacts, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	v, ok := x.All[id]
	if !ok {
		return v, fault.New(fault.NotFound, "Volume %s could not be found.", id)
	}
	for _, h := range x.Holds {
		if h.VolumeID == id {
			v.Holders++
		}
	}
	return v, nil
}

func (x *Volumes) Snapshot(_ context.Context, volume, _ string) (string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.n++
	id := fmt.Sprintf("snapshot-%d", x.n)
	x.Snapshots[id] = x.All[volume]
	return id, nil
}

func (x *Volumes) SnapshotOf(_ context.Context, id string) (nova.VolumeFacts, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if v, ok := x.Snapshots[id]; ok {
		return v, nil
	}
	return nova.VolumeFacts{}, fault.New(fault.NotFound, "Snapshot %s could not be found.", id)
}

func (x *Volumes) Make(_ context.Context, w nova.VolumeSpec) (string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.n++
	id := fmt.Sprintf("made-%d", x.n)
	x.All[id] = nova.VolumeFacts{ID: id, Status: x.Making, Size: w.Size, Bootable: w.ImageID != ""}
	return id, nil
}

func (x *Volumes) Passphrases(context.Context, ...string) (map[string]string, error) {
	return x.Keys, nil
}

func (x *Volumes) Reserve(_ context.Context, h nova.Hold, _ bool) (nova.Hold, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, o := range x.Holds {
		if o.VolumeID == h.VolumeID {
			return h, fault.New(fault.Invalid, "Invalid volume: it is taken")
		}
	}
	x.n++
	h.ID, h.Status = fmt.Sprintf("hold-%d", x.n), nova.HoldReserved
	x.Holds[h.ID] = h
	return h, nil
}

func (x *Volumes) Of(_ context.Context, servers ...string) (map[string][]nova.Hold, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := map[string][]nova.Hold{}
	for _, h := range x.Holds {
		for _, s := range servers {
			if h.ServerID == s {
				out[s] = append(out[s], h)
			}
		}
	}
	return out, nil
}

func (x *Volumes) Reach(context.Context, nova.Hold, string) (map[string]any, error) {
	return map[string]any{}, nil
}

func (x *Volumes) At(_ context.Context, h nova.Hold, place map[string]any) (wish.Disk, error) {
	path, _ := place["path"].(string)
	return wish.Disk{VolumeID: h.VolumeID, Kind: "file", Source: map[string]string{"path": path}}, nil
}

// Promise gives the hold another id.
func (x *Volumes) Promise(_ context.Context, id string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.promise(id)
	return nil
}

func (x *Volumes) promise(id string) nova.Hold {
	h := x.Holds[id]
	delete(x.Holds, id)
	x.n++
	h.ID, h.Status, h.Disk = fmt.Sprintf("hold-%d", x.n), nova.HoldReserved, wish.Disk{}
	x.Holds[h.ID] = h
	return h
}

// Reimage has a volume downloading; Set says how that ends.
func (x *Volumes) Reimage(_ context.Context, id, image string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	h := x.promise(id)
	v := x.All[h.VolumeID]
	v.Status, v.Image = "downloading", map[string]string{"image_id": image}
	x.All[h.VolumeID] = v
	return nil
}

func (x *Volumes) Moved(_ context.Context, id string, place map[string]any) error {
	path, _ := place["path"].(string)
	return x.change(id, func(h *nova.Hold) { h.Disk.Source = map[string]string{"path": path} })
}

func (x *Volumes) change(id string, f func(*nova.Hold)) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	h, ok := x.Holds[id]
	if !ok {
		return fault.New(fault.NotFound, "no hold %s", id)
	}
	f(&h)
	x.Holds[id] = h
	return nil
}

func (x *Volumes) Bind(_ context.Context, id, _ string, _ map[string]any) error {
	return x.change(id, func(h *nova.Hold) {
		h.Status, h.Disk.Kind, h.Disk.Source = nova.HoldAttaching, "file", map[string]string{"path": h.VolumeID}
	})
}

func (x *Volumes) Rehost(_ context.Context, id, host string) error {
	return x.change(id, func(h *nova.Hold) { x.Hosts[id] = host })
}

func (x *Volumes) Attached(_ context.Context, id string) error {
	return x.change(id, func(h *nova.Hold) { h.Status = nova.HoldAttached })
}

func (x *Volumes) Detaching(_ context.Context, id string) error {
	return x.change(id, func(h *nova.Hold) { h.Status = nova.HoldDetaching })
}

func (x *Volumes) Keep(_ context.Context, id string, del bool) error {
	return x.change(id, func(h *nova.Hold) { h.DeleteOnTermination = del })
}

func (x *Volumes) Release(_ context.Context, id string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.Holds, id)
	return nil
}

func (x *Volumes) Delete(_ context.Context, id string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.All, id)
	return nil
}
