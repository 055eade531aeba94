package store

import (
	"context"
	"time"

	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"

	"github.com/uptrace/bun"
)

// task is the row of a glance.Task.
type task struct {
	bun.BaseModel `bun:"table:image_tasks"`
	*glance.Task
}

var unfinished = bun.List([]string{glance.Pending, glance.Processing})

func (s *Store) InsertTask(ctx context.Context, t *glance.Task) error {
	_, err := s.db.Q(ctx).NewInsert().Model(&task{Task: t}).Exec(ctx)
	return err
}

func (s *Store) Task(ctx context.Context, id string) (*glance.Task, error) {
	t := &task{Task: new(glance.Task)}
	err := s.db.Q(ctx).NewSelect().Model(t).Where("id = ?", id).Scan(ctx)
	if sqldb.Missing(err) {
		return nil, glance.NoTask(id)
	}
	return t.Task, err
}

var taskColumns = sqldb.Columns{Table: "image_tasks", Sorts: []listing.Sort{{Key: "created_at", Desc: true}, {Key: "id", Desc: true}},
	By: map[string]string{"id": "id", "type": "type", "status": "status", "created_at": "created_at", "updated_at": "updated_at", "expires_at": "expires_at"}}

// TasksListed reads the limit plus one, so that the caller sees whether there are more.
func (s *Store) TasksListed(ctx context.Context, q glance.TaskQuery) ([]*glance.Task, error) {
	var rows []task
	sel := s.db.Q(ctx).NewSelect().Model(&rows)
	if !q.All {
		sel = sel.Where("owner = ?", q.Owner)
	}
	if q.Marker != "" {
		if _, err := s.Task(ctx, q.Marker); err != nil {
			return nil, fault.New(fault.Invalid, "Invalid marker. Task %s could not be found.", q.Marker)
		}
	}
	err := sqldb.Page(sel, q.List, taskColumns).Scan(ctx)
	return tasksOf(rows), err
}

func tasksOf(rows []task) []*glance.Task {
	out := make([]*glance.Task, len(rows))
	for n, r := range rows {
		out[n] = r.Task
	}
	return out
}

func (s *Store) TasksOf(ctx context.Context, image string) ([]*glance.Task, error) {
	var rows []task
	err := s.db.Q(ctx).NewSelect().Model(&rows).Where("image_id = ?", image).OrderExpr("created_at, id").Scan(ctx)
	return tasksOf(rows), err
}

func (s *Store) ClaimTask(ctx context.Context, id, claim string, until time.Time) (*glance.Task, error) {
	var out *glance.Task
	err := s.Tx(ctx, func(ctx context.Context) error {
		t, err := s.Task(ctx, id)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil || t.DueAt.After(s.Now()) || t.Status != glance.Pending && t.Status != glance.Processing {
			return err
		}
		t.Claim, t.DueAt, t.Status, t.Tries, t.UpdatedAt = claim, until, glance.Processing, t.Tries+1, s.Now()
		out = t
		_, err = s.db.Q(ctx).NewUpdate().Model(&task{Task: t}).Where("id = ?", id).Exec(ctx)
		return err
	})
	return out, err
}

func (s *Store) RenewTask(ctx context.Context, id, claim string, until time.Time) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		res, err := s.db.Q(ctx).NewUpdate().Model((*task)(nil)).Set("due_at = ?", until).Where("id = ? AND claim = ? AND status IN (?)", id, claim, unfinished).Exec(ctx)
		return one(res, err, "The task is another's.")
	})
}

// UpdateTask changes a task as long as its claim is the same.
func (s *Store) UpdateTask(ctx context.Context, t *glance.Task) error {
	_, err := s.db.Q(ctx).NewUpdate().Model(&task{Task: t}).Where("id = ? AND claim = ?", t.ID, t.Claim).Exec(ctx)
	return err
}

func (s *Store) DueTasks(ctx context.Context, host string, now time.Time, limit int) ([]string, error) {
	var ids []string
	err := s.db.Q(ctx).NewSelect().Model((*task)(nil)).Column("id").Where("status IN (?) AND due_at <= ? AND host IN ('', ?)", unfinished, now, host).
		OrderExpr("due_at").Limit(int64(limit)).Scan(ctx, &ids)
	return ids, err
}

func (s *Store) ExpireTasks(ctx context.Context, before time.Time) error {
	_, err := s.db.Q(ctx).NewDelete().Model((*task)(nil)).Where("status NOT IN (?) AND expires_at < ?", unfinished, before).Exec(ctx)
	return err
}
