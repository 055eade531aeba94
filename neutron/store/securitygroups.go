package store

import (
	"context"

	"stackd/internal/sqldb"
	"stackd/neutron"

	"github.com/uptrace/bun"
)

// SecurityGroups is the table of security groups.
func (s *Store) SecurityGroups() neutron.Table[neutron.SecurityGroup] {
	return table[neutron.SecurityGroup]{
		db: s.db, name: "security_groups", seen: ownOrShared("security_group"), load: loadGroups, sorts: columns(commonSorts + "stateful"),
		filters: common(map[string]filter{"stateful": boolean("stateful"), "is_default": boolean("is_default"), "shared": shared("security_group")}),
	}
}

func loadGroups(ctx context.Context, db *sqldb.DB, rows []neutron.SecurityGroup, q neutron.Query) error {
	ids, at := index(rows, func(g *neutron.SecurityGroup) string { return g.ID })
	var rules []neutron.Rule
	err := db.Q(ctx).NewSelect().Model(&rules).ModelTableExpr("?", aliased[neutron.Rule](db.Q(ctx), "security_group_rules")).Where("security_group_id IN (?)", bun.List(ids)).OrderExpr("id").Scan(ctx)
	if err != nil {
		return err
	}
	for _, r := range rules {
		g := &rows[at[r.GroupID]]
		g.Rules = append(g.Rules, r)
	}
	return sharedWith(ctx, db, q.Project, ids, func(id string) { rows[at[id]].Shared = true })
}

// Rules is the table of rules.
func (s *Store) Rules() neutron.Table[neutron.Rule] {
	return table[neutron.Rule]{
		db: s.db, name: "security_group_rules", seen: seenRules, load: loadRules,
		sorts: columns("id project_id tenant_id=project_id security_group_id direction ethertype protocol port_range_min port_range_max created_at updated_at"),
		filters: map[string]filter{
			"id": text("id"), "project_id": text("project_id"), "tenant_id": text("project_id"), "security_group_id": text("security_group_id"),
			"direction": text("direction"), "ethertype": text("ethertype"), "protocol": text("protocol"), "port_range_min": number("port_range_min"),
			"port_range_max": number("port_range_max"), "remote_ip_prefix": text("remote_ip_prefix"), "remote_group_id": text("remote_group_id"),
			"description": text("description"), "revision_number": number("revision"),
		},
	}
}

// seenRules: those of one's own groups.
func seenRules(q *bun.SelectQuery, project string) *bun.SelectQuery {
	return q.Where("(project_id = ? OR security_group_id IN (SELECT id FROM security_groups WHERE security_groups.project_id = ?))", project, project)
}

func loadRules(ctx context.Context, db *sqldb.DB, rows []neutron.Rule, _ neutron.Query) error {
	var ids []string
	for i := range rows {
		ids = append(ids, rows[i].GroupID)
	}
	var groups []struct{ ID, ProjectID string }
	if err := db.Q(ctx).NewSelect().TableExpr("security_groups").Column("id", "project_id").Where("id IN (?)", bun.List(ids)).Scan(ctx, &groups); err != nil {
		return err
	}
	owner := map[string]string{}
	for _, g := range groups {
		owner[g.ID] = g.ProjectID
	}
	for i := range rows {
		rows[i].GroupProject = owner[rows[i].GroupID]
	}
	return nil
}
