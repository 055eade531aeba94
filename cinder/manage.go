package cinder

import (
	"context"
	"slices"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// A Manageable is something on a backend, and what the rows know of it.
type Manageable struct {
	Found
	ManagedAs string // the id of the volume or snapshot that it is; "" for none
	Of        string // the volume that a snapshot is of
}

// Safe tells whether it may be managed.
func (m Manageable) Safe() bool { return m.ManagedAs == "" && !m.InUse && m.Why == "" }

// Reason is why not.
func (m Manageable) Reason() string {
	switch {
	case m.ManagedAs != "":
		return "already managed"
	case m.InUse:
		return "volume in use"
	}
	return m.Why
}

// backendsAt are the names of the backends of a host, host@backend or host@backend#pool.
func (s *Storage) backendsAt(host string) ([]string, error) {
	var out []string
	for name := range s.backends {
		at, _, _ := strings.Cut(name, "#")
		if name == host || at == host {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	if len(out) == 0 {
		return nil, fault.New(fault.NotFound, "Service cinder-volume could not be found on host %s.", host)
	}
	return out, nil
}

// ManageableVolumes are what a host's backends hold.
func (s *Storage) ManageableVolumes(ctx context.Context, host string) ([]Manageable, error) {
	names, err := s.backendsAt(host)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	vs, err := s.Store.Volumes(ctx, VolumeQuery{})
	for _, v := range vs {
		known[v.ID] = true
	}
	var out []Manageable
	for _, name := range names {
		if err != nil {
			return nil, err
		}
		var found []Found
		found, err = s.backends[name].Manageable(ctx, "")
		for _, f := range found {
			m := Manageable{Found: f}
			if known[f.ID] {
				m.ManagedAs = f.ID
			}
			out = append(out, m)
		}
	}
	return out, err
}

// ManageableSnapshots are the snapshots that a host's backends hold of volumes.
func (s *Storage) ManageableSnapshots(ctx context.Context, host string) ([]Manageable, error) {
	names, err := s.backendsAt(host)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	ps, err := s.Store.Snapshots(ctx, VolumeQuery{})
	if err != nil {
		return nil, err
	}
	for _, p := range ps {
		known[p.ID] = true
	}
	vs, err := s.Store.Volumes(ctx, VolumeQuery{})
	var out []Manageable
	for _, v := range vs {
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, v.Backend) {
			continue
		}
		var found []Found
		found, err = s.backends[v.Backend].Manageable(ctx, v.ID)
		for _, f := range found {
			m := Manageable{Found: f, Of: v.ID}
			if known[f.ID] {
				m.ManagedAs = f.ID
			}
			out = append(out, m)
		}
	}
	return out, err
}

// A ManageSpec is what is to be managed, and as what.
type ManageSpec struct {
	VolumeSpec
	Host, Ref string
	Bootable  bool
	VolumeID  string // of a snapshot's
}

// ManageVolume makes something that is on a backend a volume.
func (s *Storage) ManageVolume(ctx context.Context, who *token.Who, w ManageSpec) (*Volume, error) {
	all, err := s.ManageableVolumes(ctx, w.Host)
	if err != nil {
		return nil, err
	}
	names, err := s.backendsAt(w.Host)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(m Manageable) bool { return m.Name == w.Ref })
	if at < 0 {
		return nil, fault.New(fault.Invalid, "Manage existing volume failed due to invalid backend reference {'source-name': '%s'}: It is not there.", w.Ref)
	}
	if !all[at].Safe() {
		return nil, badVolume("Unable to manage existing volume. %s", all[at].Reason())
	}
	v := &Volume{ID: uuid.NewString(), ProjectID: who.Project.ID, UserID: who.User.ID, Name: w.Name, Description: w.Description, Zone: Zone, Metadata: clone(w.Metadata), Bootable: w.Bootable, Backend: names[0], Size: (all[at].Bytes + GiB - 1) / GiB}
	err = s.Tx(ctx, func(ctx context.Context) error {
		if err := s.typed(ctx, v, who, w.Type); err != nil {
			return err
		}
		if err := s.room(ctx, v.ProjectID, v.TypeID, want{volumes: 1, gigabytes: v.Size, each: v.Size}); err != nil {
			return err
		}
		v.CreatedAt = s.Now()
		s.task(ctx, v, Adopt, Managing, map[string]string{"ref": w.Ref})
		v.Task["before"] = Available
		return s.InsertVolume(ctx, v)
	})
	if err != nil {
		return nil, err
	}
	return v, s.complete(ctx, []*Volume{v})
}

// UnmanageVolume forgets a volume; what it holds stays on its backend.
func (s *Storage) UnmanageVolume(ctx context.Context, id string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		v, err := s.Volume(ctx, id)
		if err != nil {
			return err
		}
		ps, err := s.SnapshotsOf(ctx, id)
		if err != nil {
			return err
		}
		if v.Status != Available && v.Status != Errored && v.Status != ErrorManaging || len(ps) > 0 || len(v.Attachments) > 0 || v.GroupID != "" {
			return badVolume(mayNotGo)
		}
		return s.DeleteVolumeRow(ctx, id)
	})
}

// ManageSnapshot makes something that is on a volume's backend a snapshot of it.
func (s *Storage) ManageSnapshot(ctx context.Context, who *token.Who, w ManageSpec) (*Snapshot, error) {
	v, err := s.Store.Volume(ctx, w.VolumeID)
	if err != nil {
		return nil, err
	}
	b := s.backends[v.Backend]
	if b == nil {
		return nil, fault.New(fault.Unavailable, "The backend of volume %s is not there.", v.ID)
	}
	found, err := b.Manageable(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(found, func(f Found) bool { return f.Name == w.Ref && f.Why == "" }) {
		return nil, fault.New(fault.Invalid, "Manage existing snapshot failed due to invalid backend reference {'source-name': '%s'}: It is not there.", w.Ref)
	}
	p := &Snapshot{ID: uuid.NewString(), VolumeID: v.ID, ProjectID: v.ProjectID, UserID: who.User.ID, Name: w.Name, Description: w.Description, Size: v.Size, Metadata: clone(w.Metadata), Wish: Adopt, Status: Managing, Task: map[string]string{"ref": w.Ref}}
	return p, s.Tx(ctx, func(ctx context.Context) error {
		if err := s.room(ctx, p.ProjectID, v.TypeID, want{snapshots: 1, gigabytes: p.Size}); err != nil {
			return err
		}
		p.CreatedAt = s.Now()
		p.DueAt = p.CreatedAt
		s.After(ctx, s.wake)
		return s.InsertSnapshot(ctx, p)
	})
}

// UnmanageSnapshot forgets a snapshot; what it holds stays on its backend.
func (s *Storage) UnmanageSnapshot(ctx context.Context, id string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		p, err := s.Store.Snapshot(ctx, id)
		if err != nil {
			return err
		}
		if p.Status != Available && p.Status != Errored && p.Status != ErrorManaging {
			return badSnapshot("Snapshot status must be available or error and must not be part of a group, currently %s.", p.Status)
		}
		return s.DeleteSnapshotRow(ctx, id)
	})
}
