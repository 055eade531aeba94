package store

import (
	"context"

	"stackd/cinder"
	"stackd/internal/sqldb"

	"github.com/uptrace/bun"
)

var attachmentColumns = sqldb.Columns{Table: "attachments", Sorts: newest, By: map[string]string{"id": "id", "volume_id": "volume_id", "status": "status", "attach_status": "status", "instance_id": "server_id",
	"instance_uuid": "server_id", "project_id": "project_id", "created_at": "created_at"}}

func (s *Store) InsertAttachment(ctx context.Context, a *cinder.Attachment) error {
	return s.insert(ctx, "attachments", a)
}

func (s *Store) Attachment(ctx context.Context, id string) (*cinder.Attachment, error) {
	return one[cinder.Attachment](ctx, s, cinder.NoAttachment(id), "attachments", "id = ?", id)
}

func (s *Store) UpdateAttachment(ctx context.Context, a *cinder.Attachment) error {
	return s.update(ctx, "attachments", a, cinder.NoAttachment(a.ID))
}

func (s *Store) DeleteAttachmentRow(ctx context.Context, id string) error {
	return s.remove(ctx, "attachments", "id = ?", id)
}

func (s *Store) Attachments(ctx context.Context, q cinder.VolumeQuery) ([]*cinder.Attachment, error) {
	var rows []*cinder.Attachment
	return rows, s.page(ctx, &rows, q, attachmentColumns)
}

func (s *Store) AttachmentsOf(ctx context.Context, volumes ...string) (map[string][]*cinder.Attachment, error) {
	return s.holds(ctx, "volume_id", volumes, func(a *cinder.Attachment) string { return a.VolumeID })
}

func (s *Store) AttachmentsOn(ctx context.Context, servers ...string) (map[string][]*cinder.Attachment, error) {
	return s.holds(ctx, "server_id", servers, func(a *cinder.Attachment) string { return a.ServerID })
}

func (s *Store) holds(ctx context.Context, column string, ids []string, key func(*cinder.Attachment) string) (map[string][]*cinder.Attachment, error) {
	out := map[string][]*cinder.Attachment{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []*cinder.Attachment
	err := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("attachments AS ?TableAlias").ColumnExpr("?TableColumns, v.size AS volume_size, v.multiattach AS volume_shared, v.backend AS volume_backend").
		Join("JOIN volumes AS v ON v.id = ?TableAlias.volume_id").Where("?TableAlias.? IN (?)", bun.Ident(column), bun.List(ids)).OrderExpr("?TableAlias.created_at, ?TableAlias.id").Scan(ctx)
	for _, a := range rows {
		out[key(a)] = append(out[key(a)], a)
	}
	return out, err
}
