package rest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// violation picks the first cause that is not a mere grouping.
func violation(e *jsonschema.ValidationError, doc any) Violation {
	for len(e.Causes) > 0 {
		if _, group := e.ErrorKind.(*kind.AnyOf); group {
			break
		}
		if _, group := e.ErrorKind.(*kind.OneOf); group {
			break
		}
		e = slices.MinFunc(e.Causes, func(a, b *jsonschema.ValidationError) int {
			return strings.Compare(strings.Join(a.InstanceLocation, "/"), strings.Join(b.InstanceLocation, "/"))
		})
	}
	at := lookUp(doc, e.InstanceLocation)
	return Violation{Path: e.InstanceLocation, Value: at, Text: words(e.ErrorKind, at)}
}

func lookUp(doc any, at []string) any {
	for _, p := range at {
		switch v := doc.(type) {
		case map[string]any:
			doc = v[p]
		case []any:
			i, err := strconv.Atoi(p)
			if err != nil || i >= len(v) {
				return nil
			}
			doc = v[i]
		}
	}
	return doc
}

func words(k jsonschema.ErrorKind, at any) string {
	value := Repr(at)
	switch k := k.(type) {
	case *kind.Required:
		return Repr(k.Missing[0]) + " is a required property"
	case *kind.AdditionalProperties:
		slices.Sort(k.Properties)
		var l []string
		for _, p := range k.Properties {
			l = append(l, Repr(p))
		}
		verb := "was"
		if len(l) > 1 {
			verb = "were"
		}
		return fmt.Sprintf("Additional properties are not allowed (%s %s unexpected)", strings.Join(l, ", "), verb)
	case *kind.Type:
		return value + " is not of type " + reprAll(k.Want)
	case *kind.Enum:
		return value + " is not one of " + Repr(k.Want)
	case *kind.Const:
		return Repr(k.Want) + " was expected"
	case *kind.MinLength, *kind.MinItems:
		return value + " is too short"
	case *kind.MaxLength, *kind.MaxItems:
		return value + " is too long"
	case *kind.MinProperties:
		return value + " does not have enough properties"
	case *kind.MaxProperties:
		return value + " has too many properties"
	case *kind.Pattern:
		return value + " does not match " + Repr(k.Want)
	case *kind.Format:
		return value + " is not a " + Repr(k.Want)
	case *kind.Minimum:
		f, _ := k.Want.Float64()
		return fmt.Sprintf("%s is less than the minimum of %v", value, f)
	case *kind.Maximum:
		f, _ := k.Want.Float64()
		return fmt.Sprintf("%s is greater than the maximum of %s", value, strconv.FormatFloat(f, 'f', -1, 64))
	case *kind.UniqueItems:
		return value + " has non-unique elements"
	case *kind.AnyOf, *kind.OneOf:
		return value + " is not valid under any of the given schemas"
	case *kind.FalseSchema, *kind.Not:
		return value + " is not allowed here"
	}
	return value + " is not valid"
}

func reprAll(want []string) string {
	var l []string
	for _, w := range want {
		l = append(l, Repr(w))
	}
	return strings.Join(l, ", ")
}

// Repr writes a JSON value as Python's repr does, which OpenStack's messages show.
func Repr(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		if strings.Contains(v, "'") && !strings.Contains(v, `"`) {
			return `"` + v + `"`
		}
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(v) + "'"
	case json.Number:
		return v.String()
	case []string:
		return Repr(anys(v))
	case []any:
		var l []string
		for _, x := range v {
			l = append(l, Repr(x))
		}
		return "[" + strings.Join(l, ", ") + "]"
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		var l []string
		for _, k := range keys {
			l = append(l, Repr(k)+": "+Repr(v[k]))
		}
		return "{" + strings.Join(l, ", ") + "}"
	}
	return fmt.Sprint(v)
}

func anys(l []string) []any {
	out := make([]any, len(l))
	for i, s := range l {
		out[i] = s
	}
	return out
}
