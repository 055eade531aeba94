package store

import (
	"context"

	"stackd/keystone"

	"github.com/uptrace/bun"
)

// mine are the assignments of a user, by itself or in a group.
const mine = `(actor_kind = 'user' AND actor_id = ? OR actor_kind = 'group' AND (actor_id IN (?) OR actor_id IN (
	SELECT group_id FROM keystone_memberships WHERE user_id = ? UNION ALL
	SELECT group_id FROM keystone_expiring_memberships WHERE user_id = ? AND expires_at > ?)))`

// who are mine's arguments; groups are further ones that the user is taken to be in.
func (s *Store) who(user string, groups []string) []any {
	return []any{user, bun.List(append([]string{""}, groups...)), user, user, s.db.Now()}
}

func (s *Store) RolesOf(ctx context.Context, user string, t keystone.Target, above []string, groups ...string) ([]string, error) {
	var ids []string
	q := s.db.Q(ctx).NewSelect().TableExpr("keystone_assignments").ColumnExpr("DISTINCT role_id").Where(mine, s.who(user, groups)...)
	q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		q.Where("target_kind = ? AND target_id = ? AND NOT inherited", t.Kind, t.ID)
		if len(above) > 0 {
			q.WhereOr("inherited AND target_id IN (?)", bun.List(above))
		}
		return q
	})
	err := q.Scan(ctx, &ids)
	return ids, err
}

func (s *Store) Scopes(ctx context.Context, user, kind string, groups ...string) ([]string, error) {
	var direct []string
	err := s.db.Q(ctx).NewSelect().TableExpr("keystone_assignments").ColumnExpr("DISTINCT target_id").
		Where(mine, s.who(user, groups)...).Where("target_kind = ? AND NOT inherited", kind).Scan(ctx, &direct)
	if err != nil || kind != "project" {
		return direct, err
	}
	var roots []string
	err = s.db.Q(ctx).NewSelect().TableExpr("keystone_assignments").ColumnExpr("DISTINCT target_id").
		Where(mine, s.who(user, groups)...).Where("inherited").Scan(ctx, &roots)
	if err != nil {
		return nil, err
	}
	tree, err := s.below(ctx, roots)
	isRoot := map[string]bool{}
	for _, r := range roots {
		isRoot[r] = true
	}
	for _, id := range tree {
		if !isRoot[id] {
			direct = append(direct, id)
		}
	}
	return direct, err
}

func (s *Store) Assignments(ctx context.Context, a keystone.AssignmentQuery) ([]keystone.Assignment, error) {
	var rows []keystone.Assignment
	q := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("keystone_assignments AS ?TableAlias")
	if a.UserIDs != nil || a.GroupIDs != nil {
		q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			if len(a.UserIDs) > 0 || len(a.GroupIDs) == 0 {
				q.Where("actor_kind = 'user' AND actor_id IN (?)", bun.List(append([]string{""}, a.UserIDs...)))
			}
			if len(a.GroupIDs) > 0 {
				q.WhereOr("actor_kind = 'group' AND actor_id IN (?)", bun.List(a.GroupIDs))
			}
			return q
		})
	}
	if a.RoleIDs != nil {
		q.Where("role_id IN (?)", bun.List(append([]string{""}, a.RoleIDs...)))
	}
	if a.Targets != nil {
		q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			q.Where("target_kind = ? AND target_id IN (?)", a.TargetKind, bun.List(append([]string{""}, a.Targets...)))
			if a.Inherited != nil {
				q.Where("inherited = ?", *a.Inherited)
			}
			if len(a.OrInherited) > 0 {
				q.WhereOr("inherited AND target_id IN (?)", bun.List(a.OrInherited))
			}
			return q
		})
	} else if a.Inherited != nil {
		q.Where("inherited = ?", *a.Inherited)
	}
	err := q.OrderExpr("target_kind, target_id, actor_kind, actor_id, role_id").Scan(ctx)
	return rows, err
}
