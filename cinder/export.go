package cinder

import (
	"context"
	"errors"
	"time"

	"stackd/internal/fault"
)

// An Ended is an attachment that has gone, and what its holder was let at a volume by has
// not yet: the row is the queue.
type Ended struct {
	Holder   string `bun:",pk"` // the attachment's id
	VolumeID string
	Backend  string
	DueAt    time.Time
}

// EndAttachment forgets an attachment; its backend is told by and by.
func (s *Storage) EndAttachment(ctx context.Context, a *Attachment) error {
	if err := s.DeleteAttachmentRow(ctx, a.ID); err != nil {
		return err
	}
	return s.endExport(ctx, a.VolumeID, a.ID)
}

func (s *Storage) endExport(ctx context.Context, volume, holder string) error {
	v, err := s.Store.Volume(ctx, volume)
	if err != nil || v.Backend == "" { // it is nowhere yet
		return err
	}
	s.After(ctx, s.wake)
	return s.InsertEnded(ctx, &Ended{Holder: holder, VolumeID: volume, Backend: v.Backend, DueAt: s.Now()})
}

// ByHost is the holder of who connects without an attachment, as the actions of old did.
func ByHost(volume, host string) string { return volume + " " + host }

// Terminate ends what os-initialize_connection gave a host.
func (s *Storage) Terminate(ctx context.Context, volume, host string) error {
	return s.Tx(ctx, func(ctx context.Context) error { return s.endExport(ctx, volume, ByHost(volume, host)) })
}

// EndExports tells the backend of every attachment of a volume that has gone. It must be
// told before the volume is taken away.
func (s *Storage) EndExports(ctx context.Context, volume string) error {
	ended, err := s.EndedOf(ctx, volume)
	if err != nil {
		return err
	}
	for _, e := range ended {
		b := s.backends[e.Backend]
		if b == nil {
			return fault.New(fault.Unavailable, "The backend of volume %s is not there.", volume)
		}
		if err := b.Disconnect(ctx, e.VolumeID, e.Holder); err != nil {
			return err
		}
		err := s.Tx(ctx, func(ctx context.Context) error { return s.DeleteEnded(ctx, e.Holder) })
		if err != nil {
			return err
		}
	}
	return nil
}

// Secret is the password that an attachment's holder is let in by; "" where none is asked for.
func (s *Storage) Secret(ctx context.Context, a *Attachment) (string, error) {
	k, ok := s.backends[a.Backend].(Keyed)
	if !ok || a.Connection == nil {
		return "", nil
	}
	return k.Secret(ctx, a.VolumeID, a.ID)
}

// KeepExports lets in again those whom a backend's server has forgotten: what should be
// is the attachments' rows.
func (s *Storage) KeepExports(ctx context.Context) error {
	var failed error
	for name, b := range s.backends {
		if e, ok := b.(Exporting); ok {
			failed = errors.Join(failed, s.keepExports(ctx, name, b, e))
		}
	}
	return failed
}

func (s *Storage) keepExports(ctx context.Context, name string, b Backend, e Exporting) error {
	rows, err := s.Connected(ctx, name)
	if err != nil {
		return err
	}
	volumes := map[string]string{}
	for _, a := range rows {
		volumes[a.ID] = a.VolumeID
	}
	again, err := e.Keep(ctx, volumes)
	for _, holder := range again { // some may have been ended meanwhile, before they were there to be ended
		if _, gone := s.Store.Attachment(ctx, holder); fault.Is(gone, fault.NotFound) {
			err = errors.Join(err, b.Disconnect(ctx, volumes[holder], holder))
		}
	}
	return err
}

// Tidy has the backends take away what nobody else does.
func (s *Storage) Tidy(ctx context.Context) error {
	var failed error
	for _, b := range s.backends {
		if t, ok := b.(Tidied); ok {
			failed = errors.Join(failed, t.Tidy(ctx))
		}
	}
	return failed
}
