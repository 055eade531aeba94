package rest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A field is one member of a wire type.
type field struct {
	name      string
	key       []byte // `"name":`
	index     []int
	span      Range
	omitEmpty bool
	behind    bool // an embedded pointer, and absent when that is nil
}

var plans sync.Map // reflect.Type → []field

func planOf(t reflect.Type) []field {
	if p, ok := plans.Load(t); ok {
		return p.([]field)
	}
	p := makePlan(t, nil)
	plans.Store(t, p)
	return p
}

func makePlan(t reflect.Type, at []int) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(slices.Clone(at), i)
		tag := f.Tag.Get("wire")
		if tag == "" {
			if f.Anonymous && f.Type.Kind() == reflect.Struct {
				out = append(out, makePlan(f.Type, index)...)
			}
			if f.Anonymous && f.Type.Kind() == reflect.Pointer {
				out = append(out, behind(makePlan(f.Type.Elem(), index))...)
			}
			continue
		}
		parts := strings.Split(tag, ",")
		w := field{name: parts[0], key: appendString(nil, parts[0]), index: index}
		w.key = append(w.key, ':')
		if len(parts) > 1 && parts[1] != "" {
			w.span = parseSpan(parts[1], t)
		}
		w.omitEmpty = len(parts) > 2 && parts[2] == "omitempty"
		out = append(out, w)
	}
	return out
}

func behind(fields []field) []field {
	for i := range fields {
		fields[i].behind = true
	}
	return fields
}

func parseSpan(s string, t reflect.Type) Range {
	since, until, ok := strings.Cut(s, "..")
	from, err1 := ParseVersion(since)
	to, err2 := ParseVersion(until)
	if !ok || since != "" && err1 != nil || until != "" && err2 != nil {
		panic(fmt.Sprintf("wire tag %q of %s: want since..until", s, t))
	}
	return Range{from, to}
}

// Render is the JSON that Do would write of v, for answers that are kept.
func Render(v any) (json.RawMessage, error) { return encode(nil, reflect.ValueOf(v), 0, nil) }

// encode appends x as JSON, as version v knows it, with only the members in
// fields at the top (nil is all).
func encode(b []byte, x reflect.Value, v Version, fields []string) ([]byte, error) {
	if !x.IsValid() {
		return append(b, "null"...), nil
	}
	switch x.Kind() {
	case reflect.Pointer, reflect.Interface:
		if x.IsNil() {
			return append(b, "null"...), nil
		}
		return encode(b, x.Elem(), v, fields)
	}
	if done, out, err := encodeKnown(b, x); done {
		return out, err
	}
	switch x.Kind() {
	case reflect.String:
		return appendString(b, x.String()), nil
	case reflect.Bool:
		return strconv.AppendBool(b, x.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, x.Int(), 10), nil
	case reflect.Slice, reflect.Array:
		return encodeList(b, x, v, fields)
	case reflect.Map:
		return encodeMap(b, x, v, fields)
	case reflect.Struct:
		return encodeStruct(b, x, v, fields)
	}
	m, err := json.Marshal(x.Interface())
	return append(b, m...), err
}

var (
	timeType      = reflect.TypeFor[time.Time]()
	marshalerType = reflect.TypeFor[json.Marshaler]()
)

// encodeKnown writes types that know themselves.
func encodeKnown(b []byte, x reflect.Value) (bool, []byte, error) {
	t := x.Type()
	if t == timeType {
		at := x.Interface().(time.Time)
		if at.IsZero() {
			return true, append(b, "null"...), nil
		}
		return true, append(at.UTC().AppendFormat(append(b, '"'), "2006-01-02T15:04:05Z"), '"'), nil
	}
	if t.NumMethod() > 0 && t.Implements(marshalerType) {
		m, err := x.Interface().(json.Marshaler).MarshalJSON()
		return true, append(b, m...), err
	}
	return false, b, nil
}

func encodeList(b []byte, x reflect.Value, v Version, fields []string) ([]byte, error) {
	var err error
	b = append(b, '[')
	for i := range x.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = encode(b, x.Index(i), v, fields); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func encodeMap(b []byte, x reflect.Value, v Version, fields []string) ([]byte, error) {
	keys := x.MapKeys()
	slices.SortFunc(keys, func(a, c reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(c)) })
	var err error
	b = append(b, '{')
	first := true
	for _, k := range keys {
		name := fmt.Sprint(k)
		if fields != nil && !slices.Contains(fields, name) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendString(b, name), ':')
		if b, err = encode(b, x.MapIndex(k), v, nil); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func encodeStruct(b []byte, x reflect.Value, v Version, fields []string) ([]byte, error) {
	var err error
	b = append(b, '{')
	first := true
	for _, f := range planOf(x.Type()) {
		if !f.span.Has(v) || fields != nil && f.name != "*" && !slices.Contains(fields, f.name) {
			continue
		}
		if f.behind {
			if _, err := x.FieldByIndexErr(f.index); err != nil {
				continue
			}
		}
		value := x.FieldByIndex(f.index)
		if f.omitEmpty && empty(value) {
			continue
		}
		if f.name == "*" {
			if b, first, err = encodeInto(b, value, v, fields, first); err != nil {
				return b, err
			}
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, f.key...)
		if b, err = encode(b, value, v, nil); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// encodeInto appends a map's members to the object that b ends in.
func encodeInto(b []byte, m reflect.Value, v Version, fields []string, first bool) ([]byte, bool, error) {
	if m.Len() == 0 {
		return b, first, nil
	}
	more, err := encodeMap(nil, m, v, fields)
	if len(more) <= 2 {
		return b, first, err
	}
	if !first {
		b = append(b, ',')
	}
	return append(b, more[1:len(more)-1]...), false, err
}

func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return v.IsZero()
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string; bytes that are no UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		ch := s[i]
		if ch >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += n
			continue
		}
		switch {
		case ch == '"' || ch == '\\':
			b = append(b, '\\', ch)
		case ch == '\n':
			b = append(b, '\\', 'n')
		case ch == '\t':
			b = append(b, '\\', 't')
		case ch == '\r':
			b = append(b, '\\', 'r')
		case ch < 0x20:
			b = append(b, '\\', 'u', '0', '0', hexDigits[ch>>4], hexDigits[ch&15])
		default:
			b = append(b, ch)
		}
		i++
	}
	return append(b, '"')
}
