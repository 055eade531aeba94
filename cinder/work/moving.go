package work

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"time"

	"stackd/cinder"
	"stackd/cinder/raw"
	"stackd/internal/converge"
	"stackd/internal/fault"

	"github.com/google/uuid"
)

// acts are what meets each wish but to be made.
func (w *Volumes) acts() map[cinder.Wish]func(context.Context, *cinder.Volume) error {
	return map[cinder.Wish]func(context.Context, *cinder.Volume) error{cinder.Extend: w.extend, cinder.Drop: w.drop, cinder.Move: w.move, cinder.Revert: w.revert, cinder.Upload: w.upload, cinder.Refill: w.refill, cinder.Restore: w.restore, cinder.Adopt: w.adopt}
}

func (w *Volumes) backend(name string) (cinder.Backend, error) {
	if b := w.s.Backends()[name]; b != nil {
		return b, nil
	}
	return nil, errors.New("the backend " + name + " is not there")
}

// mustGoOn tells whether a wish is past where it can be given up: the volume has moved,
// and what it was remains to be taken away.
func (w *Volumes) mustGoOn(v *cinder.Volume) bool {
	return v.Wish == cinder.Move && (v.Task["from"] != "" || v.Task["asked"] != "")
}

// clear takes away what a wish that failed has made so far.
func (w *Volumes) clear(ctx context.Context, v *cinder.Volume) error {
	switch v.Wish {
	case cinder.Make:
		return w.remove(ctx, v)
	case cinder.Move:
		b, err := w.backend(v.Task["backend"])
		if err != nil {
			return err
		}
		return unmake(ctx, b, v)
	case cinder.Upload:
		return errors.Join(w.s.Images().Discard(ctx, v.Task["image"]), w.dropInstant(ctx, v))
	}
	return nil
}

// settled writes what a met wish changes besides the status.
func (w *Volumes) settled(ctx context.Context, v, was *cinder.Volume) error {
	switch v.Wish {
	case cinder.Make, cinder.Restore:
		return w.s.HasRestored(ctx, v)
	case cinder.Move:
		if v.Migration == "migrating" {
			v.Migration = "success"
		}
	case cinder.Revert:
		return w.freeSnapshot(ctx, v)
	case cinder.Refill:
		v.Image, v.ImageID, v.Bootable = was.Image, was.ImageID, true
	}
	return nil
}

// failedTask writes what a wish given up changes besides the status.
func (w *Volumes) failedTask(ctx context.Context, v *cinder.Volume) error {
	switch v.Wish {
	case cinder.Make, cinder.Restore:
		return w.s.Restored(ctx, v)
	case cinder.Move:
		if v.Migration == "migrating" {
			v.Migration = "error"
		}
	case cinder.Revert:
		return w.freeSnapshot(ctx, v)
	}
	return nil
}

// freeSnapshot ends the status of the snapshot that a volume was reverted to.
func (w *Volumes) freeSnapshot(ctx context.Context, v *cinder.Volume) error {
	p, err := w.s.Store.Snapshot(ctx, v.Task["snapshot"])
	if err != nil || p.Status != cinder.Restoring {
		return err
	}
	p.Status, p.UpdatedAt = cinder.Available, w.s.Now()
	return w.s.UpdateSnapshot(ctx, p)
}

// move copies a volume to another backend, says that it is there, and takes away what
// it was: in this order, so that at every instant the row names a whole copy.
func (w *Volumes) move(ctx context.Context, v *cinder.Volume) error {
	if v.Task["from"] == "" {
		as, err := w.s.AttachmentsOf(ctx, v.ID)
		if err != nil {
			return err
		}
		if len(as[v.ID]) > 0 || v.Task["holder"] != "" {
			return w.moveInUse(ctx, v, as[v.ID])
		}
		if err := w.copyOver(ctx, v); err != nil {
			return err
		}
		if err := w.update(ctx, v, w.s.Arrive); err != nil {
			return err
		}
		v.Task = maps.Clone(v.Task)
		v.Task["from"], v.Backend = v.Backend, v.Task["backend"]
	}
	old, err := w.backend(v.Task["from"])
	if err != nil {
		return err
	}
	return unmake(ctx, old, v)
}

func (w *Volumes) copyOver(ctx context.Context, v *cinder.Volume) error {
	from, err := w.backend(v.Backend)
	if err != nil {
		return err
	}
	to, err := w.backend(v.Task["backend"])
	if err != nil {
		return err
	}
	if _, ok, err := to.Has(ctx, v.ID); err != nil || ok {
		return err
	}
	c, err := from.Open(ctx, v.ID, "")
	if err != nil {
		return err
	}
	defer c.Close()
	return to.Create(ctx, v.ID, v.Size, cinder.Source{Content: c})
}

func (w *Volumes) revert(ctx context.Context, v *cinder.Volume) error {
	b, err := w.backend(v.Backend)
	if err != nil {
		return err
	}
	return b.Revert(ctx, v.ID, v.Task["snapshot"])
}

// refill gives a volume an image's content. Until it is whole the volume is not there.
func (w *Volumes) refill(ctx context.Context, v *cinder.Volume) error {
	b, err := w.backend(v.Backend)
	if err != nil {
		return err
	}
	facts, err := w.s.Images().Image(ctx, v.Task["image"])
	if err != nil {
		return converge.Final{Err: err}
	}
	if err := w.s.EndExports(ctx, v.ID); err != nil {
		return err
	}
	if err := b.Delete(ctx, v.ID); err != nil {
		return err
	}
	body, err := w.s.Images().Open(ctx, facts.ID)
	if err != nil {
		return err
	}
	defer body.Close()
	place, err := w.s.Images().Place(ctx, facts.ID)
	if err != nil {
		return err
	}
	secret, err := w.s.Passphrase(ctx, v)
	if err != nil {
		return err
	}
	if err := b.Create(ctx, v.ID, v.Size, cinder.Source{Passphrase: secret, Image: body, Format: facts.Format, Place: place}); err != nil {
		return err
	}
	v.ImageID = facts.ID
	v.Keep(facts)
	return nil
}

func (w *Volumes) adopt(ctx context.Context, v *cinder.Volume) error {
	b, err := w.backend(v.Backend)
	if err != nil {
		return err
	}
	size, err := b.Adopt(ctx, v.Task["ref"], v.ID)
	if err == nil {
		v.WantedSize = size
	}
	return err
}

// instant is the id of the snapshot that an upload of a volume in use is of; only the
// backend knows of it.
func instant(v *cinder.Volume) string {
	return uuid.NewSHA1(uuid.Nil, []byte(v.ID+v.Task["image"])).String()
}

func (w *Volumes) dropInstant(ctx context.Context, v *cinder.Volume) error {
	if v.Task["before"] != cinder.InUse {
		return nil
	}
	b, err := w.backend(v.Backend)
	if err != nil {
		return err
	}
	return b.DeleteSnapshot(ctx, v.ID, instant(v))
}

// upload fills an image with what the volume holds.
func (w *Volumes) upload(ctx context.Context, v *cinder.Volume) error {
	b, err := w.backend(v.Backend)
	if err != nil {
		return err
	}
	snapshot := ""
	if v.Task["before"] == cinder.InUse {
		snapshot = instant(v)
		if err := takeInstant(ctx, w.s, b, v.ID, snapshot); err != nil {
			return err
		}
	}
	c, err := b.Open(ctx, v.ID, snapshot)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := w.pour(ctx, c, v.Task["image"], v.Task["format"]); err != nil {
		if fault.Is(err, fault.NotFound) {
			err = converge.Final{Err: err}
		}
		return err
	}
	return w.dropInstant(ctx, v)
}

// pour gives an image a disk's bytes, in the image's format.
func (w *Volumes) pour(ctx context.Context, c cinder.Content, image, format string) error {
	if format == "raw" {
		return w.s.Images().Fill(ctx, image, raw.Reader(ctx, io.NewSectionReader(c, 0, c.Size())), c.Size())
	}
	dir, err := os.MkdirTemp("", "upload-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	plain, made := filepath.Join(dir, "raw"), filepath.Join(dir, "image")
	if err := spill(ctx, c, plain); err != nil {
		return raw.Room(err)
	}
	if _, err := raw.Run(ctx, "qemu-img", "convert", "-f", "raw", "-O", qemuFormat(format), plain, made); err != nil {
		return raw.Room(err)
	}
	f, err := os.Open(made)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	return w.s.Images().Fill(ctx, image, f, st.Size())
}

func qemuFormat(format string) string {
	if format == "vhd" {
		return "vpc"
	}
	return format
}

// spill writes a content into a new file, without its zeros.
func spill(ctx context.Context, c cinder.Content, path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(c.Size()); err != nil {
		return err
	}
	return raw.Copy(ctx, f, c)
}

// dropSnapshot takes a snapshot away once nothing is being made of it any more.
func (w *Volumes) dropSnapshot(ctx context.Context, b cinder.Backend, p *cinder.Snapshot) error {
	made, err := w.s.Sourced(ctx, p.ID)
	if err != nil {
		return err
	}
	if made {
		return converge.Later(500 * time.Millisecond)
	}
	return b.DeleteSnapshot(ctx, p.VolumeID, p.ID)
}

func (w *Volumes) takeSnapshot(ctx context.Context, b cinder.Backend, v *cinder.Volume, p *cinder.Snapshot) error {
	ok, err := b.HasSnapshot(ctx, v.ID, p.ID)
	if err != nil || ok {
		return err
	}
	holders, err := w.s.AttachmentsOf(ctx, v.ID)
	if err != nil {
		return err
	}
	n, able := b.(cinder.NodeCopied)
	if server := holder(holders[v.ID]); server != "" && able && !b.Features().SnapshotInUse && w.s.Guests() != nil {
		return w.nodeSnapshot(ctx, n, server, p)
	}
	return b.CreateSnapshot(ctx, v.ID, p.ID)
}

// holder is the server that has a volume, "" for none.
func holder(as []*cinder.Attachment) string {
	for _, a := range as {
		if a.Status == cinder.Attached {
			return a.ServerID
		}
	}
	return ""
}

// nodeSnapshot has the node of a guest copy what its volume holds. Where to is kept on
// the snapshot's row, as the place is made anew each time that it is asked for.
func (w *Volumes) nodeSnapshot(ctx context.Context, b cinder.NodeCopied, server string, p *cinder.Snapshot) error {
	if p.Task["kind"] == "" {
		kind, source, err := b.BeginSnapshot(ctx, p.VolumeID, p.ID)
		if err != nil {
			return err
		}
		source = maps.Clone(source)
		source["kind"] = kind
		p.Task = source
		err = w.s.Tx(ctx, func(ctx context.Context) error { return w.s.UpdateSnapshot(ctx, p, "task") })
		if err != nil {
			return err
		}
	}
	to := maps.Clone(p.Task)
	delete(to, "kind")
	done, err := w.s.Guests().Copy(ctx, server, p.VolumeID, p.ID, p.Task["kind"], to)
	if err == nil && !done {
		err = converge.Later(time.Second)
	}
	if err != nil {
		return err
	}
	return b.FinishSnapshot(ctx, p.VolumeID, p.ID)
}
