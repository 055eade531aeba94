package store

import (
	"encoding/json"
	"strings"

	"github.com/uptrace/bun"
)

// within keeps the rows whose column, a JSON text, holds v: a string of a list, or
// a member of an object. Both databases compare so letter by letter, unlike LIKE.
func within(q *bun.SelectQuery, column string, v any) *bun.SelectQuery {
	b, err := json.Marshal(v)
	if err != nil {
		return q.Where("1 = 0")
	}
	text := strings.TrimSuffix(strings.TrimPrefix(string(b), "{"), "}")
	return q.Where("REPLACE(?, ?, '') <> ?", bun.Ident(column), text, bun.Ident(column))
}
