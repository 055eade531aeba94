package cinder

import (
	"cmp"
	"context"
	"maps"
)

// RenameVolume changes what users call a volume; nil leaves a part as it is.
func (s *Storage) RenameVolume(ctx context.Context, id string, name, text *string, metadata *map[string]string) (*Volume, error) {
	return s.ChangeVolume(ctx, id, func(_ context.Context, v *Volume) error {
		if v.Status == Maintenance {
			return badVolume("The volume cannot be updated during maintenance.")
		}
		v.Name, v.Description = cmp.Or(name, v.Name), cmp.Or(text, v.Description)
		if metadata != nil {
			v.Metadata = *metadata
		}
		return nil
	})
}

// SetFlags changes one of a volume's flags.
func (s *Storage) SetFlags(ctx context.Context, id string, f func(*Volume) error) error {
	_, err := s.ChangeVolume(ctx, id, func(_ context.Context, v *Volume) error { return f(v) })
	return err
}

// VolumeMetadata is a volume's metadata.
func (s *Storage) VolumeMetadata(ctx context.Context, id string) (map[string]string, error) {
	v, err := s.Store.Volume(ctx, id)
	if err != nil {
		return nil, err
	}
	return v.Metadata, nil
}

// ChangeVolumeMetadata changes it in place.
func (s *Storage) ChangeVolumeMetadata(ctx context.Context, id string, f func(map[string]string) error) (map[string]string, error) {
	v, err := s.ChangeVolume(ctx, id, func(_ context.Context, v *Volume) error {
		if v.Status == Maintenance || v.Status == Uploading {
			return badVolume("Updating volume metadata is not allowed for volumes in %s status.", v.Status)
		}
		v.Metadata = clone(v.Metadata)
		return f(v.Metadata)
	})
	if err != nil {
		return nil, err
	}
	return v.Metadata, nil
}

func clone(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return maps.Clone(m)
}

// ChangeImageMetadata changes what a volume keeps of its image.
func (s *Storage) ChangeImageMetadata(ctx context.Context, id string, f func(map[string]string) error) (map[string]string, error) {
	v, err := s.ChangeVolume(ctx, id, func(_ context.Context, v *Volume) error {
		if v.Status == Maintenance {
			return badVolume("The volume cannot be updated during maintenance.")
		}
		v.Image = clone(v.Image)
		return f(v.Image)
	})
	if err != nil {
		return nil, err
	}
	return v.Image, nil
}

// SnapshotMetadata is a snapshot's metadata.
func (s *Storage) SnapshotMetadata(ctx context.Context, id string) (map[string]string, error) {
	p, err := s.Store.Snapshot(ctx, id)
	if err != nil {
		return nil, err
	}
	return p.Metadata, nil
}

// ChangeSnapshotMetadata changes it in place.
func (s *Storage) ChangeSnapshotMetadata(ctx context.Context, id string, f func(map[string]string) error) (map[string]string, error) {
	p, err := s.ChangeSnapshot(ctx, id, func(_ context.Context, p *Snapshot) error {
		p.Metadata = clone(p.Metadata)
		return f(p.Metadata)
	})
	if err != nil {
		return nil, err
	}
	return p.Metadata, nil
}

// Summary is how many volumes a project has ("" is all), of how many GiB; and, when
// asked, the values of each metadata key.
func (s *Storage) Summary(ctx context.Context, project string, metadata bool) (n, size int64, values map[string][]string, err error) {
	n, size, err = s.Totals(ctx, project)
	if err != nil || !metadata {
		return n, size, nil, err
	}
	values = map[string][]string{}
	seen := map[[2]string]bool{}
	vs, err := s.Store.Volumes(ctx, VolumeQuery{ProjectID: project})
	for _, v := range vs {
		for k, x := range v.Metadata {
			if !seen[[2]string{k, x}] {
				seen[[2]string{k, x}] = true
				values[k] = append(values[k], x)
			}
		}
	}
	return n, size, values, err
}
