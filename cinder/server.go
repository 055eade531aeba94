package cinder

import (
	"context"

	"github.com/google/uuid"
)

// Servers is what block storage tells compute. Both join the transaction in ctx.
type Servers interface {
	// VolumeMoved: a volume that servers wait for is made, or cannot be.
	VolumeMoved(ctx context.Context, servers ...string) error
	// VolumeGrown: a volume that servers use has become larger.
	VolumeGrown(ctx context.Context, servers ...string) error
}

// Serve says whom to tell of what servers wait for.
func (s *Storage) Serve(x Servers) { s.servers = x }

// TellServers tells the servers that hold a volume that it moved on, or has grown.
func (s *Storage) TellServers(ctx context.Context, volume string, grown bool) error {
	if s.servers == nil {
		return nil
	}
	as, err := s.AttachmentsOf(ctx, volume)
	var ids []string
	for _, a := range as[volume] {
		if a.ServerID != "" {
			ids = append(ids, a.ServerID)
		}
	}
	switch {
	case err != nil || len(ids) == 0:
		return err
	case grown:
		return s.servers.VolumeGrown(ctx, ids...)
	}
	return s.servers.VolumeMoved(ctx, ids...)
}

// Promise is Reserve for the server that a volume is being made for.
func (s *Storage) Promise(ctx context.Context, a *Attachment) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		v, err := s.Store.Volume(ctx, a.VolumeID)
		if err != nil {
			return err
		}
		if v.Wish != Make {
			return s.Reserve(ctx, a)
		}
		a.ID, a.Status, a.ProjectID, a.CreatedAt = uuid.NewString(), Reserved, v.ProjectID, s.Now()
		return s.InsertAttachment(ctx, a)
	})
}

// Settled is the status that a volume's attachments give it, once nothing else is under way.
func (s *Storage) Settled(ctx context.Context, volume string) (string, error) {
	as, err := s.AttachmentsOf(ctx, volume)
	return statusOf(as[volume]), err
}

// Bind writes down how host reaches an attachment's volume: it is attaching.
func (s *Storage) Bind(ctx context.Context, id, host string, how map[string]any) error {
	_, err := s.ChangeAttachment(ctx, id, func(a *Attachment) error {
		a.Host, a.Connection, a.Connector, a.Status = host, flat(how), map[string]any{"host": host}, Attaching
		a.Mode, _ = a.Connection["access_mode"].(string)
		return nil
	})
	return err
}

// MarkAttachment says how far an attachment is.
func (s *Storage) MarkAttachment(ctx context.Context, id, status string) error {
	_, err := s.ChangeAttachment(ctx, id, func(a *Attachment) error { a.Status = status; return nil })
	return err
}
