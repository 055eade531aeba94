package cinder

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/token"
)

// task leaves a wish that knows more than its name; the volume gets its status back
// when it is met.
func (s *Storage) task(ctx context.Context, v *Volume, w Wish, status string, know map[string]string) {
	know["before"] = v.Status
	v.Task, v.WantedSize = know, v.Size
	s.wish(ctx, v, w, status)
}

// RetypeVolume gives a volume another type. Where its backend does not suit the type
// it is moved, if the caller says so; else nothing changes, and a message tells why.
func (s *Storage) RetypeVolume(ctx context.Context, who *token.Who, id, name string, move bool) error {
	pools, err := s.Pools(ctx) // asks the backends: before the transaction
	if err != nil {
		return err
	}
	_, err = s.ChangeVolume(ctx, id, func(ctx context.Context, v *Volume) error {
		t, err := s.retypable(ctx, who, v, name)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(pools, func(p Pool) bool { return p.Name == v.Backend })
		if at >= 0 && pools[at].Fits(t.ExtraSpecs) {
			v.Become(t)
			return nil
		}
		to := slices.IndexFunc(pools, func(p Pool) bool { return !p.Off && p.Fits(t.ExtraSpecs) && p.Free >= float64(v.Size) })
		if !move || to < 0 {
			return s.Tell(ctx, v.ProjectID, "VOLUME", v.ID, NoRoom)
		}
		if err := s.alone(ctx, v); err != nil {
			return err
		}
		s.task(ctx, v, Move, Retyping, map[string]string{"backend": pools[to].Name, "type": t.ID})
		return nil
	})
	return err
}

// Become makes a volume one of a type.
func (v *Volume) Become(t *Type) {
	v.TypeID, v.TypeName, v.Multiattach = t.ID, t.Name, t.ExtraSpecs["multiattach"] == "<is> True"
}

// retypable finds the type that a volume is to have, and says why it cannot.
func (s *Storage) retypable(ctx context.Context, who *token.Who, v *Volume, name string) (*Type, error) {
	t, err := s.FindType(ctx, who, name)
	if fault.Is(err, fault.NotFound) {
		err = badInput("Invalid volume_type passed: %s.", name)
	}
	if err != nil {
		return nil, err
	}
	if v.Status != Available && v.Status != InUse || v.GroupID != "" || t.ID == v.TypeID {
		return nil, badVolume(mayNotRetype)
	}
	if err := still(v); err != nil {
		return nil, err
	}
	if many := t.ExtraSpecs["multiattach"] == "<is> True"; many != v.Multiattach && v.Status != Available {
		return nil, badInput("Invalid volume_type passed, retypes affecting multiattach are only allowed on available volumes, the specified volume however currently has a status of: %s.", v.Status)
	}
	if err := s.sameLimits(ctx, v, t); err != nil {
		return nil, err
	}
	was, err := s.Store.Encryption(ctx, v.TypeID)
	if err != nil {
		return nil, err
	}
	is, err := s.Store.Encryption(ctx, t.ID)
	if err == nil && (was != nil || is != nil) {
		err = badInput("Retype cannot change how a volume is encrypted.")
	}
	if err == nil {
		err = s.room(ctx, v.ProjectID, t.ID, want{volumes: 1, gigabytes: v.Size, moved: true})
	}
	return t, err
}

const mayNotRetype = "Retype needs volume to be in available or in-use state, not be part of an active migration or a consistency group, requested type has to be different that the one from the volume, and for in-use volumes front-end qos specs cannot change."

const mayNotMove = "Volume %s status must be available or in-use, must not be migrating, have snapshots, be replicated, be part of a group and destination host/cluster must be different than the current one"

// sameLimits refuses a type that would change what a guest who has the volume may do.
func (s *Storage) sameLimits(ctx context.Context, v *Volume, t *Type) error {
	if v.Status != InUse {
		return nil
	}
	has, err := s.limitsOf(ctx, v)
	if err != nil {
		return err
	}
	gets, err := s.limitsOf(ctx, &Volume{TypeID: t.ID, Size: v.Size})
	if err == nil && !maps.Equal(has, gets) {
		err = badVolume(mayNotRetype)
	}
	return err
}

// alone refuses to move a volume that others hang on to. One that a server has moves with
// its guest; one that several have does not.
func (s *Storage) alone(ctx context.Context, v *Volume) error {
	ps, err := s.SnapshotsOf(ctx, v.ID)
	if err == nil && (len(ps) > 0 || v.GroupID != "" || v.Status == InUse && holderOf(v) == nil) {
		err = badVolume(mayNotMove, v.ID)
	}
	return err
}

// holderOf is the one attachment of a volume that a server's guest has; nil for any other.
func holderOf(v *Volume) *Attachment {
	if len(v.Attachments) != 1 || v.Attachments[0].Status != Attached || v.Attachments[0].ServerID == "" {
		return nil
	}
	return v.Attachments[0]
}

// still refuses what cannot be done with a volume that is on its way to another backend.
func still(v *Volume) error {
	if v.Wish == Move {
		return badVolume("Volume %s is being migrated.", v.ID)
	}
	return nil
}

// MigrateVolume has a volume moved to host@backend#pool, or to one of a host@backend.
func (s *Storage) MigrateVolume(ctx context.Context, id, host string) error {
	pools, err := s.Pools(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(pools, func(p Pool) bool { return p.Name == host || strings.HasPrefix(p.Name, host+"#") })
	if at < 0 {
		return fault.New(fault.Invalid, "Invalid host: No available service named '%s'", host)
	}
	_, err = s.ChangeVolume(ctx, id, func(ctx context.Context, v *Volume) error {
		if v.Status != Available && v.Status != InUse || v.Wish != Kept || v.Backend == pools[at].Name || pools[at].Off {
			return badVolume(mayNotMove, v.ID)
		}
		if err := s.alone(ctx, v); err != nil {
			return err
		}
		v.Migration = "migrating"
		status := Maintenance
		if v.Status == InUse { // its guest goes on with it
			status = InUse
		}
		s.task(ctx, v, Move, status, map[string]string{"backend": pools[at].Name})
		return nil
	})
	return err
}

// CompleteMigration is what a hypervisor says that copied a volume in use; nobody asks
// one to, so nothing waits for it.
func (s *Storage) CompleteMigration(ctx context.Context, id, other string) error {
	v, err := s.Store.Volume(ctx, id)
	if err != nil {
		return err
	}
	if _, err = s.Store.Volume(ctx, other); err != nil {
		return err
	}
	if v.Wish != Move {
		return badVolume("Source volume not mid-migration.")
	}
	return badVolume("Destination volume not mid-migration.")
}

// CompleteExtend is what a hypervisor says that grew a file itself; no backend has it do so.
func (s *Storage) CompleteExtend(ctx context.Context, id string, _ bool) error {
	v, err := s.Store.Volume(ctx, id)
	if err != nil {
		return err
	}
	if v.Status != Extending {
		return badVolume("Volume is not being extended.")
	}
	return badVolume("Required volume admin metadata is malformed or missing.")
}

// RevertVolume has a volume hold again what its latest snapshot does.
func (s *Storage) RevertVolume(ctx context.Context, id, snapshot string) error {
	_, err := s.ChangeVolume(ctx, id, func(ctx context.Context, v *Volume) error {
		ps, err := s.SnapshotsOf(ctx, id)
		if err != nil {
			return err
		}
		if len(ps) == 0 {
			return badVolume("Volume %s has no snapshots.", id)
		}
		p := ps[len(ps)-1]
		switch {
		case p.ID != snapshot:
			return fault.New(fault.Invalid, "Specified snapshot %s is None or not the latest one of volume %s.", snapshot, id)
		case v.Size != p.Size:
			return fault.New(fault.Invalid, "Can't revert volume %s to its latest snapshot %s. The volume size must be equal to the snapshot size.", id, snapshot)
		case v.Status != Available:
			return badVolume("Can't revert volume %s to its latest snapshot %s. Volume's status must be 'available'.", id, snapshot)
		case p.Status != Available:
			return badSnapshot("Can't revert volume %s to its latest snapshot %s. Snapshot's status must be 'available'.", id, snapshot)
		}
		if err := s.still(ctx, v); err != nil {
			return err
		}
		p.Status, p.UpdatedAt = Restoring, s.Now()
		s.task(ctx, v, Revert, Reverting, map[string]string{"snapshot": p.ID})
		return s.UpdateSnapshot(ctx, p)
	})
	return err
}

// ReimageVolume has a volume hold an image in place of what it does.
func (s *Storage) ReimageVolume(ctx context.Context, id, image string, reserved bool) error {
	facts, err := s.images.Image(ctx, image)
	if err != nil {
		return err
	}
	_, err = s.ChangeVolume(ctx, id, func(ctx context.Context, v *Volume) error {
		if v.Status != Available && v.Status != Errored && !(reserved && v.Status == Reserved) {
			return badVolume("status must be available or error or reserved to reimage, but the current status is %s.", v.Status)
		}
		ps, err := s.SnapshotsOf(ctx, id)
		if err == nil && len(ps) > 0 {
			err = badVolume("Volume %s has snapshots, and its backend cannot give it another content.", id)
		}
		if err == nil {
			err = v.holds(facts)
		}
		if err == nil {
			err = s.still(ctx, v)
		}
		if err != nil {
			return err
		}
		if v.Status == Errored {
			v.Status = Available // once it holds something
		}
		s.task(ctx, v, Refill, Downloading, map[string]string{"image": image, "format": facts.Format})
		return nil
	})
	return err
}

// UploadVolume has an image made of a volume; force takes one that is in use.
func (s *Storage) UploadVolume(ctx context.Context, id string, w ImageSpec, force bool) (*Volume, ImageSpec, error) {
	v, err := s.Store.Volume(ctx, id)
	if err != nil {
		return nil, w, err
	}
	if err := s.uploadable(v, force); err != nil {
		return nil, w, err
	}
	w.fill(v)
	if err := s.images.Create(ctx, &w); err != nil {
		return nil, w, err
	}
	v, err = s.ChangeVolume(ctx, id, func(ctx context.Context, v *Volume) error {
		if err := s.uploadable(v, force); err != nil {
			return err
		}
		s.task(ctx, v, Upload, Uploading, map[string]string{"image": w.ID, "format": w.Format})
		return nil
	})
	if err != nil {
		if e := s.images.Discard(context.WithoutCancel(ctx), w.ID); e != nil {
			err = fault.New(fault.Internal, "The image of a refused upload stays.").Because(e)
		}
	}
	return v, w, err
}

func (s *Storage) uploadable(v *Volume, force bool) error {
	if v.Status != Available && !(force && v.Status == InUse) {
		statuses := "available"
		if force {
			statuses = "available or in-use"
		}
		return badVolume("Volume %s status must be %s", v.ID, statuses)
	}
	return s.canSnapshot(v)
}

// fill sets what was not said of an image to be made of a volume.
func (w *ImageSpec) fill(v *Volume) {
	if w.Format == "" {
		w.Format = "raw"
	}
	if w.Container == "" {
		w.Container = "bare"
	}
	if w.Visibility == "" {
		w.Visibility = "shared"
	}
	own := []string{"image_id", "image_name", "disk_format", "container_format", "size", "min_disk", "min_ram", "checksum"}
	w.Properties, w.MinDisk = map[string]string{}, int(v.Size)
	if n, err := strconv.Atoi(v.Image["min_disk"]); err == nil && n > 0 {
		w.MinDisk = max(n, int(v.Size))
	}
	for k, p := range v.Image {
		if !slices.Contains(own, k) {
			w.Properties[k] = p
		}
	}
}
