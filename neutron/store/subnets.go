package store

import (
	"context"

	"stackd/internal/sqldb"
	"stackd/neutron"

	"github.com/uptrace/bun"
)

// Subnets is the table of subnets.
func (s *Store) Subnets() neutron.Table[neutron.Subnet] {
	return table[neutron.Subnet]{
		db: s.db, name: "subnets", seen: seenSubnets, load: loadSubnets,
		sorts: columns(commonSorts + "network_id ip_version cidr gateway_ip enable_dhcp"),
		filters: common(map[string]filter{
			"network_id": text("network_id"), "ip_version": number("ip_version"), "cidr": text("cidr"), "gateway_ip": text("gateway_ip"),
			"enable_dhcp": boolean("enable_dhcp"), "subnetpool_id": text("subnetpool_id"), "ipv6_ra_mode": text("ipv6_ra_mode"),
			"ipv6_address_mode": text("ipv6_address_mode"), "shared": subnetShared,
		}),
	}
}

// seenSubnets: one's own, those of one's own networks, and those of networks that
// a policy lets one use.
func seenSubnets(q *bun.SelectQuery, project string) *bun.SelectQuery {
	return q.Where("(project_id = ? OR network_id IN (SELECT id FROM networks WHERE networks.project_id = ?) OR network_id IN (SELECT object_id FROM network_rbac WHERE action = 'access_as_shared' AND target_project IN ('*', ?)))", project, project, project)
}

func subnetShared(q *bun.SelectQuery, project string, values []string) *bun.SelectQuery {
	sub := q.NewSelect().TableExpr("networks").Column("id")
	return q.Where("network_id IN (?)", shared("networks")(sub, project, values))
}

func loadSubnets(ctx context.Context, db *sqldb.DB, rows []neutron.Subnet, q neutron.Query) error {
	by := map[string][]int{}
	var ids []string
	for i := range rows {
		id := rows[i].NetworkID
		if by[id] == nil {
			ids = append(ids, id)
		}
		by[id] = append(by[id], i)
	}
	var nets []struct {
		ID, ProjectID string
		External      bool
	}
	if err := db.Q(ctx).NewSelect().TableExpr("networks").Column("id", "project_id", "external").Where("id IN (?)", bun.List(ids)).Scan(ctx, &nets); err != nil {
		return err
	}
	for _, n := range nets {
		for _, i := range by[n.ID] {
			rows[i].External, rows[i].NetworkProject = n.External, n.ProjectID
		}
	}
	return sharedWith(ctx, db, q.Project, ids, func(id string) {
		for _, i := range by[id] {
			rows[i].Shared = true
		}
	})
}

// Taken are the addresses in use on a subnet.
func (s *Store) Taken(ctx context.Context, subnet string, among ...string) (map[string]bool, error) {
	q := s.db.Q(ctx).NewSelect().TableExpr("fixed_ips").Column("ip_address").Where("subnet_id = ?", subnet)
	if len(among) > 0 {
		q = q.Where("ip_address IN (?)", bun.List(among))
	}
	var found []string
	err := q.Scan(ctx, &found)
	out := map[string]bool{}
	for _, a := range found {
		out[a] = true
	}
	return out, err
}

// InUse counts the addresses in use on each subnet of some networks.
func (s *Store) InUse(ctx context.Context, networks ...string) (map[string]int, error) {
	var found []struct {
		SubnetID string
		N        int
	}
	err := s.db.Q(ctx).NewSelect().TableExpr("fixed_ips").ColumnExpr("subnet_id, COUNT(*) AS n").
		Where("subnet_id IN (SELECT id FROM subnets WHERE network_id IN (?))", bun.List(networks)).GroupExpr("subnet_id").Scan(ctx, &found)
	out := map[string]int{}
	for _, f := range found {
		out[f.SubnetID] = f.N
	}
	return out, err
}
