package api

import (
	"reflect"
	"strings"
	"time"

	"stackd/neutron"
)

// standard are the attributes that every view has.
type standard struct {
	ID          string    `wire:"id"`
	Name        string    `wire:"name"`
	Description string    `wire:"description"`
	ProjectID   string    `wire:"project_id"`
	TenantID    string    `wire:"tenant_id"`
	Tags        []string  `wire:"tags"`
	CreatedAt   time.Time `wire:"created_at"`
	UpdatedAt   time.Time `wire:"updated_at"`
	Revision    int64     `wire:"revision_number"`
}

func standardOf(b *neutron.Base) standard {
	return standard{b.ID, b.Name, b.Description, b.ProjectID, b.ProjectID, b.Tags, b.CreatedAt, b.UpdatedAt, b.Revision}
}

// orNone is null for "".
func orNone(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// only keeps of a view the attributes that were asked for.
func only(view any, fields []string) map[string]any {
	out := map[string]any{}
	pick(reflect.Indirect(reflect.ValueOf(view)), fields, out)
	return out
}

func pick(v reflect.Value, fields []string, out map[string]any) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("wire"), ",")
		switch {
		case name == "" && f.Anonymous:
			pick(v.Field(i), fields, out)
		case name == "*":
			for k, x := range v.Field(i).Interface().(Guarded) {
				if contains(fields, k) {
					out[k] = x
				}
			}
		case contains(fields, name):
			out[name] = v.Field(i).Interface()
		}
	}
}

var standardReadonly = []string{"id", "status", "created_at", "updated_at", "revision_number", "tags"}

var standardFilters = []string{"id", "name", "description", "project_id", "tenant_id", "revision_number", "tags", "tags-any", "not-tags", "not-tags-any"}

var standardSorts = []string{"id", "name", "description", "project_id", "tenant_id", "created_at", "updated_at", "revision_number"}

func and(base []string, more ...string) []string {
	return append(append([]string{}, base...), more...)
}
