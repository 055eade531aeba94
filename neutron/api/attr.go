package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"stackd/internal/fault"
	"stackd/neutron"
)

// An attr is one attribute of a collection's bodies: where it may be given, and how
// it gets into the request S.
type attr[S any] struct {
	name      string
	post, put bool
	required  bool // in POST
	fallback  any  // a value that counts as not given when the policy is asked; nil is none
	// set reads the value; a reason says what is wrong with it.
	set func(s *S, v any) (reason string)
	// subs are the parts of a value that have rules of their own.
	subs func(v any) []string
}

// A reader makes a value of JSON's, or says what is wrong with it.
type reader[V any] func(v any) (out V, reason string)

// both, post and put say where an attribute may be given.
const (
	post = 1
	put  = 2
	both = post | put
)

// field is an attribute that goes into a Maybe of the request.
func field[S, V any](name string, where int, read reader[V], at func(*S) *neutron.Maybe[V]) attr[S] {
	return attr[S]{name: name, post: where&post != 0, put: where&put != 0, set: func(s *S, v any) string {
		out, reason := read(v)
		if reason == "" {
			*at(s) = neutron.Maybe[V]{Value: out, Set: true, Null: v == nil}
		}
		return reason
	}}
}

// plain is an attribute that goes into an ordinary field of the request.
func plain[S, V any](name string, where int, read reader[V], at func(*S) *V) attr[S] {
	return attr[S]{name: name, post: where&post != 0, put: where&put != 0, set: func(s *S, v any) string {
		out, reason := read(v)
		if reason == "" {
			*at(s) = out
		}
		return reason
	}}
}

func (a attr[S]) need() attr[S]        { a.required = true; return a }
func (a attr[S]) unless(d any) attr[S] { a.fallback = d; return a }
func (a attr[S]) with(subs ...string) attr[S] {
	a.subs = func(v any) []string { return given(v, subs) }
	return a
}

// given are those of the names that a dictionary, or any of a list of them, has.
func given(v any, names []string) []string {
	var out []string
	for _, n := range names {
		if has(v, n) {
			out = append(out, n)
		}
	}
	return out
}

func has(v any, name string) bool {
	switch x := v.(type) {
	case map[string]any:
		_, ok := x[name]
		return ok
	case []any:
		for _, e := range x {
			if has(e, name) {
				return true
			}
		}
	}
	return false
}

// commonAttrs are what every collection has.
func commonAttrs[S any](at func(*S) *neutron.Common) []attr[S] {
	return []attr[S]{
		field("name", both, text(255), func(s *S) *neutron.Maybe[string] { return &at(s).Name }).unless(""),
		field("description", both, orNull(text(255)), func(s *S) *neutron.Maybe[string] { return &at(s).Description }).unless(""),
		ownerAttr(func(s *S) *string { return &at(s).ProjectID }),
	}
}

// ownerAttr takes project_id; the resource has made one of it and tenant_id.
func ownerAttr[S any](at func(*S) *string) attr[S] {
	return plain("project_id", post, text(255), at)
}

func badRequest(format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).Named("HTTPBadRequest")
}

// values reads the members of a request's resource.
func values(raw json.RawMessage) (map[string]any, error) {
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil || m == nil {
		return nil, badRequest("Body contains invalid data")
	}
	return m, nil
}

// fill makes a request of the values, by the table of attributes.
func fill[S any](attrs []attr[S], readonly []string, method string, in map[string]any, s *S) error {
	if err := allowed(attrs, readonly, method, in); err != nil {
		return err
	}
	for _, a := range attrs {
		v, ok := in[a.name]
		if !ok {
			if a.required && method == http.MethodPost {
				return badRequest("Failed to parse request. Required attribute '%s' not specified", a.name)
			}
			continue
		}
		if reason := a.set(s, v); reason != "" {
			return badRequest("Invalid input for %s. Reason: %s.", a.name, strings.TrimSuffix(reason, "."))
		}
	}
	return nil
}

// allowed rejects what is unknown, or not allowed here.
func allowed[S any](attrs []attr[S], readonly []string, method string, in map[string]any) error {
	var unknown []string
	for name := range in {
		i := indexOf(attrs, name)
		known := contains(readonly, name)
		if i < 0 && !known {
			unknown = append(unknown, name)
			continue
		}
		if method == http.MethodPost && (i < 0 || !attrs[i].post) {
			return badRequest("Attribute '%s' not allowed in POST", name)
		}
		if method == http.MethodPut && (i < 0 || !attrs[i].put) {
			return badRequest("Cannot update read-only attribute %s", name)
		}
	}
	if len(unknown) > 0 {
		return badRequest("Unrecognized attribute(s) '%s'", strings.Join(sorted(unknown), ", "))
	}
	return nil
}

func indexOf[S any](attrs []attr[S], name string) int {
	for i, a := range attrs {
		if a.name == name {
			return i
		}
	}
	return -1
}

// rules are the policy rules that a request needs besides the operation's own.
func rules[S any](attrs []attr[S], action, method string, in map[string]any) []string {
	var out []string
	for _, a := range attrs {
		v, ok := in[a.name]
		if !ok || method == http.MethodPost && a.fallback != nil && fmt.Sprint(v) == fmt.Sprint(a.fallback) {
			continue
		}
		out = append(out, action+":"+a.name)
		if a.subs != nil {
			for _, sub := range a.subs(v) {
				out = append(out, action+":"+a.name+":"+sub)
			}
		}
	}
	return out
}
