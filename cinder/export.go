package cinder

import (
	"cmp"
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

// A Connection is who was told how to reach a volume without an attachment: until it is
// terminated, or the volume goes.
type Connection struct {
	Holder   string `bun:",pk"` // ByHost
	VolumeID string
	Backend  string
}

// ByHost is the holder of who connects without an attachment, as the actions of old did.
func ByHost(volume, host string) string { return volume + " " + host }

// Terminate ends what os-initialize_connection gave a host.
func (s *Storage) Terminate(ctx context.Context, volume, host string) error {
	return s.Tx(ctx, func(ctx context.Context) error { return s.endConnection(ctx, volume, ByHost(volume, host)) })
}

func (s *Storage) endConnection(ctx context.Context, volume, holder string) error {
	if err := s.DeleteConnection(ctx, holder); err != nil {
		return err
	}
	return s.endExport(ctx, volume, holder)
}

// EndConnections ends what hosts have of a volume without an attachment: it is to go.
func (s *Storage) EndConnections(ctx context.Context, volume string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		all, err := s.ConnectionsOf(ctx, volume)
		for _, c := range all {
			err = cmp.Or(err, s.endConnection(ctx, volume, c.Holder))
		}
		return err
	})
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
// is the rows of attachments, and of connections without one.
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
	volumes, err := s.Connected(ctx, name)
	if err != nil {
		return err
	}
	again, err := e.Keep(ctx, volumes)
	if len(again) == 0 {
		return err
	}
	now, e2 := s.Connected(ctx, name)
	if e2 != nil {
		return errors.Join(err, e2)
	}
	for _, holder := range again { // some may have been ended meanwhile, before they were there to be ended
		if now[holder] == "" {
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
