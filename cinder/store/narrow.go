package store

import (
	"context"
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"

	"github.com/uptrace/bun"
)

// narrow adds the filters that are more than "this column is one of these": it takes
// them out of the list that it returns.
func narrow(sel *bun.SelectQuery, q cinder.VolumeQuery, cols sqldb.Columns) (*bun.SelectQuery, listing.List, error) {
	l := q.List
	l.Where = maps.Clone(l.Where)
	if q.ProjectID != "" {
		sel = sel.Where("project_id = ?", q.ProjectID)
	}
	if q.Except != "" {
		sel = sel.Where("group_type_id <> ?", q.Except)
	}
	for name, values := range q.Where {
		value := values[0]
		var err error
		switch base, like := strings.CutSuffix(name, "~"); {
		case like:
			col := base
			if c, ok := cols.By[base]; ok {
				col = c
			}
			sel = sel.Where("? LIKE ? ESCAPE '!'", bun.Ident(col), "%"+escape(value)+"%")
		case name == "bootable" || name == "multiattach" || name == "public":
			b, ok := truth(value)
			if !ok {
				return nil, l, fault.New(fault.Invalid, "Invalid input received: Invalid value '%s' for %s.", value, name)
			}
			sel = sel.Where("? = ?", bun.Ident(name), b)
		case name == "metadata":
			sel, err = members(sel, "metadata", value)
		case name == "glance_metadata":
			sel, err = members(sel, "image", value)
		case name == "created_at" || name == "updated_at":
			sel, err = times(sel, name, values)
		default:
			if _, ok := cols.By[name]; !ok { // such a thing has no such property
				sel = sel.Where("1 = 0")
			}
			continue
		}
		if err != nil {
			return nil, l, err
		}
		delete(l.Where, name)
	}
	return sel, l, nil
}

func truth(s string) (value, ok bool) {
	b, err := strconv.ParseBool(strings.ToLower(s))
	return b, err == nil
}

func escape(s string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(s)
}

// members asks that a column of JSON has the members of an object, written as JSON or
// as Python writes a dict.
func members(sel *bun.SelectQuery, column, value string) (*bun.SelectQuery, error) {
	want := map[string]string{}
	if json.Unmarshal([]byte(value), &want) != nil && json.Unmarshal([]byte(strings.NewReplacer("u'", `"`, "'", `"`).Replace(value)), &want) != nil {
		return nil, fault.New(fault.Invalid, "Invalid input received: Invalid value '%s' for %s.", value, column)
	}
	for k, v := range want {
		one, err := json.Marshal(map[string]string{k: v})
		if err != nil {
			return nil, err
		}
		member := escape(string(one[1 : len(one)-1]))
		sel = sel.Where("(? LIKE ? ESCAPE '!' OR ? LIKE ? ESCAPE '!')", bun.Ident(column), "{"+member+"%", bun.Ident(column), "%,"+member+"%")
	}
	return sel, nil
}

var operators = map[string]string{"gt": ">", "gte": ">=", "eq": "=", "neq": "<>", "lt": "<", "lte": "<="}

// times reads "gt:2018-01-01T00:00:00,lt:…".
func times(sel *bun.SelectQuery, column string, values []string) (*bun.SelectQuery, error) {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			op, at, ok := strings.Cut(part, ":")
			sign, known := operators[op]
			if !ok || !known {
				sign, at = "=", part
			}
			t, err := moment(at)
			if err != nil {
				return nil, fault.New(fault.Invalid, "Invalid input received: Invalid value '%s' for %s: it is no time.", at, column)
			}
			switch sign { // shown in whole seconds at least: equal is within one
			case "=":
				sel = sel.Where("? >= ? AND ? < ?", bun.Ident(column), t, bun.Ident(column), t.Add(time.Second))
			case "<>":
				sel = sel.Where("(? < ? OR ? >= ?)", bun.Ident(column), t, bun.Ident(column), t.Add(time.Second))
			default:
				sel = sel.Where("? ? ?", bun.Ident(column), bun.Safe(sign), t)
			}
		}
	}
	return sel, nil
}

func moment(s string) (time.Time, error) {
	var err error
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		var t time.Time
		if t, err = time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, err
}

func (s *Store) count(ctx context.Context, q cinder.VolumeQuery, cols sqldb.Columns) (int, error) {
	sel, l, err := narrow(s.db.Q(ctx).NewSelect().TableExpr("?", bun.Ident(cols.Table)), q, cols)
	if err != nil {
		return 0, err
	}
	for name, values := range l.Where {
		if col, ok := cols.By[name]; ok {
			sel = sel.Where("? IN (?)", bun.Ident(col), bun.List(values))
		}
	}
	n, err := sel.Count(ctx)
	return int(n), err
}
