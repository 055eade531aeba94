package store

import (
	"context"
	"strings"

	"stackd/internal/listing"
	"stackd/keystone"

	"github.com/uptrace/bun"
)

func (s *Store) Projects(ctx context.Context, l listing.List) ([]*keystone.Project, error) {
	var rows []*keystone.Project
	q := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("keystone_projects AS ?TableAlias")
	if !l.Has("is_domain") {
		q.Where("NOT is_domain")
	}
	tagged(q, l)
	if user := l.First("user_id"); user != "" {
		ids, err := s.Scopes(ctx, user, "project", l.Where["group_id"]...)
		if err != nil || len(ids) == 0 {
			return nil, err
		}
		q.Where("id IN (?)", bun.List(ids))
	}
	if err := s.filter(q, &rows, l); err != nil {
		return nil, err
	}
	return rows, q.Scan(ctx)
}

const hasTag = "EXISTS (SELECT 1 FROM keystone_project_tags t WHERE t.project_id = ?TableAlias.id AND t.tag IN (?))"

// tagged adds the four tag filters.
func tagged(q *bun.SelectQuery, l listing.List) {
	for _, t := range words(l.Where["tags"]) {
		q.Where(hasTag, bun.List([]string{t}))
	}
	if any := words(l.Where["tags-any"]); any != nil {
		q.Where(hasTag, bun.List(any))
	}
	if all := words(l.Where["not-tags"]); all != nil {
		q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			for _, t := range all {
				q.WhereOr("NOT "+hasTag, bun.List([]string{t}))
			}
			return q
		})
	}
	if any := words(l.Where["not-tags-any"]); any != nil {
		q.Where("NOT "+hasTag, bun.List(any))
	}
}

func (s *Store) Ancestors(ctx context.Context, id string) ([]*keystone.Project, error) {
	var rows []*keystone.Project
	err := s.db.Q(ctx).NewRaw(`WITH RECURSIVE line (id, n) AS (
  SELECT id, 0 FROM keystone_projects WHERE id = ?
  UNION ALL
  SELECT above.id, line.n + 1 FROM line JOIN keystone_projects p ON p.id = line.id JOIN keystone_projects above ON above.id = p.parent_id)
SELECT p.* FROM line JOIN keystone_projects p ON p.id = line.id ORDER BY line.n`, id).Scan(ctx, &rows)
	return rows, err
}

const below = `WITH RECURSIVE tree (id) AS (
  SELECT id FROM keystone_projects WHERE id IN (?)
  UNION
  SELECT p.id FROM tree JOIN keystone_projects p ON p.parent_id = tree.id)
SELECT id FROM tree`

func (s *Store) Subtree(ctx context.Context, id string) ([]string, error) {
	return s.below(ctx, []string{id})
}

func (s *Store) below(ctx context.Context, ids []string) ([]string, error) {
	var out []string
	if len(ids) == 0 {
		return nil, nil
	}
	err := s.db.Q(ctx).NewRaw(below, bun.List(ids)).Scan(ctx, &out)
	return out, err
}

func (s *Store) DropProjects(ctx context.Context, ids []string) error {
	return s.each(ctx, []string{
		"DELETE FROM keystone_assignments WHERE target_kind = 'project' AND target_id IN (?)",
		"DELETE FROM keystone_project_tags WHERE project_id IN (?)",
		"DELETE FROM keystone_credentials WHERE project_id IN (?)",
		"DELETE FROM keystone_app_credentials WHERE project_id IN (?)",
		"DELETE FROM keystone_trusts WHERE project_id IN (?)",
		"DELETE FROM keystone_request_tokens WHERE project_id IN (?)",
		"DELETE FROM keystone_access_tokens WHERE project_id IN (?)",
		"DELETE FROM keystone_limits WHERE project_id IN (?)",
		"DELETE FROM keystone_endpoint_filters WHERE project_id IN (?)",
		"UPDATE keystone_users SET default_project_id = '' WHERE default_project_id IN (?)",
		"DELETE FROM keystone_projects WHERE id IN (?)",
	}, bun.List(ids))
}

func (s *Store) DropDomain(ctx context.Context, id string) error {
	ids, err := s.Subtree(ctx, id)
	if err != nil {
		return err
	}
	users := "(SELECT id FROM keystone_users WHERE domain_id = ?)"
	groups := "(SELECT id FROM keystone_groups WHERE domain_id = ?)"
	idps := "(SELECT id FROM keystone_identity_providers WHERE domain_id = ?)"
	roles := "(SELECT id FROM keystone_roles WHERE domain_id = ?)"
	if err := s.each(ctx, []string{
		"DELETE FROM keystone_assignments WHERE actor_id IN " + users,
		"DELETE FROM keystone_assignments WHERE actor_id IN " + groups,
		"DELETE FROM keystone_assignments WHERE role_id IN " + roles,
		"DELETE FROM keystone_assignments WHERE target_kind = 'domain' AND target_id = ?",
		"DELETE FROM keystone_implied_roles WHERE prior_id IN " + roles,
		"DELETE FROM keystone_implied_roles WHERE implied_id IN " + roles,
		"DELETE FROM keystone_memberships WHERE user_id IN " + users,
		"DELETE FROM keystone_memberships WHERE group_id IN " + groups,
		"DELETE FROM keystone_credentials WHERE user_id IN " + users,
		"DELETE FROM keystone_app_credentials WHERE user_id IN " + users,
		"DELETE FROM keystone_access_rules WHERE user_id IN " + users,
		"DELETE FROM keystone_failures WHERE user_id IN " + users,
		"DELETE FROM keystone_old_passwords WHERE user_id IN " + users,
		"DELETE FROM keystone_trusts WHERE trustor_user_id IN " + users,
		"DELETE FROM keystone_trusts WHERE trustee_user_id IN " + users,
		"DELETE FROM keystone_directory_ids WHERE domain_id = ?",
		"DELETE FROM keystone_request_tokens WHERE user_id IN " + users,
		"DELETE FROM keystone_access_tokens WHERE user_id IN " + users,
		"DELETE FROM keystone_limits WHERE domain_id = ?",
		"DELETE FROM keystone_domain_options WHERE domain_id = ?",
		"DELETE FROM keystone_federated_users WHERE user_id IN " + users,
		"DELETE FROM keystone_expiring_memberships WHERE user_id IN " + users,
		"DELETE FROM keystone_expiring_memberships WHERE group_id IN " + groups,
		"DELETE FROM keystone_federated_users WHERE idp_id IN " + idps,
		"DELETE FROM keystone_expiring_memberships WHERE idp_id IN " + idps,
		"DELETE FROM keystone_protocols WHERE idp_id IN " + idps,
		"DELETE FROM keystone_remote_ids WHERE idp_id IN " + idps,
		"DELETE FROM keystone_identity_providers WHERE domain_id = ?",
		"DELETE FROM keystone_roles WHERE domain_id = ?",
		"DELETE FROM keystone_groups WHERE domain_id = ?",
		"DELETE FROM keystone_users WHERE domain_id = ?",
	}, id); err != nil {
		return err
	}
	return s.DropProjects(ctx, ids)
}

// words are the values of a filter, each of which may hold several with commas.
func words(values []string) []string {
	var out []string
	for _, v := range values {
		for w := range strings.SplitSeq(v, ",") {
			if w != "" {
				out = append(out, w)
			}
		}
	}
	return out
}
