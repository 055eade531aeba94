package store

import (
	"context"

	"stackd/cinder"
	"stackd/internal/listing"
	"stackd/internal/sqldb"

	"github.com/uptrace/bun"
)

// A shelf is one table of plain rows: what most of block storage's things are.
type shelf[T any] struct {
	cols    sqldb.Columns
	missing func(id string) error
}

func (h shelf[T]) get(ctx context.Context, s *Store, id string) (*T, error) {
	return one[T](ctx, s, h.missing(id), h.cols.Table, "id = ?", id)
}

func (h shelf[T]) list(ctx context.Context, s *Store, q cinder.VolumeQuery) ([]*T, error) {
	var rows []*T
	return rows, s.page(ctx, &rows, q, h.cols)
}

// where reads rows by a condition, the oldest first.
func where[T any](ctx context.Context, s *Store, table, condition string, args ...any) ([]*T, error) {
	var rows []*T
	err := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr(table+" AS ?TableAlias").Where(condition, args...).OrderExpr("created_at, id").Scan(ctx)
	return rows, err
}

var oldest = []listing.Sort{{Key: "created_at"}, {Key: "id"}}

var (
	qosShelf = shelf[cinder.QoS]{sqldb.Columns{Table: "volume_qos_specs", Sorts: newest, By: map[string]string{"id": "id", "name": "name", "consumer": "consumer", "created_at": "created_at"}}, cinder.NoQoS}

	transfers = shelf[cinder.Transfer]{sqldb.Columns{Table: "volume_transfers", Sorts: oldest, By: map[string]string{"id": "id", "name": "name", "volume_id": "volume_id", "created_at": "created_at"}}, cinder.NoTransfer}

	groups = shelf[cinder.Group]{sqldb.Columns{Table: "volume_groups", Sorts: newest, By: map[string]string{"id": "id", "name": "name", "status": "status", "group_type": "group_type_id", "created_at": "created_at", "availability_zone": "zone"}}, cinder.NoGroup}

	groupSnapshots = shelf[cinder.GroupSnapshot]{sqldb.Columns{Table: "volume_group_snapshots", Sorts: newest, By: map[string]string{"id": "id", "name": "name", "status": "status", "group_id": "group_id", "created_at": "created_at"}}, cinder.NoGroupSnapshot}

	messages = shelf[cinder.Message]{sqldb.Columns{Table: "volume_messages", Sorts: newest, By: map[string]string{"id": "id", "request_id": "request_id", "event_id": "event", "message_level": "level", "resource_type": "resource_type", "resource_uuid": "resource_id",
		"created_at": "created_at", "guaranteed_until": "expires_at"}}, cinder.NoMessage}
)

func (s *Store) InsertQoS(ctx context.Context, q *cinder.QoS) error {
	return s.insert(ctx, "volume_qos_specs", q)
}

func (s *Store) QoS(ctx context.Context, id string) (*cinder.QoS, error) {
	return qosShelf.get(ctx, s, id)
}

func (s *Store) QoSList(ctx context.Context, l listing.List) ([]*cinder.QoS, error) {
	return qosShelf.list(ctx, s, cinder.VolumeQuery{List: l})
}

func (s *Store) UpdateQoS(ctx context.Context, q *cinder.QoS) error {
	return s.update(ctx, "volume_qos_specs", q, cinder.NoQoS(q.ID))
}

func (s *Store) DeleteQoSRow(ctx context.Context, id string) error {
	return s.remove(ctx, "volume_qos_specs", "id = ?", id)
}

func (s *Store) TypesOfQoS(ctx context.Context, id string) ([]*cinder.Type, error) {
	return where[cinder.Type](ctx, s, "volume_types", "qos_id = ?", id)
}

func (s *Store) InsertTransfer(ctx context.Context, t *cinder.Transfer) error {
	return s.insert(ctx, "volume_transfers", t)
}

func (s *Store) Transfer(ctx context.Context, id string) (*cinder.Transfer, error) {
	return transfers.get(ctx, s, id)
}

func (s *Store) Transfers(ctx context.Context, q cinder.VolumeQuery) ([]*cinder.Transfer, error) {
	if q.ProjectID == "" {
		return transfers.list(ctx, s, q)
	}
	var rows []*cinder.Transfer
	sel := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("volume_transfers AS ?TableAlias").Where("from_project = ?", q.ProjectID)
	return rows, sqldb.Page(sel, q.List, transfers.cols).Scan(ctx)
}

func (s *Store) DeleteTransferRow(ctx context.Context, id string) error {
	return s.remove(ctx, "volume_transfers", "id = ?", id)
}

func (s *Store) DropOffer(ctx context.Context, volume string) error {
	return s.remove(ctx, "volume_transfers", "volume_id = ?", volume)
}

func (s *Store) InsertMessage(ctx context.Context, m *cinder.Message) error {
	return s.insert(ctx, "volume_messages", m)
}

func (s *Store) Message(ctx context.Context, id string) (*cinder.Message, error) {
	return messages.get(ctx, s, id)
}

func (s *Store) Messages(ctx context.Context, q cinder.VolumeQuery) ([]*cinder.Message, error) {
	return messages.list(ctx, s, q)
}

func (s *Store) DeleteMessageRow(ctx context.Context, id string) error {
	return s.remove(ctx, "volume_messages", "id = ?", id)
}

func (s *Store) DropOldMessages(ctx context.Context) error {
	return s.remove(ctx, "volume_messages", "expires_at < ?", s.Now())
}

func (s *Store) SetDefaultType(ctx context.Context, d cinder.ProjectType) error {
	_, err := s.db.Q(ctx).NewInsert().Model(&d).ModelTableExpr("volume_default_types").On("CONFLICT (project_id) DO UPDATE").Set("type_id = EXCLUDED.type_id").Exec(ctx)
	return err
}

func (s *Store) UnsetDefaultType(ctx context.Context, project string) error {
	return s.remove(ctx, "volume_default_types", "project_id = ?", project)
}

func (s *Store) DefaultTypes(ctx context.Context) ([]cinder.ProjectType, error) {
	var rows []cinder.ProjectType
	err := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("volume_default_types AS ?TableAlias").OrderExpr("project_id").Scan(ctx)
	return rows, err
}

// in is "column IN ids" for bun, which writes no empty list.
func in(ids []string) any { return bun.List(ids) }
