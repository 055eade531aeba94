package store

import (
	"context"
	"regexp"
	"slices"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
	"stackd/nova"

	"github.com/uptrace/bun"
)

func noServer(id string) *fault.Error {
	return fault.New(fault.NotFound, "Instance %s could not be found.", id)
}

// InsertServer gives the server its number.
func (s *Store) InsertServer(ctx context.Context, v *nova.Server) (err error) {
	if v.Num, err = s.next(ctx, "servers", "num"); err != nil {
		return err
	}
	return s.insert(ctx, v)
}

func (s *Store) Server(ctx context.Context, id string) (*nova.Server, error) {
	return one[nova.Server](ctx, s, noServer(id), "id = ?", id)
}

// UpdateServer writes the columns named; none is all.
func (s *Store) UpdateServer(ctx context.Context, v *nova.Server, columns ...string) error {
	q := s.db.Q(ctx).NewUpdate().Model(v).WherePK()
	if len(columns) > 0 {
		q = q.Column(columns...)
	}
	res, err := q.Exec(ctx)
	return gone(res, err, noServer(v.ID))
}

var serverColumns = sqldb.Columns{Table: "servers", Sorts: []listing.Sort{{Key: "created_at", Desc: true}, {Key: "id", Desc: true}},
	By: map[string]string{"id": "id", "uuid": "id", "name": "", "display_name": "name", "created_at": "created_at", "updated_at": "updated_at", "status": "", "vm_state": "vm_state",
		"task_state": "task_state", "user_id": "user_id", "image": "image_id", "image_ref": "image_id", "host": "host", "node": "host", "project_id": "project_id", "tenant_id": "project_id",
		"reservation_id": "reservation_id", "hostname": "hostname", "key_name": "key_name", "launched_at": "launched_at", "terminated_at": "terminated_at",
		"access_ip_v4": "access_ip_v4", "access_ip_v6": "access_ip_v6", "launch_index": "launch_index", "config_drive": "config_drive", "locked": "locked", "power_state": "seen_power"}}

var serverSorts = func() map[string]string {
	m := map[string]string{}
	for k, v := range serverColumns.By {
		if v != "" {
			m[k] = v
		}
	}
	m["name"], m["status"] = "name", "vm_state"
	return m
}()

// Servers reads one page: the limit plus one row, so that the caller sees whether there are more.
func (s *Store) Servers(ctx context.Context, q nova.ServerQuery) ([]*nova.Server, error) {
	var rows []*nova.Server
	sel := s.db.Q(ctx).NewSelect().Model(&rows)
	for name, values := range q.Where {
		if col := serverColumns.By[name]; col != "" {
			sel = sel.Where("? IN (?)", bun.Ident(col), bun.List(values))
		}
	}
	sel = narrow(sel, q)
	cols := serverColumns
	cols.By = serverSorts
	sel = sqldb.Order(sel, q.List, cols)
	if q.Marker != "" {
		if _, err := s.Server(ctx, q.Marker); err != nil {
			return nil, fault.New(fault.Invalid, "marker [%s] not found", q.Marker)
		}
	}
	if q.NameRegex == "" {
		return rows, sel.Scan(ctx)
	}
	return s.matching(ctx, sel, &rows, q)
}

// matching keeps of all rows those whose name matches, which SQLite cannot say.
func (s *Store) matching(ctx context.Context, sel *bun.SelectQuery, rows *[]*nova.Server, q nova.ServerQuery) ([]*nova.Server, error) {
	re, err := regexp.Compile(q.NameRegex)
	if err != nil {
		return nil, fault.New(fault.Invalid, "Invalid input received: %s is not a regular expression.", q.NameRegex)
	}
	if err := sel.Limit(0).Scan(ctx); err != nil {
		return nil, err
	}
	out := slices.DeleteFunc(*rows, func(v *nova.Server) bool { return !re.MatchString(v.Name) })
	if q.Limit > 0 && len(out) > q.Limit+1 {
		out = out[:q.Limit+1]
	}
	return out, nil
}

func narrow(sel *bun.SelectQuery, q nova.ServerQuery) *bun.SelectQuery {
	switch {
	case q.Deleted:
		sel = sel.Where("deleted_at IS NOT NULL")
	case q.ChangesSince.IsZero():
		sel = sel.Where("deleted_at IS NULL")
	}
	if !q.ChangesSince.IsZero() {
		sel = sel.Where("updated_at >= ?", q.ChangesSince)
	}
	if !q.ChangesBefore.IsZero() {
		sel = sel.Where("updated_at <= ?", q.ChangesBefore)
	}
	if q.ProjectID != "" {
		sel = sel.Where("project_id = ?", q.ProjectID)
	}
	if q.IDs != nil {
		sel = sel.Where("id IN (?)", bun.List(append([]string{""}, q.IDs...)))
	}
	if q.States != nil {
		sel = sel.Where("vm_state IN (?)", bun.List(append([]string{""}, q.States...)))
	}
	return tagged(sel, q)
}

func tagged(sel *bun.SelectQuery, q nova.ServerQuery) *bun.SelectQuery {
	has := func(tag string) string { return `%"` + tag + `"%` }
	for _, t := range q.Tags {
		sel = sel.Where("tags LIKE ?", has(t))
	}
	if len(q.AnyTags) > 0 {
		sel = sel.WhereGroup(" AND ", func(g *bun.SelectQuery) *bun.SelectQuery {
			for _, t := range q.AnyTags {
				g = g.WhereOr("tags LIKE ?", has(t))
			}
			return g
		})
	}
	if len(q.NotTags) > 0 {
		sel = sel.WhereGroup(" AND NOT ", func(g *bun.SelectQuery) *bun.SelectQuery {
			for _, t := range q.NotTags {
				g = g.Where("tags LIKE ?", has(t))
			}
			return g
		})
	}
	for _, t := range q.NotAnyTags {
		sel = sel.Where("tags NOT LIKE ?", has(t))
	}
	return sel
}

// ServersOn is all on a host that are not deleted.
func (s *Store) ServersOn(ctx context.Context, host string) ([]*nova.Server, error) {
	var rows []*nova.Server
	err := s.db.Q(ctx).NewSelect().Model(&rows).Where("host = ? AND deleted_at IS NULL", host).OrderExpr("num").Scan(ctx)
	return rows, err
}

func (s *Store) SightsOn(ctx context.Context, host string, ids ...string) ([]*nova.Server, error) {
	var rows []*nova.Server
	q := s.db.Q(ctx).NewSelect().Model(&rows).Column("id", "plugged", "migration_id", "seen_generation", "seen_power", "seen_ports", "seen_step", "seen_fault", "seen_final", "seen_copied").
		Where("host = ? AND deleted_at IS NULL", host)
	if len(ids) > 0 {
		q = q.Where("id IN (?)", bun.List(ids))
	}
	return rows, q.Scan(ctx)
}

// DueServers are the ids that want work now, longest due first.
func (s *Store) DueServers(ctx context.Context, limit int) ([]string, error) {
	var ids []string
	err := s.db.Q(ctx).NewSelect().Model((*nova.Server)(nil)).Column("id").Where("due_at <= ?", s.Now()).OrderExpr("due_at").Limit(int64(limit)).Scan(ctx, &ids)
	return ids, err
}

// ClaimServer takes a due server for one pass; nobody else gets it for the lease.
func (s *Store) ClaimServer(ctx context.Context, id string, lease time.Duration) (*nova.Server, error) {
	var v *nova.Server
	err := s.Tx(ctx, func(ctx context.Context) error {
		row, err := s.Server(ctx, id)
		v = nil
		if err != nil || row.DueAt.IsZero() || row.DueAt.After(s.Now()) {
			return err
		}
		row.DueAt = s.Now().Add(lease)
		v = row
		set, args := s.db.Claim(row.DueAt)
		_, err = s.db.Q(ctx).NewUpdate().Model(row).Set(set, args...).WherePK().Exec(ctx)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return v, err
}

// Usage adds up what a project's servers take. There are many servers, but few flavors.
func (s *Store) Usage(ctx context.Context, projectID string) (nova.Usage, error) {
	var rows []struct {
		Flavor nova.FlavorSnapshot
		N      int
	}
	var u nova.Usage
	err := s.db.Q(ctx).NewSelect().Model((*nova.Server)(nil)).Column("flavor").ColumnExpr("COUNT(*) AS n").Where("project_id = ? AND deleted_at IS NULL", projectID).Group("flavor").Scan(ctx, &rows)
	if err != nil {
		return u, err
	}
	for _, r := range rows {
		u.Instances += r.N
		u.Cores += r.N * r.Flavor.VCPUs
		u.RAM += r.N * r.Flavor.RAM
	}
	n, err := s.db.Q(ctx).NewSelect().Model((*nova.ServerGroup)(nil)).Where("project_id = ?", projectID).Count(ctx)
	u.ServerGroups = int(n)
	return u, err
}

// PurgeServers forgets servers deleted before a time, their actions and migrations.
func (s *Store) PurgeServers(ctx context.Context, before time.Time) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		old := s.db.Q(ctx).NewSelect().Model((*nova.Server)(nil)).Column("id").Where("deleted_at < ?", before)
		for _, part := range []any{(*nova.ServerAction)(nil), (*nova.Migration)(nil)} {
			if _, err := s.db.Q(ctx).NewDelete().Model(part).Where("server_id IN (?)", old).Exec(ctx); err != nil {
				return err
			}
		}
		_, err := s.db.Q(ctx).NewDelete().Model((*nova.Server)(nil)).Where("deleted_at < ?", before).Exec(ctx)
		return err
	})
}
