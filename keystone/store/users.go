package store

import (
	"context"
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/keystone"

	"github.com/uptrace/bun"
)

func (s *Store) Users(ctx context.Context, l listing.List) ([]*keystone.User, error) {
	var rows []*keystone.User
	q := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("keystone_users AS ?TableAlias")
	if group := l.First("group_id"); group != "" {
		q.Where("id IN (SELECT user_id FROM keystone_memberships WHERE group_id = ?)", group)
	}
	federated(q, l)
	if err := expiring(q, l.First("password_expires_at")); err != nil {
		return nil, err
	}
	delete(l.Where, "password_expires_at")
	if err := s.filter(q, &rows, l); err != nil {
		return nil, err
	}
	return rows, q.Scan(ctx)
}

// expiring reads "lt:2026-11-24T00:00:00Z" and its like.
func expiring(q *bun.SelectQuery, text string) error {
	if text == "" {
		return nil
	}
	op, at, ok := strings.Cut(text, ":")
	sign := map[string]string{"lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "eq": "=", "neq": "<>"}[op]
	if sign == "" {
		op, at, sign = "eq", text, "="
	}
	t, err := time.Parse(time.RFC3339, at)
	if err != nil || !ok {
		return fault.New(fault.Invalid, "Invalid input for field 'password_expires_at': %s is not op:time", text)
	}
	q.Where("password_expires_at "+sign+" ?", t)
	return nil
}

func (s *Store) Groups(ctx context.Context, l listing.List) ([]*keystone.Group, error) {
	var rows []*keystone.Group
	q := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("keystone_groups AS ?TableAlias")
	if user := l.First("user_id"); user != "" {
		q.Where("id IN (SELECT group_id FROM keystone_memberships WHERE user_id = ?)", user)
	}
	if err := s.filter(q, &rows, l); err != nil {
		return nil, err
	}
	return rows, q.Scan(ctx)
}

func (s *Store) Limits(ctx context.Context, l listing.List) ([]*keystone.Limit, error) {
	var rows []*keystone.Limit
	q := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("keystone_limits AS ?TableAlias")
	if home := l.First("home"); home != "" {
		q.Where("(domain_id = ? OR project_id IN (SELECT id FROM keystone_projects WHERE domain_id = ?))", home, home)
	}
	if err := s.filter(q, &rows, l); err != nil {
		return nil, err
	}
	return rows, q.Scan(ctx)
}

func (s *Store) Roles(ctx context.Context, l listing.List) ([]*keystone.Role, error) {
	var rows []*keystone.Role
	q := s.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("keystone_roles AS ?TableAlias")
	if !l.Has("domain_id") {
		q.Where("domain_id = ''")
	}
	if err := s.filter(q, &rows, l); err != nil {
		return nil, err
	}
	return rows, q.Scan(ctx)
}

func (s *Store) DropUser(ctx context.Context, id string) error {
	return s.each(ctx, []string{
		"DELETE FROM keystone_assignments WHERE actor_kind = 'user' AND actor_id = ?",
		"DELETE FROM keystone_memberships WHERE user_id = ?",
		"DELETE FROM keystone_credentials WHERE user_id = ?",
		"DELETE FROM keystone_app_credentials WHERE user_id = ?",
		"DELETE FROM keystone_access_rules WHERE user_id = ?",
		"DELETE FROM keystone_trusts WHERE trustor_user_id = ?",
		"DELETE FROM keystone_trusts WHERE trustee_user_id = ?",
		"DELETE FROM keystone_failures WHERE user_id = ?",
		"DELETE FROM keystone_request_tokens WHERE user_id = ?",
		"DELETE FROM keystone_access_tokens WHERE user_id = ?",
		"DELETE FROM keystone_old_passwords WHERE user_id = ?",
		"DELETE FROM keystone_federated_users WHERE user_id = ?",
		"DELETE FROM keystone_expiring_memberships WHERE user_id = ?",
		"DELETE FROM keystone_users WHERE id = ?",
	}, id)
}

func (s *Store) DropGroup(ctx context.Context, id string) error {
	return s.each(ctx, []string{
		"DELETE FROM keystone_assignments WHERE actor_kind = 'group' AND actor_id = ?",
		"DELETE FROM keystone_memberships WHERE group_id = ?",
		"DELETE FROM keystone_expiring_memberships WHERE group_id = ?",
		"DELETE FROM keystone_groups WHERE id = ?",
	}, id)
}

func (s *Store) DropRole(ctx context.Context, id string) error {
	return s.each(ctx, []string{
		"DELETE FROM keystone_assignments WHERE role_id = ?",
		"DELETE FROM keystone_implied_roles WHERE prior_id = ?",
		"DELETE FROM keystone_implied_roles WHERE implied_id = ?",
		"DELETE FROM keystone_roles WHERE id = ?",
	}, id)
}

func (s *Store) DropService(ctx context.Context, id string) error {
	return s.each(ctx, []string{
		"DELETE FROM keystone_endpoint_filters WHERE kind = 'endpoint' AND item_id IN (SELECT id FROM keystone_endpoints WHERE service_id = ?)",
		"DELETE FROM keystone_policy_associations WHERE endpoint_id IN (SELECT id FROM keystone_endpoints WHERE service_id = ?)",
		"DELETE FROM keystone_policy_associations WHERE service_id = ?",
		"DELETE FROM keystone_endpoints WHERE service_id = ?",
		"DELETE FROM keystone_limits WHERE service_id = ?",
		"DELETE FROM keystone_registered_limits WHERE service_id = ?",
		"DELETE FROM keystone_services WHERE id = ?",
	}, id)
}

func (s *Store) DropConsumer(ctx context.Context, id string) error {
	return s.each(ctx, []string{
		"DELETE FROM keystone_request_tokens WHERE consumer_id = ?",
		"DELETE FROM keystone_access_tokens WHERE consumer_id = ?",
		"DELETE FROM keystone_consumers WHERE id = ?",
	}, id)
}

func (s *Store) DropMirror(ctx context.Context, domain string) error {
	of := " IN (SELECT public_id FROM keystone_directory_ids WHERE domain_id = ?)"
	return s.each(ctx, []string{
		"DELETE FROM keystone_memberships WHERE user_id" + of,
		"DELETE FROM keystone_memberships WHERE group_id" + of,
		"DELETE FROM keystone_users WHERE id" + of,
		"DELETE FROM keystone_groups WHERE id" + of,
	}, domain)
}
