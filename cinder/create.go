package cinder

import (
	"cmp"
	"context"
	"strconv"

	"stackd/internal/fault"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// A VolumeSpec is what a caller wants.
type VolumeSpec struct {
	Name, Description             *string
	Size                          int64 // GiB; 0 is that of what it is made from
	Type                          string
	Zone                          string
	SnapshotID, SourceID, ImageID string
	Metadata                      map[string]string
	GroupID, BackupID             string
	MayShare                      bool // a type that several servers may have at once
}

// CreateVolume takes the wish for a volume down: it is made by and by.
func (s *Storage) CreateVolume(ctx context.Context, who *token.Who, w VolumeSpec) (*Volume, error) {
	v := &Volume{ID: uuid.NewString(), ProjectID: who.Project.ID, UserID: who.User.ID, Name: w.Name, Description: w.Description, Size: w.Size, Zone: cmp.Or(w.Zone, Zone),
		SnapshotID: w.SnapshotID, SourceID: w.SourceID, ImageID: w.ImageID, Metadata: w.Metadata, GroupID: w.GroupID}
	if v.ProjectID == "" {
		return nil, badInput("A volume is made in a project, and the token has none.")
	}
	if w.Zone != "" && w.Zone != Zone {
		return nil, badInput("Availability zone '%s' is invalid.", w.Zone)
	}
	if v.Metadata == nil {
		v.Metadata = map[string]string{}
	}
	if w.ImageID != "" { // what another service says is asked before the transaction
		if err := s.fromImage(ctx, v); err != nil {
			return nil, err
		}
	}
	err := s.Tx(ctx, func(ctx context.Context) error {
		if err := s.typed(ctx, v, who, w.Type); err != nil {
			return err
		}
		if w.BackupID != "" {
			if err := s.fromBackup(ctx, who, v, w.BackupID, w.Type != ""); err != nil {
				return err
			}
		}
		if err := s.fromOwn(ctx, who, v); err != nil {
			return err
		}
		if w.BackupID == "" {
			original, err := s.originalOf(ctx, v)
			if err == nil {
				err = s.encrypt(ctx, v, original)
			}
			if err != nil {
				return err
			}
		}
		if v.Multiattach && !w.MayShare {
			return fault.New(fault.Forbidden, "Policy doesn't allow volume:multiattach to be performed.")
		}
		if err := s.joins(ctx, v); err != nil {
			return err
		}
		if err := s.room(ctx, v.ProjectID, v.TypeID, want{volumes: 1, gigabytes: v.Size, each: v.Size}); err != nil {
			return err
		}
		v.CreatedAt, v.WantedSize = s.Now(), v.Size
		s.wish(ctx, v, Make, Creating)
		return s.InsertVolume(ctx, v)
	})
	if err != nil {
		return nil, err
	}
	return v, s.complete(ctx, []*Volume{v})
}

// originalOf is the volume whose bytes, or those of a snapshot of which, the new one has;
// nil when there is none.
func (s *Storage) originalOf(ctx context.Context, v *Volume) (*Volume, error) {
	id := v.SourceID
	if v.SnapshotID != "" {
		p, err := s.Store.Snapshot(ctx, v.SnapshotID)
		if err != nil {
			return nil, err
		}
		id = p.VolumeID
	}
	if id == "" {
		return nil, nil
	}
	return s.Store.Volume(ctx, id)
}

// typed finds the volume's type: the one asked for, else that of what it is made
// from, else the default one.
func (s *Storage) typed(ctx context.Context, v *Volume, who *token.Who, name string) error {
	if name == "" && (v.SnapshotID != "" || v.SourceID != "") {
		return nil // fromOwn sees to it
	}
	t, err := s.DefaultOf(ctx, v.ProjectID)
	if name != "" {
		t, err = s.FindType(ctx, who, name)
	}
	if err != nil {
		return err
	}
	v.TypeID, v.Multiattach = t.ID, t.ExtraSpecs["multiattach"] == "<is> True"
	return nil
}

// fromOwn looks at the snapshot or volume that the new one is made from.
func (s *Storage) fromOwn(ctx context.Context, who *token.Who, v *Volume) error {
	switch {
	case v.SnapshotID != "":
		p, err := s.Store.Snapshot(ctx, v.SnapshotID)
		if err != nil || p.ProjectID != v.ProjectID && !who.Admin() {
			return cmp.Or(err, error(noSnapshot(v.SnapshotID)))
		}
		if p.Status != Available {
			return fault.New(fault.Invalid, "Invalid snapshot: Originating snapshot status must be one of 'available' values")
		}
		if v.Size = cmp.Or(v.Size, p.Size); v.Size < p.Size {
			return badInput("Volume size '%d'GB cannot be smaller than the snapshot size %dGB. They must be >= original snapshot size.", v.Size, p.Size)
		}
		o, err := s.Store.Volume(ctx, p.VolumeID)
		if err != nil {
			return err
		}
		v.inherit(o)
	case v.SourceID != "":
		o, err := s.Store.Volume(ctx, v.SourceID)
		if err != nil || o.ProjectID != v.ProjectID && !who.Admin() {
			return cmp.Or(err, error(noVolume(v.SourceID)))
		}
		if o.Status != Available {
			return badVolume("Source volume not available")
		}
		if v.Size = cmp.Or(v.Size, o.Size); v.Size < o.Size {
			return badInput("Volume size '%dGB' cannot be smaller than original volume size  %dGB. They must be >= original volume size.", v.Size, o.Size)
		}
		v.inherit(o)
	}
	if v.Size < 1 {
		return badInput("Volume size '%d' must be an integer and greater than 0", v.Size)
	}
	return nil
}

// inherit takes what a copy has of its original.
func (v *Volume) inherit(o *Volume) {
	v.TypeID, v.Bootable, v.Image, v.Multiattach = cmp.Or(v.TypeID, o.TypeID), o.Bootable, o.Image, o.Multiattach
}

// fromImage looks at the image that the volume is made from, as the caller sees it.
func (s *Storage) fromImage(ctx context.Context, v *Volume) error {
	i, err := s.images.Image(ctx, v.ImageID)
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			return badInput("Unable to find image %s", v.ImageID) // as the real service words it: 400
		}
		return err
	}
	return v.holds(i)
}

// holds says that a volume is to hold an image, or why it cannot.
func (v *Volume) holds(i ImageFacts) error {
	if i.Status != "active" {
		return badInput("Image %s is not active.", i.ID)
	}
	need := (max(i.Size, i.Virtual) + GiB - 1) / GiB
	if v.Size < need {
		return badInput("Size of specified image %dGB is larger than volume size %dGB.", need, v.Size)
	}
	if v.Size < int64(i.MinDisk) {
		return badInput("Volume size %dGB cannot be smaller than the image minDisk size %dGB.", v.Size, i.MinDisk)
	}
	v.Keep(i)
	return nil
}

// Keep writes an image's facts onto the volume that holds it.
func (v *Volume) Keep(i ImageFacts) {
	v.Bootable = true
	v.Image = map[string]string{"image_id": i.ID, "image_name": i.Name, "disk_format": i.Format, "container_format": i.Container, "size": strconv.FormatInt(i.Size, 10),
		"min_disk": strconv.Itoa(i.MinDisk), "min_ram": strconv.Itoa(i.MinRAM), "checksum": i.Checksum}
	for k, p := range i.Properties {
		v.Image[k] = p
	}
}
