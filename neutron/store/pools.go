package store

import (
	"context"

	"stackd/internal/sqldb"
	"stackd/neutron"

	"github.com/uptrace/bun"
)

// Subnetpools is the table of subnet pools.
func (s *Store) Subnetpools() neutron.Table[neutron.Subnetpool] {
	return table[neutron.Subnetpool]{
		db: s.db, name: "subnetpools", seen: ownOrShared("subnetpool"), sorts: columns(commonSorts + "ip_version is_default default_prefixlen min_prefixlen max_prefixlen"),
		load: func(ctx context.Context, db *sqldb.DB, rows []neutron.Subnetpool, q neutron.Query) error {
			ids, at := index(rows, func(p *neutron.Subnetpool) string { return p.ID })
			return sharedWith(ctx, db, q.Project, ids, func(id string) { rows[at[id]].Shared = true })
		},
		filters: common(map[string]filter{
			"ip_version": number("ip_version"), "is_default": boolean("is_default"), "address_scope_id": text("address_scope_id"), "shared": shared("subnetpool"),
			"default_prefixlen": number("default_prefixlen"), "min_prefixlen": number("min_prefixlen"), "max_prefixlen": number("max_prefixlen"), "default_quota": number("default_quota"),
		}),
	}
}

// AddressScopes is the table of address scopes.
func (s *Store) AddressScopes() neutron.Table[neutron.AddressScope] {
	return table[neutron.AddressScope]{
		db: s.db, name: "address_scopes", seen: ownOrShared("address_scope"), sorts: columns(commonSorts + "ip_version"),
		load: func(ctx context.Context, db *sqldb.DB, rows []neutron.AddressScope, q neutron.Query) error {
			ids, at := index(rows, func(p *neutron.AddressScope) string { return p.ID })
			return sharedWith(ctx, db, q.Project, ids, func(id string) { rows[at[id]].Shared = true })
		},
		filters: common(map[string]filter{"ip_version": number("ip_version"), "shared": shared("address_scope")}),
	}
}

// RBAC is the table of policies that let others use things.
func (s *Store) RBAC() neutron.Table[neutron.RBACPolicy] {
	return table[neutron.RBACPolicy]{
		db: s.db, name: "network_rbac", seen: own, sorts: columns("id project_id tenant_id=project_id object_type object_id action target_tenant=target_project"),
		filters: map[string]filter{
			"id": text("id"), "project_id": text("project_id"), "tenant_id": text("project_id"), "object_type": text("object_type"), "object_id": text("object_id"),
			"action": text("action"), "target_tenant": text("target_project"), "target_project": text("target_project"),
		},
	}
}

func (s *Store) BeatAgents(ctx context.Context, hosts []string) (int, error) {
	if len(hosts) == 0 {
		return 0, nil
	}
	res, err := s.db.Q(ctx).NewUpdate().Table("network_agents").Set("heartbeat_timestamp = ?", s.Now()).Where("host IN (?)", bun.List(hosts)).Exec(ctx)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// Agents is the table of agents.
func (s *Store) Agents() neutron.Table[neutron.Agent] {
	return table[neutron.Agent]{
		db: s.db, name: "network_agents",
		sorts:   columns("id agent_type binary host admin_state_up created_at started_at heartbeat_timestamp description"),
		filters: map[string]filter{"id": text("id"), "agent_type": text("agent_type"), "binary": text("binary"), "host": text("host"), "admin_state_up": boolean("admin_state_up"), "description": text("description")},
	}
}

// Limits are a project's own quotas.
func (s *Store) Limits(ctx context.Context, project string) ([]neutron.Limit, error) {
	var rows []neutron.Limit
	q := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("?", aliased[neutron.Limit](s.db.Q(ctx), "network_quotas"))
	if project != "" {
		q = q.Where("project_id = ?", project)
	}
	return rows, q.OrderExpr("project_id, resource").Scan(ctx)
}

func (s *Store) SetLimit(ctx context.Context, l neutron.Limit) error {
	_, err := s.db.Q(ctx).NewInsert().Model(&l).ModelTableExpr("?", aliased[neutron.Limit](s.db.Q(ctx), "network_quotas")).On("CONFLICT (project_id, resource) DO UPDATE SET quota = EXCLUDED.quota").Exec(ctx)
	return err
}

func (s *Store) ClearLimits(ctx context.Context, project string) error {
	_, err := s.db.Q(ctx).NewDelete().TableExpr("network_quotas").Where("project_id = ?", project).Exec(ctx)
	return err
}

// tables are where each of neutron.Resources is.
var tables = map[string]string{"network": "networks", "subnet": "subnets", "subnetpool": "subnetpools", "port": "ports", "router": "routers", "floatingip": "floatingips",
	"rbac_policy": "network_rbac", "security_group": "security_groups", "security_group_rule": "security_group_rules"}

// Used counts what a project has.
func (s *Store) Used(ctx context.Context, project string, resources ...string) (map[string]int, error) {
	out := map[string]int{}
	for _, r := range resources {
		n, err := s.db.Q(ctx).NewSelect().TableExpr(tables[r]).Where("project_id = ?", project).Count(ctx)
		if err != nil {
			return nil, err
		}
		out[r] = int(n)
	}
	return out, nil
}
