package store

import (
	"context"
	"embed"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
	"stackd/keystone"

	"github.com/uptrace/bun"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrate brings identity's tables up to date.
func Migrate(ctx context.Context, db *sqldb.DB) error {
	return db.Migrate(ctx, "keystone", files)
}

// Store is keystone.Store on a database.
type Store struct{ db *sqldb.DB }

// New is the store of a migrated database.
func New(db *sqldb.DB) *Store { return &Store{db} }

var _ keystone.Store = (*Store)(nil)

var tables = map[reflect.Type]string{
	reflect.TypeFor[keystone.Project]():           "keystone_projects",
	reflect.TypeFor[keystone.ProjectTag]():        "keystone_project_tags",
	reflect.TypeFor[keystone.User]():              "keystone_users",
	reflect.TypeFor[keystone.Group]():             "keystone_groups",
	reflect.TypeFor[keystone.Membership]():        "keystone_memberships",
	reflect.TypeFor[keystone.Role]():              "keystone_roles",
	reflect.TypeFor[keystone.ImpliedRole]():       "keystone_implied_roles",
	reflect.TypeFor[keystone.Assignment]():        "keystone_assignments",
	reflect.TypeFor[keystone.Region]():            "keystone_regions",
	reflect.TypeFor[keystone.Service]():           "keystone_services",
	reflect.TypeFor[keystone.Endpoint]():          "keystone_endpoints",
	reflect.TypeFor[keystone.PolicyDoc]():         "keystone_policies",
	reflect.TypeFor[keystone.Credential]():        "keystone_credentials",
	reflect.TypeFor[keystone.AppCredential]():     "keystone_app_credentials",
	reflect.TypeFor[keystone.AccessRule]():        "keystone_access_rules",
	reflect.TypeFor[keystone.Trust]():             "keystone_trusts",
	reflect.TypeFor[keystone.Revocation]():        "keystone_revocations",
	reflect.TypeFor[keystone.Key]():               "keystone_keys",
	reflect.TypeFor[keystone.RegisteredLimit]():   "keystone_registered_limits",
	reflect.TypeFor[keystone.Limit]():             "keystone_limits",
	reflect.TypeFor[keystone.EndpointGroup]():     "keystone_endpoint_groups",
	reflect.TypeFor[keystone.EndpointFilter]():    "keystone_endpoint_filters",
	reflect.TypeFor[keystone.Consumer]():          "keystone_consumers",
	reflect.TypeFor[keystone.DomainOption]():      "keystone_domain_options",
	reflect.TypeFor[keystone.Failures]():          "keystone_failures",
	reflect.TypeFor[keystone.PolicyAssociation](): "keystone_policy_associations",
	reflect.TypeFor[keystone.Event]():             "keystone_events",
	reflect.TypeFor[keystone.OldPassword]():       "keystone_old_passwords",
	reflect.TypeFor[keystone.UsedCode]():          "keystone_used_codes",
	reflect.TypeFor[keystone.RequestToken]():      "keystone_request_tokens",
	reflect.TypeFor[keystone.AccessToken]():       "keystone_access_tokens",
	reflect.TypeFor[keystone.UsedNonce]():         "keystone_oauth_nonces",

	reflect.TypeFor[keystone.IdentityProvider]():   "keystone_identity_providers",
	reflect.TypeFor[keystone.RemoteID]():           "keystone_remote_ids",
	reflect.TypeFor[keystone.Protocol]():           "keystone_protocols",
	reflect.TypeFor[keystone.AttributeMapping]():   "keystone_mappings",
	reflect.TypeFor[keystone.ServiceProvider]():    "keystone_service_providers",
	reflect.TypeFor[keystone.FederatedUser]():      "keystone_federated_users",
	reflect.TypeFor[keystone.ExpiringMembership](): "keystone_expiring_memberships",
	reflect.TypeFor[keystone.UsedProof]():          "keystone_used_proofs",
	reflect.TypeFor[keystone.DirectoryID]():        "keystone_directory_ids",
	reflect.TypeFor[keystone.SAMLKey]():            "keystone_saml_keys",
}

// tableOf is the table of a row, of a pointer to it, or of a slice of either.
func tableOf(row any) string {
	t := reflect.TypeOf(row)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	name := tables[t]
	if name == "" {
		panic(fmt.Sprintf("keystone has no table of %s", t))
	}
	return name
}

func where[Q interface{ Where(string, ...any) Q }](q Q, m keystone.Match) Q {
	for col, v := range m {
		if reflect.ValueOf(v).Kind() == reflect.Slice {
			q = q.Where("? IN (?)", bun.Ident(col), bun.List(v))
		} else {
			q = q.Where("? = ?", bun.Ident(col), v)
		}
	}
	return q
}

func (s *Store) Insert(ctx context.Context, row any) error {
	_, err := s.db.Q(ctx).NewInsert().Model(row).ModelTableExpr(tableOf(row)).Exec(ctx)
	return err
}

func (s *Store) Update(ctx context.Context, row any) error {
	_, err := s.db.Q(ctx).NewUpdate().Model(row).ModelTableExpr(tableOf(row) + " AS ?TableAlias").WherePK().Exec(ctx)
	return err
}

func (s *Store) Delete(ctx context.Context, kind any, m keystone.Match) (int, error) {
	r, err := where(s.db.Q(ctx).NewDelete().TableExpr(tableOf(kind)), m).Exec(ctx)
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	return int(n), err
}

func (s *Store) Count(ctx context.Context, kind any, m keystone.Match) (int, error) {
	n, err := where(s.db.Q(ctx).NewSelect().TableExpr(tableOf(kind)), m).Count(ctx)
	return int(n), err
}

func (s *Store) Select(ctx context.Context, rows any, m keystone.Match, order ...string) error {
	q := where(s.db.Q(ctx).NewSelect().Model(rows).ModelTableExpr(tableOf(rows)+" AS ?TableAlias"), m)
	for _, o := range order {
		q = q.OrderExpr("?", bun.Ident(o))
	}
	return q.Scan(ctx)
}

// List filters by equality on the columns that the row has.
func (s *Store) List(ctx context.Context, rows any, l listing.List) error {
	q := s.db.Q(ctx).NewSelect().Model(rows).ModelTableExpr(tableOf(rows) + " AS ?TableAlias")
	if err := s.filter(q, rows, l); err != nil {
		return err
	}
	return q.Scan(ctx)
}

// filter adds filters, order, marker and limit. "name__contains" and its like
// compare with a part of the text.
func (s *Store) filter(q *bun.SelectQuery, rows any, l listing.List) error {
	cols := columns(rows)
	for name, values := range l.Where {
		col, how, _ := strings.Cut(name, "__")
		typ, ok := cols[col]
		if !ok {
			continue
		}
		if err := s.compare(q, col, how, typ, values); err != nil {
			return err
		}
	}
	l.Sorts = slices.DeleteFunc(slices.Clone(l.Sorts), func(k listing.Sort) bool { return cols[k.Key] == nil })
	sqldb.Order(q, l, sqldb.Columns{Table: tableOf(rows)})
	return nil
}

func (s *Store) compare(q *bun.SelectQuery, col, how string, typ reflect.Type, values []string) error {
	if typ.Kind() == reflect.Bool {
		no := slices.Contains([]string{"0", "f", "false", "off", "n", "no"}, strings.ToLower(values[0]))
		q.Where("? = ?", bun.Ident(col), !no)
		return nil
	}
	if how == "" {
		q.Where("? IN (?)", bun.Ident(col), bun.List(values))
		return nil
	}
	part, text, want := how, "?", values[len(values)-1]
	if part, ok := strings.CutPrefix(how, "i"); ok {
		how, text, want = part, "LOWER(?)", strings.ToLower(want)
	}
	test := parts[how]
	if test == "" {
		return fault.New(fault.Invalid, "Unknown comparison: %s", part)
	}
	var args []any
	for _, c := range test {
		switch c {
		case '@':
			args = append(args, bun.Ident(col))
		case '$':
			args = append(args, want)
		}
	}
	q.Where(strings.NewReplacer("@", text, "$", "?").Replace(test), args...)
	return nil
}

// parts are comparisons with a part of a text, letter by letter in both databases,
// which LIKE is not. @ is the column, $ the part.
var parts = map[string]string{
	"contains":   "REPLACE(@, $, '') <> @",
	"startswith": "SUBSTR(@, 1, LENGTH($)) = $",
	"endswith":   "LENGTH(@) >= LENGTH($) AND SUBSTR(@, LENGTH(@) - LENGTH($) + 1) = $",
	"exact":      "@ = $",
}

// columns are a row's by name.
func columns(rows any) map[string]reflect.Type {
	t := reflect.TypeOf(rows)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	out := map[string]reflect.Type{}
	for n := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(n).Tag.Get("bun"), ","); name != "" && name != "-" {
			out[name] = t.Field(n).Type
		}
	}
	return out
}

func (s *Store) Prune(ctx context.Context, now time.Time) error {
	for sql, before := range map[string]any{
		"DELETE FROM keystone_revocations WHERE expires_at < ?":    now,
		"DELETE FROM keystone_used_codes WHERE step < ?":           now.Unix()/30 - 10,
		"DELETE FROM keystone_oauth_nonces WHERE stamp < ?":        now.Add(-time.Hour).Unix(),
		"DELETE FROM keystone_request_tokens WHERE expires_at < ?": now.Add(-time.Hour),
		"DELETE FROM keystone_access_tokens WHERE expires_at < ?":  now.Add(-72 * time.Hour),
		"DELETE FROM keystone_used_proofs WHERE expires_at < ?":    now,
	} {
		if _, err := s.db.Q(ctx).ExecContext(ctx, sql, before); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) Fail(ctx context.Context, user string, now, since time.Time) error {
	_, err := s.db.Q(ctx).NewRaw(`INSERT INTO keystone_failures (user_id, attempts, failed_at) VALUES (?, 1, ?) ON CONFLICT (user_id) DO UPDATE SET
		attempts = CASE WHEN keystone_failures.failed_at < ? THEN 1 ELSE keystone_failures.attempts + 1 END, failed_at = excluded.failed_at`, user, now, since).Exec(ctx)
	return err
}

// each runs the statements with the same arguments.
func (s *Store) each(ctx context.Context, statements []string, args ...any) error {
	for _, sql := range statements {
		if _, err := s.db.Q(ctx).ExecContext(ctx, sql, args[:min(len(args), strings.Count(sql, "?"))]...); err != nil {
			return err
		}
	}
	return nil
}
