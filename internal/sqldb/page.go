package sqldb

import (
	"fmt"
	"slices"
	"strings"

	"stackd/internal/listing"

	"github.com/uptrace/bun"
)

// Columns says how a collection is read: the wire's sort keys and filters by
// their columns, the table, and the column of the marker.
type Columns struct {
	Table string
	ID    string            // unique; the last sort key and the marker; "" is "id"
	By    map[string]string // wire name → column, for filters and sorts
	Sorts []listing.Sort    // the order when none is asked for
}

// Page adds to q the filters it knows (equality; several values are alternatives),
// order, marker and limit+1 of l. Filters not in By are left to the caller.
func Page(q *bun.SelectQuery, l listing.List, c Columns) *bun.SelectQuery {
	for name, values := range l.Where {
		if col, ok := c.By[name]; ok {
			q = q.Where("? IN (?)", bun.Ident(col), bun.List(values))
		}
	}
	return Order(q, l, c)
}

// Order adds order, marker and limit+1 only.
func Order(q *bun.SelectQuery, l listing.List, c Columns) *bun.SelectQuery {
	keys := c.order(l)
	if l.Marker != "" {
		q = q.Where("?", bun.Safe(after(keys, c, l.Marker)))
	}
	for _, k := range keys {
		dir := "ASC"
		if k.Desc {
			dir = "DESC"
		}
		q = q.OrderExpr("? "+dir, bun.Ident(k.Key))
	}
	if l.Limit > 0 {
		q = q.Limit(int64(l.Limit) + 1)
	}
	return q
}

func (c Columns) id() string {
	if c.ID == "" {
		return "id"
	}
	return c.ID
}

// order is the sort keys as columns, ending in the unique one.
func (c Columns) order(l listing.List) []listing.Sort {
	sorts := l.Sorts
	if len(sorts) == 0 {
		sorts = c.Sorts
	}
	var keys []listing.Sort
	for _, s := range sorts {
		if col, ok := c.By[s.Key]; ok {
			s.Key = col
		}
		keys = append(keys, s)
	}
	if !slices.ContainsFunc(keys, func(s listing.Sort) bool { return s.Key == c.id() }) {
		keys = append(keys, listing.Sort{Key: c.id()})
	}
	if l.Reverse {
		for i := range keys {
			keys[i].Desc = !keys[i].Desc
		}
	}
	return keys
}

// after is the condition "comes after the marker's row": for keys a,b,id it is
// a > A or (a = A and b > B) or (a = A and b = B and id > ID); and, for the index on a that
// no database sees in this, a >= A.
func after(keys []listing.Sort, c Columns, marker string) string {
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	id := "'" + strings.ReplaceAll(marker, "'", "''") + "'"
	value := func(col string) string {
		return fmt.Sprintf("(SELECT %s FROM %s WHERE %s = %s)", quote(col), quote(c.Table), quote(c.id()), id)
	}
	var ors []string
	for i, k := range keys {
		var ands []string
		for _, e := range keys[:i] {
			ands = append(ands, quote(e.Key)+" = "+value(e.Key))
		}
		op := " > "
		if k.Desc {
			op = " < "
		}
		ors = append(ors, "("+strings.Join(append(ands, quote(k.Key)+op+value(k.Key)), " AND ")+")")
	}
	text := "(" + strings.Join(ors, " OR ") + ")"
	if len(keys) == 1 {
		return text
	}
	bound := " >= "
	if keys[0].Desc {
		bound = " <= "
	}
	return "(" + quote(keys[0].Key) + bound + value(keys[0].Key) + " AND " + text + ")"
}
