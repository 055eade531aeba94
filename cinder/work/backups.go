package work

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"stackd/cinder"
	"stackd/cinder/raw"
	"stackd/internal/converge"
	"stackd/internal/fault"

	"github.com/google/uuid"
)

// Backups is the work on backups.
type Backups struct{ s *cinder.Storage }

// NewBackups is the work on s's backups, done by hand.
func NewBackups(s *cinder.Storage) *Backups { return &Backups{s} }

func backupLoop(s *cinder.Storage) *converge.Loop {
	return &converge.Loop{Name: "backups", Due: s.DueBackups, Work: NewBackups(s).Reconcile, Workers: 2}
}

// look is how soon a pass finds that its backup was given up.
const look = 2 * time.Second

// Reconcile is one pass over one backup.
func (w *Backups) Reconcile(ctx context.Context, id string) error {
	b, err := w.s.ClaimBackup(ctx, id, lease)
	if err != nil || b == nil {
		return err
	}
	own, stop := keep(ctx, look, func() (bool, error) { return w.s.RenewBackup(ctx, b, lease) })
	defer stop()
	objects, err := w.pass(own, b)
	if ctx.Err() != nil {
		return nil // going down: the row is due again after the lease
	}
	return w.settle(ctx, b, objects, err)
}

func (w *Backups) pass(ctx context.Context, b *cinder.Backup) (objects int64, err error) {
	slog.Debug("backup's pass", "backup", b.ID, "volume", b.VolumeID, "project", b.ProjectID, "wish", b.Wish, "tries", b.Tries)
	vault := w.s.Vault()
	if vault == nil {
		return 0, errors.New("the place of backups is not there")
	}
	if b.Wish != cinder.Make {
		return 0, errors.Join(w.dropBytes(ctx, b), w.dropInstant(ctx, b))
	}
	v, err := w.s.Volume(ctx, b.VolumeID)
	if err != nil {
		return 0, converge.Final{Err: err}
	}
	parent := ""
	if b.ParentID != "" {
		p, err := w.s.Store.Backup(ctx, b.ParentID)
		if err != nil {
			return 0, converge.Final{Err: err}
		}
		parent = p.Place
	}
	c, err := w.content(ctx, b, v)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if objects, err = vault.Keep(ctx, b.Place, parent, c); err != nil {
		return 0, err
	}
	return objects, w.dropInstant(ctx, b)
}

// content opens what is backed up: a snapshot, which for a volume in use is taken for it.
func (w *Backups) content(ctx context.Context, b *cinder.Backup, v *cinder.Volume) (cinder.Content, error) {
	backend := w.s.Backends()[v.Backend]
	if backend == nil {
		return nil, errors.New("the backend " + v.Backend + " is not there")
	}
	snapshot := b.SnapshotID
	if snapshot == "" && len(v.Attachments) > 0 {
		snapshot = instantOf(b)
		if err := takeInstant(ctx, w.s, backend, v.ID, snapshot); err != nil {
			return nil, err
		}
	}
	return backend.Open(ctx, v.ID, snapshot)
}

// takeInstant makes a snapshot of a volume in use that only its backend knows of. The
// node that runs the guest copies where the backend cannot; who was cut off begins anew.
func takeInstant(ctx context.Context, s *cinder.Storage, b cinder.Backend, volume, snapshot string) error {
	holders, err := s.AttachmentsOf(ctx, volume)
	if err != nil {
		return err
	}
	n, able := b.(cinder.NodeCopied)
	server := holder(holders[volume])
	if server == "" || !able || b.Features().SnapshotInUse || s.Guests() == nil {
		return b.CreateSnapshot(ctx, volume, snapshot)
	}
	if there, err := b.HasSnapshot(ctx, volume, snapshot); err != nil || there {
		return err
	}
	kind, to, err := n.BeginSnapshot(ctx, volume, snapshot)
	if err != nil {
		return err
	}
	for done := false; !done; {
		if done, err = s.Guests().Copy(ctx, server, volume, snapshot, kind, to); err != nil {
			return err
		}
		if !done {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
			}
		}
	}
	return n.FinishSnapshot(ctx, volume, snapshot)
}

// dropBytes takes a backup's bytes away, unless another row has them, too. Of several that
// go at the same time the last one does.
func (w *Backups) dropBytes(ctx context.Context, b *cinder.Backup) error {
	all, err := w.s.BackupsAt(ctx, b.Place)
	if err != nil {
		return err
	}
	for _, o := range all {
		if o.ID != b.ID && (o.Wish != cinder.Drop || o.ID > b.ID) {
			return nil
		}
	}
	return w.s.Vault().Delete(ctx, b.Place)
}

// instantOf is the id of the snapshot that a backup of a volume in use is of; only the
// backend knows of it.
func instantOf(b *cinder.Backup) string {
	return uuid.NewSHA1(uuid.Nil, []byte("backup "+b.ID)).String()
}

func (w *Backups) dropInstant(ctx context.Context, b *cinder.Backup) error {
	v, err := w.s.Store.Volume(ctx, b.VolumeID)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	backend := w.s.Backends()[v.Backend]
	if backend == nil {
		return nil
	}
	return backend.DeleteSnapshot(ctx, v.ID, instantOf(b))
}

func (w *Backups) settle(ctx context.Context, was *cinder.Backup, objects int64, why error) error {
	final := why != nil && (converge.IsFinal(why) || was.Tries+1 >= giveUp)
	if final && was.Wish == cinder.Make {
		if err := errors.Join(w.dropBytes(ctx, was), w.dropInstant(ctx, was)); err != nil {
			slog.Warn("what is left of a backup cannot be removed", "backup", was.ID, "cause", err)
		}
	}
	return w.s.Tx(ctx, func(ctx context.Context) error {
		b, err := w.s.Store.Backup(ctx, was.ID)
		if err != nil {
			return ignoreMissing(err)
		}
		b.BusyUntil = time.Time{}
		if b.Generation != was.Generation {
			return w.handOver(ctx, b)
		}
		if wait, later := converge.IsLater(why); later {
			b.DueAt = w.s.Now().Add(wait)
			return w.s.UpdateBackup(ctx, b)
		}
		if why == nil || final {
			if err := w.s.Released(ctx, b); err != nil {
				return err
			}
		}
		switch {
		case why == nil && b.Wish == cinder.Drop:
			return errors.Join(w.s.DeleteBackupRow(ctx, b.ID), w.s.DeleteKey(ctx, b.KeyID))
		case why == nil && b.Wish == cinder.Clear:
			b.Wish, b.DueAt, b.Tries = cinder.Kept, time.Time{}, 0
		case why == nil:
			b.Status, b.ObjectCount, b.Wish, b.DueAt, b.Tries = cinder.Available, objects, cinder.Kept, time.Time{}, 0
		default:
			slog.Warn("backup's pass failed", "backup", b.ID, "project", b.ProjectID, "wish", b.Wish, "tries", b.Tries, "cause", why)
			b.Tries++
			b.LastFault, b.DueAt = why.Error(), w.s.Now().Add(converge.Backoff(int(b.Tries)))
		}
		if final {
			if err := w.s.Tell(ctx, b.ProjectID, "VOLUME_BACKUP", b.ID, cinder.BackupFailed); err != nil {
				return err
			}
			b.Status, b.Wish, b.DueAt, b.FailReason = cmp.Or(errorOf[b.Wish], b.Status), cinder.Kept, time.Time{}, "The backup could not be carried out."
		}
		b.UpdatedAt = w.s.Now()
		return w.s.UpdateBackup(ctx, b)
	})
}

// handOver lets the next pass carry out at once what was asked for during this one.
func (w *Backups) handOver(ctx context.Context, b *cinder.Backup) error {
	if b.Wish != cinder.Kept {
		b.DueAt = w.s.Now()
		w.s.After(ctx, w.s.Wake)
	}
	return w.s.UpdateBackup(ctx, b)
}

func ignoreMissing(err error) error {
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// kept opens a backup's content.
func (w *Volumes) kept(ctx context.Context, id string) (cinder.Content, error) {
	if w.s.Vault() == nil {
		return nil, errors.New("the place of backups is not there")
	}
	b, err := w.s.Store.Backup(ctx, id)
	if err != nil {
		return nil, converge.Final{Err: err}
	}
	return w.s.Vault().Open(ctx, b.Place)
}

// restore writes a backup over what a volume holds. It begins anew when it was cut off.
func (w *Volumes) restore(ctx context.Context, v *cinder.Volume) error {
	b, err := w.backend(v.Backend)
	if err != nil {
		return err
	}
	c, err := w.kept(ctx, v.Task["backup"])
	if err != nil {
		return err
	}
	defer c.Close()
	to, err := b.Edit(ctx, v.ID)
	if err != nil {
		return err
	}
	return errors.Join(raw.Overwrite(ctx, to, v.Size*cinder.GiB, c), to.Close())
}
