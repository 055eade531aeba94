package cinder

import (
	"context"
	"maps"

	"stackd/internal/fault"
)

// QuotaDefaults are a project's limits when nobody set others; -1 is none.
var QuotaDefaults = map[string]int64{"volumes": 10, "snapshots": 10, "gigabytes": 1000, "per_volume_gigabytes": -1, "backups": 10, "backup_gigabytes": 1000, "groups": 10}

// A VolumeQuota is one limit of a project, "default" for all others.
type VolumeQuota struct {
	ProjectID string `bun:",pk"`
	Resource  string `bun:",pk"`
	Value     int64
}

// Usage is what a project has. PerType is volumes, gigabytes and snapshots of each
// type by its id.
type Usage struct {
	Volumes, Snapshots, Gigabytes    int64
	Backups, BackupGigabytes, Groups int64
	PerType                          map[string][3]int64
}

// want is what a request would add; each is the size of one volume.
type want struct {
	volumes, snapshots, gigabytes, each int64
	moved                               bool // from another type: counted already, but for this type's own limits
}

// Limits are a project's limits: its own, else the default ones. Types add
// volumes_NAME, gigabytes_NAME and snapshots_NAME.
func (s *Storage) Limits(ctx context.Context, project string) (map[string]int64, error) {
	out := maps.Clone(QuotaDefaults)
	types, err := s.typeNames(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range types {
		out["volumes_"+name], out["gigabytes_"+name], out["snapshots_"+name] = -1, -1, -1
	}
	for _, of := range []string{"default", project} {
		own, err := s.Quotas(ctx, of)
		if err != nil {
			return nil, err
		}
		maps.Copy(out, own)
	}
	return out, nil
}

// room refuses what would exceed a limit.
func (s *Storage) room(ctx context.Context, project, kind string, w want) error {
	limits, err := s.Limits(ctx, project)
	if err != nil {
		return err
	}
	u, err := s.Used(ctx, project)
	if err != nil {
		return err
	}
	over := func(name string, used, more int64) bool {
		l, ok := limits[name]
		return ok && l >= 0 && more > 0 && used+more > l
	}
	name, err := s.typeNames(ctx)
	t, of := u.PerType[kind], "_"+name[kind]
	if w.moved {
		limits["volumes"], limits["snapshots"], limits["gigabytes"] = -1, -1, -1
	}
	switch {
	case err != nil:
		return err
	case over("per_volume_gigabytes", 0, w.each):
		return fault.New(fault.OverQuota, "VolumeSizeExceedsLimit: Requested volume size %dG is larger than maximum allowed limit %dG.", w.each, limits["per_volume_gigabytes"])
	case over("volumes", u.Volumes, w.volumes):
		return tooMany("Volume", "volumes", limits["volumes"])
	case over("volumes"+of, t[0], w.volumes):
		return tooMany("Volume", "volumes"+of, limits["volumes"+of])
	case over("snapshots", u.Snapshots, w.snapshots):
		return tooMany("Snapshot", "snapshots", limits["snapshots"])
	case over("snapshots"+of, t[2], w.snapshots):
		return tooMany("Snapshot", "snapshots"+of, limits["snapshots"+of])
	case over("gigabytes", u.Gigabytes, w.gigabytes):
		return tooBig(w.gigabytes, limits["gigabytes"], u.Gigabytes, "gigabytes")
	case over("gigabytes"+of, t[1], w.gigabytes):
		return tooBig(w.gigabytes, limits["gigabytes"+of], t[1], "gigabytes"+of)
	}
	return nil
}

func tooMany(what, name string, limit int64) error {
	return fault.New(fault.OverQuota, "%sLimitExceeded: Maximum number of %ss allowed (%d) exceeded for quota '%s'.", what, lower(what), limit, name)
}

func lower(s string) string { return string(s[0]|0x20) + s[1:] }

func tooBig(more, limit, used int64, name string) error {
	return fault.New(fault.OverQuota, "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed %s quota. Requested %dG, quota is %dG and %dG has been consumed.", name, more, limit, used)
}

// UsedBy is what a project uses of each of its limits.
func (s *Storage) UsedBy(ctx context.Context, project string) (map[string]int64, error) {
	u, err := s.Used(ctx, project)
	if err != nil {
		return nil, err
	}
	out := map[string]int64{"volumes": u.Volumes, "gigabytes": u.Gigabytes, "snapshots": u.Snapshots, "backups": u.Backups, "backup_gigabytes": u.BackupGigabytes, "groups": u.Groups}
	types, err := s.typeNames(ctx)
	for id, n := range u.PerType {
		name := types[id]
		out["volumes_"+name], out["gigabytes_"+name], out["snapshots_"+name] = n[0], n[1], n[2]
	}
	return out, err
}

// SetQuotas changes a project's limits, none below what is used, and returns them all.
func (s *Storage) SetQuotas(ctx context.Context, project string, values map[string]int64) (map[string]int64, error) {
	var out map[string]int64
	err := s.Tx(ctx, func(ctx context.Context) error {
		used, err := s.UsedBy(ctx, project)
		if err != nil {
			return err
		}
		for name, v := range values {
			if v != -1 && name != "per_volume_gigabytes" && v < used[name] {
				return fault.New(fault.Invalid, "Quota %s limit must be equal or greater than existing resources. Current usage is %d and the requested limit is %d.", name, used[name], v)
			}
			if err := s.SetQuota(ctx, VolumeQuota{project, name, v}); err != nil {
				return err
			}
		}
		out, err = s.Limits(ctx, project)
		return err
	})
	return out, err
}

// SetDefaults changes the limits of projects that have none of their own.
func (s *Storage) SetDefaults(ctx context.Context, values map[string]int64) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		for name, v := range values {
			if err := s.SetQuota(ctx, VolumeQuota{"default", name, v}); err != nil {
				return err
			}
		}
		return nil
	})
}

// ClearQuotas gives a project the default limits again.
func (s *Storage) ClearQuotas(ctx context.Context, project string) error {
	return s.Tx(ctx, func(ctx context.Context) error { return s.DeleteQuotas(ctx, project) })
}
