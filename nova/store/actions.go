package store

import (
	"context"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
	"stackd/nova"
)

func (s *Store) InsertAction(ctx context.Context, a *nova.ServerAction) error {
	return s.insert(ctx, a)
}

// FinishAction writes how an action ended; one that has ended stays as it is.
func (s *Store) FinishAction(ctx context.Context, id, result, details string) error {
	q := s.db.Q(ctx).NewUpdate().Model((*nova.ServerAction)(nil)).Set("result = ?", result).Set("finished_at = ?", s.Now()).Set("updated_at = ?", s.Now())
	if details != "" {
		q = q.Set("details = ?", details).Set("message = ?", "Error")
	}
	_, err := q.Where("id = ? AND finished_at IS NULL", id).Exec(ctx)
	return err
}

var actionColumns = sqldb.Columns{Table: "server_actions", ID: "request_id", Sorts: []listing.Sort{{Key: "started_at", Desc: true}},
	By: map[string]string{"created_at": "started_at", "updated_at": "updated_at"}}

func (s *Store) Actions(ctx context.Context, serverID string, l listing.List) ([]*nova.ServerAction, error) {
	var rows []*nova.ServerAction
	q := s.db.Q(ctx).NewSelect().Model(&rows).Where("server_id = ?", serverID)
	return rows, sqldb.Order(q, l, actionColumns).Scan(ctx)
}

func (s *Store) Action(ctx context.Context, serverID, requestID string) (*nova.ServerAction, error) {
	return one[nova.ServerAction](ctx, s, fault.New(fault.NotFound, "Action for request_id %s on instance %s not found", requestID, serverID), "server_id = ? AND request_id = ?", serverID, requestID)
}

// Quotas are a project's own limits.
func (s *Store) Quotas(ctx context.Context, projectID string) (map[string]int, error) {
	var rows []nova.ComputeQuota
	err := s.db.Q(ctx).NewSelect().Model(&rows).Where("project_id = ?", projectID).Scan(ctx)
	out := map[string]int{}
	for _, r := range rows {
		out[r.Resource] = r.Value
	}
	return out, err
}

func (s *Store) SetQuota(ctx context.Context, q nova.ComputeQuota) error {
	_, err := s.db.Q(ctx).NewInsert().Model(&q).On("CONFLICT (project_id, resource) DO UPDATE").Set("value = EXCLUDED.value").Exec(ctx)
	return err
}

func (s *Store) DeleteQuotas(ctx context.Context, projectID string) error {
	_, err := s.db.Q(ctx).NewDelete().Model((*nova.ComputeQuota)(nil)).Where("project_id = ?", projectID).Exec(ctx)
	return err
}

// InsertConsole also forgets the tokens that have expired.
func (s *Store) InsertConsole(ctx context.Context, c *nova.ConsoleToken) error {
	if _, err := s.db.Q(ctx).NewDelete().Model((*nova.ConsoleToken)(nil)).Where("expires_at < ?", s.Now()).Exec(ctx); err != nil {
		return err
	}
	return s.insert(ctx, c)
}

func (s *Store) Console(ctx context.Context, token string) (*nova.ConsoleToken, error) {
	return one[nova.ConsoleToken](ctx, s, fault.New(fault.NotFound, "The console token is not valid."), "token = ? AND expires_at > ?", token, s.Now())
}
