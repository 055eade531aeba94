package work

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"stackd/agent/wish"
	"stackd/internal/converge"
	"stackd/internal/fault"
	"stackd/nova"
)

// Captures is the work on images of servers: bytes run from the node into the image.
type Captures struct{ c *nova.Compute }

// NewCaptures is the work on c's captures, done by hand.
func NewCaptures(c *nova.Compute) *Captures { return &Captures{c} }

// CaptureLoop makes the loop that works on due captures.
func CaptureLoop(c *nova.Compute) *converge.Loop {
	l := &converge.Loop{Name: "captures", Due: c.DueCaptures, Work: NewCaptures(c).Reconcile, Workers: 2}
	c.AlsoWoken(l.Wake)
	return l
}

const (
	captureLease = 30 * time.Second // renewed while bytes run
	captureTries = 5
)

// Reconcile is one pass over one capture: all of it, from the beginning. What an
// earlier pass that was cut off left in the image is gone by then.
func (w *Captures) Reconcile(ctx context.Context, image string) error {
	k, err := w.c.ClaimCapture(ctx, image, captureLease)
	if err != nil || k == nil {
		return err
	}
	pass, stop := context.WithCancel(ctx)
	defer stop()
	go w.renew(pass, k)
	err = w.fill(pass, k)
	if err == nil && k.BackupType != "" {
		err = w.rotate(pass, k)
	}
	stop()
	switch {
	case ctx.Err() != nil:
		return nil // going down: the row is due again after the lease
	case err == nil:
		err = w.c.CaptureDone(ctx, k, nil)
		if !fault.Is(err, fault.Conflict) { // its server is not shelved any more
			return err
		}
		err = converge.Final{Err: err}
	}
	return w.failed(ctx, k, err)
}

func (w *Captures) renew(ctx context.Context, k *nova.Capture) {
	for tick := time.NewTicker(captureLease / 3); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			if err := w.c.RenewCapture(ctx, k.ImageID, captureLease); err != nil && ctx.Err() == nil {
				slog.Warn("the lease of a capture cannot be renewed", "image", k.ImageID, "cause", err)
			}
		}
	}
}

func (w *Captures) fill(ctx context.Context, k *nova.Capture) error {
	if done, err := w.c.Images.Filled(ctx, k.ImageID); err != nil || done {
		return err
	}
	if k.Empty {
		return w.c.Images.Fill(ctx, k.ImageID, bytes.NewReader(nil))
	}
	body, err := w.open(ctx, k)
	if err != nil {
		return err
	}
	return errors.Join(w.c.Images.Fill(ctx, k.ImageID, body), body.Close())
}

// rotate takes the backups away that are more than are kept of their type. One that has
// gone already, or is protected, is none of ours.
func (w *Captures) rotate(ctx context.Context, k *nova.Capture) error {
	all, err := w.c.Images.Backups(ctx, k.ServerID, k.BackupType)
	if err != nil {
		return err
	}
	for _, id := range all[min(k.Rotation, len(all)):] {
		if err := w.c.Images.Drop(ctx, id); err != nil {
			slog.Warn("an old backup of a server stays", "server", k.ServerID, "image", id, "cause", err)
		}
	}
	return nil
}

func (w *Captures) open(ctx context.Context, k *nova.Capture) (io.ReadCloser, error) {
	s, err := w.c.Server(ctx, k.ServerID)
	if err != nil {
		return nil, converge.Final{Err: err}
	}
	if s.Goal != nova.GoalLive || s.Host == "" {
		return nil, converge.Finalf("the server has gone")
	}
	if k.Shelve && (s.SeenGeneration < s.Generation || s.SeenPower == wish.Running || s.SeenPower == wish.Paused) {
		return nil, converge.Later(time.Second) // the guest goes off first
	}
	l, err := w.c.Nodes.Live(s.Host)
	if err != nil {
		return nil, err
	}
	return l.Capture(ctx, s.ID)
}

// failed waits for who is at it, or tries again for a while; then the image goes, and the server is as before.
func (w *Captures) failed(ctx context.Context, k *nova.Capture, why error) error {
	if d, ok := converge.IsLater(why); ok {
		return w.c.RenewCapture(ctx, k.ImageID, d)
	}
	slog.Warn("an image of a server is not made", "server", k.ServerID, "image", k.ImageID, "project", k.ProjectID, "tries", k.Tries, "cause", why)
	gone := fault.Is(why, fault.NotFound) || fault.Is(why, fault.Gone) // its owner does not want it any more
	if k.Tries+1 < captureTries && !converge.IsFinal(why) && !gone {
		return w.c.RetryCapture(ctx, k.ImageID, converge.Backoff(k.Tries))
	}
	if err := w.c.Images.Drop(ctx, k.ImageID); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return w.c.CaptureDone(ctx, k, why)
}
