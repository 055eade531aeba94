package store

import (
	"context"

	"stackd/internal/sqldb"
	"stackd/neutron"

	"github.com/uptrace/bun"
)

// Networks is the table of networks.
func (s *Store) Networks() neutron.Table[neutron.Network] {
	return table[neutron.Network]{
		db: s.db, name: "networks", seen: ownOrShared("network"), load: loadNetworks,
		sorts: columns(commonSorts + "admin_state_up mtu router:external=external provider:network_type=network_type"),
		filters: common(map[string]filter{
			"admin_state_up": boolean("admin_state_up"), "router:external": boolean("external"), "shared": shared("network"), "mtu": number("mtu"),
			"port_security_enabled": boolean("port_security_enabled"), "is_default": boolean("is_default"), "status": alwaysActive,
			"provider:network_type": text("network_type"), "provider:physical_network": text("physical_network"), "provider:segmentation_id": number("segmentation_id"),
			"dns_domain": text("dns_domain"), "subnets": withSubnet,
		}),
	}
}

// alwaysActive: there is no other state.
func alwaysActive(q *bun.SelectQuery, _ string, values []string) *bun.SelectQuery {
	for _, v := range values {
		if v == neutron.Active {
			return q
		}
	}
	return q.Where("1 = 0")
}

func withSubnet(q *bun.SelectQuery, _ string, values []string) *bun.SelectQuery {
	return q.Where("id IN (SELECT network_id FROM subnets WHERE subnets.id IN (?))", bun.List(values))
}

func loadNetworks(ctx context.Context, db *sqldb.DB, rows []neutron.Network, q neutron.Query) error {
	ids, at := index(rows, func(n *neutron.Network) string { return n.ID })
	var subnets []struct {
		ID        string
		NetworkID string
		Version   int
		Scope     string
	}
	err := db.Q(ctx).NewSelect().TableExpr("subnets").Join("LEFT JOIN subnetpools ON subnetpools.id = subnets.subnetpool_id").
		ColumnExpr("subnets.id, subnets.network_id, subnets.ip_version AS version, COALESCE(subnetpools.address_scope_id, '') AS scope").
		Where("network_id IN (?)", bun.List(ids)).OrderExpr("subnets.created_at, subnets.id").Scan(ctx, &subnets)
	if err != nil {
		return err
	}
	for _, s := range subnets {
		n := &rows[at[s.NetworkID]]
		n.Subnets = append(n.Subnets, s.ID)
		if s.Scope != "" && s.Version == 4 {
			n.V4Scope = s.Scope
		} else if s.Scope != "" {
			n.V6Scope = s.Scope
		}
	}
	return sharedWith(ctx, db, q.Project, ids, func(id string) { rows[at[id]].Shared = true })
}

// index is the ids of the rows, and where each is.
func index[T any](rows []T, id func(*T) string) ([]string, map[string]int) {
	ids, at := make([]string, len(rows)), make(map[string]int, len(rows))
	for i := range rows {
		ids[i] = id(&rows[i])
		at[ids[i]] = i
	}
	return ids, at
}

// sharedWith calls f for each of the ids that a policy shares with the project.
func sharedWith(ctx context.Context, db *sqldb.DB, project string, ids []string, f func(id string)) error {
	var found []string
	err := db.Q(ctx).NewSelect().TableExpr("network_rbac").ColumnExpr("DISTINCT object_id").
		Where("object_id IN (?) AND action = 'access_as_shared' AND target_project IN ('*', ?)", bun.List(ids), project).Scan(ctx, &found)
	for _, id := range found {
		f(id)
	}
	return err
}

// Segments are the ids in use on a wire.
func (s *Store) Segments(ctx context.Context, kind, physical string, among ...int) (map[int]bool, error) {
	q := s.db.Q(ctx).NewSelect().TableExpr("networks").Column("segmentation_id").Where("network_type = ? AND physical_network = ?", kind, physical)
	if len(among) > 0 {
		q = q.Where("segmentation_id IN (?)", bun.List(among))
	}
	var found []int
	err := q.Scan(ctx, &found)
	out := map[int]bool{}
	for _, i := range found {
		out[i] = true
	}
	return out, err
}
