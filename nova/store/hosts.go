package store

import (
	"context"
	"maps"
	"slices"
	"strings"

	"stackd/agent/wish"
	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/nova"

	"github.com/uptrace/bun"
)

func (s *Store) Hosts(ctx context.Context) ([]*nova.Host, error) {
	var rows []*nova.Host
	err := s.db.Q(ctx).NewSelect().Model(&rows).OrderExpr("num").Scan(ctx)
	return rows, err
}

func (s *Store) Host(ctx context.Context, name string) (*nova.Host, error) {
	return one[nova.Host](ctx, s, fault.New(fault.NotFound, "Compute host %s could not be found.", name), "name = ?", name)
}

func (s *Store) HostsNamed(ctx context.Context, names ...string) ([]*nova.Host, error) {
	var rows []*nova.Host
	err := s.db.Q(ctx).NewSelect().Model(&rows).Where("name IN (?)", bun.List(append([]string{""}, names...))).Scan(ctx)
	return rows, err
}

// BeatHosts is one statement for all hosts.
func (s *Store) BeatHosts(ctx context.Context, heard map[string]wish.Node) (int, error) {
	if len(heard) == 0 {
		return 0, nil
	}
	var args []any
	for _, name := range slices.Sorted(maps.Keys(heard)) {
		n := heard[name]
		args = append(args, name, n.Uptime, n.FreeMemMB, n.FreeDiskGB)
	}
	rows := strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?), ", len(heard)), ", ")
	res, err := s.db.Q(ctx).NewRaw("WITH heard (host, up, mem, disk) AS (VALUES "+rows+")"+
		" UPDATE hosts SET reported_at = ?, uptime = heard.up, free_mem_mb = heard.mem, free_disk_gb = heard.disk FROM heard WHERE hosts.name = heard.host", append(args, s.Now())...).Exec(ctx)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// SaveHost inserts or replaces the host.
func (s *Store) SaveHost(ctx context.Context, h *nova.Host) (err error) {
	if h.Num == 0 {
		if h.Num, err = s.next(ctx, "hosts", "num"); err != nil {
			return err
		}
		return s.insert(ctx, h)
	}
	_, err = s.db.Q(ctx).NewUpdate().Model(h).WherePK().Exec(ctx)
	return err
}

func (s *Store) DeleteHost(ctx context.Context, name string) error {
	_, err := s.db.Q(ctx).NewDelete().Model((*nova.Host)(nil)).Where("name = ?", name).Exec(ctx)
	return err
}

func noAggregate(id int64) *fault.Error {
	return fault.New(fault.NotFound, "Aggregate %d could not be found.", id)
}

func (s *Store) InsertAggregate(ctx context.Context, a *nova.Aggregate) (err error) {
	if a.ID, err = s.next(ctx, "aggregates", "id"); err != nil {
		return err
	}
	return s.aggregateTaken(s.insert(ctx, a), a)
}

func (s *Store) aggregateTaken(err error, a *nova.Aggregate) error {
	if sqldb.Taken(err) {
		return fault.New(fault.Conflict, "Aggregate %s already exists.", a.Name)
	}
	return err
}

func (s *Store) Aggregates(ctx context.Context) ([]*nova.Aggregate, error) {
	var rows []*nova.Aggregate
	err := s.db.Q(ctx).NewSelect().Model(&rows).OrderExpr("id").Scan(ctx)
	return rows, err
}

func (s *Store) Aggregate(ctx context.Context, id int64) (*nova.Aggregate, error) {
	return one[nova.Aggregate](ctx, s, noAggregate(id), "id = ?", id)
}

func (s *Store) UpdateAggregate(ctx context.Context, a *nova.Aggregate) error {
	res, err := s.db.Q(ctx).NewUpdate().Model(a).WherePK().Exec(ctx)
	return gone(res, s.aggregateTaken(err, a), noAggregate(a.ID))
}

func (s *Store) DeleteAggregate(ctx context.Context, id int64) error {
	res, err := s.db.Q(ctx).NewDelete().Model((*nova.Aggregate)(nil)).Where("id = ?", id).Exec(ctx)
	return gone(res, err, noAggregate(id))
}
