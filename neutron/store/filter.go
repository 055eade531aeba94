package store

import (
	"encoding/json"
	"maps"
	"strings"

	"stackd/internal/rest"

	"github.com/uptrace/bun"
)

// A filter narrows a query to rows that match one of the values.
type filter func(q *bun.SelectQuery, project string, values []string) *bun.SelectQuery

func text(column string) filter {
	return func(q *bun.SelectQuery, _ string, v []string) *bun.SelectQuery {
		return q.Where("? IN (?)", bun.Ident(column), bun.List(v))
	}
}

// number matches no row for values that are no numbers.
func number(column string) filter {
	return func(q *bun.SelectQuery, _ string, v []string) *bun.SelectQuery {
		return q.Where("CAST(? AS TEXT) IN (?)", bun.Ident(column), bun.List(v))
	}
}

func boolean(column string) filter {
	return func(q *bun.SelectQuery, _ string, v []string) *bun.SelectQuery {
		var want []bool
		for _, s := range v {
			if b, ok := rest.Bool(s); ok {
				want = append(want, b)
			}
		}
		if len(want) == 0 {
			return q.Where("1 = 0")
		}
		return q.Where("? IN (?)", bun.Ident(column), bun.List(want))
	}
}

// tagged matches rows by their tags: all of them, any of them, or not so.
func tagged(some, not bool) filter {
	return func(q *bun.SelectQuery, _ string, v []string) *bun.SelectQuery {
		var conds []string
		var args []any
		for _, t := range strings.Split(strings.Join(v, ","), ",") {
			conds = append(conds, "COALESCE(tags, '') LIKE ? ESCAPE '!'")
			args = append(args, like(t))
		}
		op := " AND "
		if some {
			op = " OR "
		}
		cond := "(" + strings.Join(conds, op) + ")"
		if not {
			cond = "NOT " + cond
		}
		return q.Where(cond, args...)
	}
}

// like is the pattern of a JSON list that has the string.
func like(tag string) string {
	b, _ := json.Marshal(tag)
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(string(b)) + "%"
}

// shared matches what a policy shares with the one who asks.
func shared(alias string) filter {
	return func(q *bun.SelectQuery, project string, v []string) *bun.SelectQuery {
		want := false
		for _, s := range v {
			b, _ := rest.Bool(s)
			want = want || b
		}
		not := "NOT "
		if want {
			not = ""
		}
		return q.Where(not+"EXISTS (SELECT 1 FROM network_rbac WHERE object_id = "+alias+".id AND action = 'access_as_shared' AND target_project IN ('*', ?))", project)
	}
}

// common are the filters that every kind has.
func common(more map[string]filter) map[string]filter {
	m := map[string]filter{
		"id": text("id"), "name": text("name"), "description": text("description"), "project_id": text("project_id"), "tenant_id": text("project_id"),
		"revision_number": number("revision"),
		"tags":            tagged(false, false), "tags-any": tagged(true, false), "not-tags": tagged(false, true), "not-tags-any": tagged(true, true),
	}
	maps.Copy(m, more)
	return m
}

const commonSorts = "id name description project_id tenant_id=project_id created_at updated_at revision_number=revision "

// own: a project sees what it owns.
func own(q *bun.SelectQuery, project string) *bun.SelectQuery {
	return q.Where("project_id = ?", project)
}

// ownOrShared: and what a policy shares with it.
func ownOrShared(alias string) func(*bun.SelectQuery, string) *bun.SelectQuery {
	return func(q *bun.SelectQuery, project string) *bun.SelectQuery {
		return q.Where("(project_id = ? OR EXISTS (SELECT 1 FROM network_rbac WHERE object_id = "+alias+".id AND target_project IN ('*', ?)))", project, project)
	}
}
