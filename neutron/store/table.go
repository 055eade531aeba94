package store

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"stackd/internal/listing"
	"stackd/internal/sqldb"
	"stackd/neutron"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// A table is one kind of thing: how it is found, and what belongs to it.
type table[T any] struct {
	db      *sqldb.DB
	name    string
	filters map[string]filter
	sorts   map[string]string // wire name → column
	// seen narrows to what a project may see.
	seen func(q *bun.SelectQuery, project string) *bun.SelectQuery
	// load reads what belongs to the rows from other tables, in a fixed number of queries.
	load func(ctx context.Context, db *sqldb.DB, rows []T, q neutron.Query) error
	// save writes what belongs to a row in other tables; drop deletes it.
	save func(ctx context.Context, db *sqldb.DB, row *T, fresh bool) error
	drop func(ctx context.Context, db *sqldb.DB, ids []string) error
}

// as is the table by the alias that bun gives T in every statement.
func (t table[T]) as(ctx context.Context) schema.QueryWithArgs {
	return aliased[T](t.db.Q(ctx), t.name)
}

func aliased[T any](db bun.IDB, name string) schema.QueryWithArgs {
	alias := db.Dialect().Tables().Get(reflect.TypeFor[*T]()).Alias
	return schema.SafeQuery("? AS ?", []any{bun.Ident(name), bun.Ident(alias)})
}

func (t table[T]) narrow(q *bun.SelectQuery, l neutron.Query) *bun.SelectQuery {
	if !l.All && t.seen != nil {
		q = t.seen(q, l.Project)
	}
	for name, values := range l.Where {
		if f, ok := t.filters[name]; ok {
			q = f(q, l.Project, values)
		}
	}
	return q
}

// List finds what the query asks for, one more than its limit.
func (t table[T]) List(ctx context.Context, l neutron.Query) ([]T, error) {
	var rows []T
	q := t.narrow(t.db.Q(ctx).NewSelect().Model(&rows).ModelTableExpr("?", t.as(ctx)), l)
	q = sqldb.Order(q, l.List, sqldb.Columns{Table: t.name, By: t.sorts, Sorts: []listing.Sort{{Key: "id"}}})
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list of %s: %w", t.name, err)
	}
	if l.Reverse {
		slices.Reverse(rows)
	}
	if t.load == nil || len(rows) == 0 || l.Bare {
		return rows, nil
	}
	return rows, t.load(ctx, t.db, rows, l)
}

// Count tells how many there are.
func (t table[T]) Count(ctx context.Context, l neutron.Query) (int, error) {
	n, err := t.narrow(t.db.Q(ctx).NewSelect().TableExpr("?", t.as(ctx)), l).Count(ctx)
	return int(n), err
}

func (t table[T]) Insert(ctx context.Context, rows ...*T) error {
	for _, r := range rows {
		if _, err := t.db.Q(ctx).NewInsert().Model(r).ModelTableExpr("?", t.as(ctx)).Exec(ctx); err != nil {
			return fmt.Errorf("insert into %s: %w", t.name, err)
		}
		if t.save != nil {
			if err := t.save(ctx, t.db, r, true); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t table[T]) Save(ctx context.Context, r *T) error {
	if _, err := t.db.Q(ctx).NewUpdate().Model(r).ModelTableExpr("?", t.as(ctx)).WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("update of %s: %w", t.name, err)
	}
	if t.save == nil {
		return nil
	}
	return t.save(ctx, t.db, r, false)
}

func (t table[T]) Delete(ctx context.Context, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	if t.drop != nil {
		if err := t.drop(ctx, t.db, ids); err != nil {
			return err
		}
	}
	_, err := t.db.Q(ctx).NewDelete().TableExpr(t.name).Where("id IN (?)", bun.List(ids)).Exec(ctx)
	return err
}

// columns makes a sort key of each name that is a column of the same name.
func columns(names string) map[string]string {
	m := map[string]string{}
	for _, n := range strings.Fields(names) {
		wire, col, ok := strings.Cut(n, "=")
		if !ok {
			col = wire
		}
		m[wire] = col
	}
	return m
}
