package ovn

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/model"
	"github.com/ovn-kubernetes/libovsdb/ovsdb"
)

// diff is the operations that make have, of which only what the keys own counts,
// into want. Every row of want that is not there is inserted, every one that differs
// is updated in the columns that do, and root rows that nobody wants are deleted. When
// another control plane has changed such a column meanwhile, none of it is done.
func diff(c client.Client, have, want rows) ([]ovsdb.Operation, error) {
	var ops []ovsdb.Operation
	for table, rows := range want {
		for id, m := range rows {
			op, err := change(c, have[table][id], m)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", table, err)
			}
			ops = append(ops, op...)
		}
	}
	for _, table := range roots {
		for id, m := range have[table] {
			if want[table][id] != nil {
				continue
			}
			op, err := c.Where(m).Delete()
			if err != nil {
				return nil, err
			}
			ops = append(ops, op...)
		}
	}
	return ops, nil
}

func change(c client.Client, old, m model.Model) ([]ovsdb.Operation, error) {
	if old == nil {
		return c.Create(m)
	}
	fields := changed(old, m)
	if len(fields) == 0 {
		return nil, nil
	}
	now := 0
	unchanged, err := c.Where(m).Wait(ovsdb.WaitConditionEqual, &now, old, alike(old, m, fields)...)
	if err != nil {
		return nil, err
	}
	update, err := c.Where(m).Update(m, fields...)
	return append(unchanged, update...), err
}

// alike are pointers to the fields of old that fields are of m.
func alike(old, m model.Model, fields []any) []any {
	a, b := reflect.ValueOf(old).Elem(), reflect.ValueOf(m).Elem()
	var out []any
	for i := range b.NumField() {
		if slices.Contains(fields, b.Field(i).Addr().Interface()) {
			out = append(out, a.Field(i).Addr().Interface())
		}
	}
	return out
}

// overtaken tells whether a transaction failed because another's was before it.
func overtaken(err error) bool {
	var timedOut *ovsdb.TimedOut
	var other *ovsdb.Error
	return errors.As(err, &timedOut) || errors.As(err, &other) && strings.Contains(other.Error(), "duplicate uuid")
}

// changed are pointers to the fields of m that differ from old's.
func changed(old, m model.Model) []any {
	a, b := reflect.ValueOf(old).Elem(), reflect.ValueOf(m).Elem()
	var out []any
	for i := range b.NumField() {
		f := b.Type().Field(i)
		if f.Name == "UUID" || f.Tag.Get("seen") == "only" || same(a.Field(i), b.Field(i)) {
			continue
		}
		out = append(out, b.Field(i).Addr().Interface())
	}
	return out
}

// same compares two columns: sets have no order, and none is like empty.
func same(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Slice:
		x, y := slices.Clone(a.Interface().([]string)), slices.Clone(b.Interface().([]string))
		slices.Sort(x)
		slices.Sort(y)
		return slices.Equal(x, y)
	case reflect.Map:
		return a.Len() == 0 && b.Len() == 0 || reflect.DeepEqual(a.Interface(), b.Interface())
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}
