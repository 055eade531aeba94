package work

import (
	"context"
	"errors"
	"slices"
	"time"

	"stackd/cinder"
	"stackd/internal/converge"
	"stackd/internal/fault"
)

func (w *Volumes) placed(_ context.Context, v *cinder.Volume) (bool, error) {
	return v.Backend != "" && w.s.Backends()[v.Backend] != nil, nil
}

// place chooses the backend of the original, else the one with the most room.
func (w *Volumes) place(ctx context.Context, v *cinder.Volume) error {
	name, err := w.choose(ctx, v)
	if err != nil {
		return err
	}
	v.Backend = name
	return w.update(ctx, v, func(_ context.Context, row *cinder.Volume) error { row.Backend = name; return nil })
}

func (w *Volumes) choose(ctx context.Context, v *cinder.Volume) (string, error) {
	if of, err := w.original(ctx, v); err != nil || of != "" {
		return of, err
	}
	t, err := w.s.Store.Type(ctx, v.TypeID)
	if err != nil {
		return "", converge.Final{Err: err}
	}
	pools, err := w.s.Pools(ctx)
	if err != nil {
		return "", err
	}
	best, most := "", float64(-1)
	for _, p := range pools {
		if !p.Off && p.Fits(t.ExtraSpecs) && p.Free >= float64(v.Size) && p.Free > most {
			best, most = p.Name, p.Free
		}
	}
	if best == "" {
		return "", converge.Final{Err: fault.New(fault.Invalid, "No valid backend was found. No storage has room for %d GiB", v.Size)}
	}
	return best, nil
}

// original is the backend that holds what the volume is made from.
func (w *Volumes) original(ctx context.Context, v *cinder.Volume) (string, error) {
	id := v.SourceID
	if v.SnapshotID != "" {
		p, err := w.s.Store.Snapshot(ctx, v.SnapshotID)
		if err != nil {
			return "", converge.Final{Err: err}
		}
		id = p.VolumeID
	}
	if id == "" {
		return "", nil
	}
	o, err := w.s.Store.Volume(ctx, id)
	if err != nil {
		return "", converge.Final{Err: err}
	}
	return o.Backend, nil
}

func (w *Volumes) filled(ctx context.Context, v *cinder.Volume) (bool, error) {
	_, ok, err := w.s.Backends()[v.Backend].Has(ctx, v.ID)
	return ok, err
}

func (w *Volumes) fill(ctx context.Context, v *cinder.Volume) error {
	from := cinder.Source{VolumeID: v.SourceID}
	if v.SnapshotID != "" {
		p, err := w.s.Store.Snapshot(ctx, v.SnapshotID)
		if err != nil {
			return converge.Final{Err: err}
		}
		from = cinder.Source{SnapshotID: p.ID, VolumeID: p.VolumeID}
	}
	if v.ImageID != "" {
		body, err := w.s.Images().Open(ctx, v.ImageID)
		if err != nil {
			return err
		}
		defer body.Close()
		place, err := w.s.Images().Place(ctx, v.ImageID)
		if err != nil {
			return err
		}
		from = cinder.Source{Image: body, Format: v.Image["disk_format"], Place: place}
		err = w.update(ctx, v, func(_ context.Context, row *cinder.Volume) error { row.Status = cinder.Downloading; return nil })
		if err != nil {
			return err
		}
	}
	if id := v.Task["backup"]; id != "" {
		c, err := w.kept(ctx, id)
		if err != nil {
			return err
		}
		defer c.Close()
		from = cinder.Source{Content: c}
	}
	if from.VolumeID == "" && from.Content == nil { // copies are encrypted already
		secret, err := w.s.Passphrase(ctx, v)
		if err != nil {
			return err
		}
		from.Passphrase = secret
	}
	return w.s.Backends()[v.Backend].Create(ctx, v.ID, v.Size, from)
}

func (w *Volumes) remove(ctx context.Context, v *cinder.Volume) error {
	b := w.s.Backends()[v.Backend]
	if v.Backend == "" {
		return nil
	}
	if b == nil {
		return errors.New("the backend " + v.Backend + " is not there")
	}
	if err := w.s.EndConnections(ctx, v.ID); err != nil {
		return err
	}
	if err := w.s.EndExports(ctx, v.ID); err != nil {
		return err
	}
	return b.Delete(ctx, v.ID)
}

func (w *Volumes) extend(ctx context.Context, v *cinder.Volume) error {
	b := w.s.Backends()[v.Backend]
	if b == nil {
		return errors.New("the backend " + v.Backend + " is not there")
	}
	size, ok, err := b.Has(ctx, v.ID)
	switch {
	case err != nil:
		return err
	case !ok:
		return converge.Final{Err: errors.New("the volume is not on its backend")}
	}
	if size >= v.WantedSize {
		return nil
	}
	return b.Extend(ctx, v.ID, v.WantedSize)
}

// drop waits until the snapshots are gone.
func (w *Volumes) drop(ctx context.Context, v *cinder.Volume) error {
	ps, err := w.s.SnapshotsOf(ctx, v.ID)
	if err != nil {
		return err
	}
	if stuck := slices.IndexFunc(ps, func(p *cinder.Snapshot) bool { return p.Status == cinder.ErrorDeleting }); stuck >= 0 {
		return converge.Final{Err: errors.New("snapshot " + ps[stuck].ID + " cannot be removed")}
	}
	made, err := w.s.Sourced(ctx, v.ID)
	if err != nil {
		return err
	}
	if len(ps) > 0 || made { // what is being made of it reads it yet
		return converge.Later(500 * time.Millisecond)
	}
	return w.ladder.Descend(ctx, v)
}
