package store

import (
	"stackd/internal/listing"

	"github.com/uptrace/bun"
)

// federated limits users to those whom an identity provider means by something.
func federated(q *bun.SelectQuery, l listing.List) {
	sql, args := "id IN (SELECT user_id FROM keystone_federated_users WHERE 1 = 1", []any{}
	for _, col := range []string{"idp_id", "protocol_id", "unique_id"} {
		if v := l.First(col); v != "" {
			sql += " AND ? = ?"
			args = append(args, bun.Ident(col), v)
		}
	}
	if len(args) > 0 {
		q.Where(sql+")", args...)
	}
}
