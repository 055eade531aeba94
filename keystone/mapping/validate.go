package mapping

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/rest"
)

// A shape is what a piece of JSON must look like: it adds to the faults it finds.
type shape func(v any, say func(string))

func validate(version string, rules json.RawMessage) error {
	return check(rules, list(1, object([]string{"local", "remote"}, map[string]shape{"local": list(0, localShape(version)), "remote": list(1, oneOf(remotes()...))})))
}

// validProjects checks a list of projects that comes in an assertion.
func validProjects(text []byte) error { return check(text, projectShape("3.0")) }

func check(text []byte, s shape) error {
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return fault.New(fault.Invalid, "The mapping is no JSON.").Because(err)
	}
	var found []string
	s(v, func(m string) { found = append(found, m) })
	if len(found) == 0 {
		return nil
	}
	slices.Sort(found)
	return fault.New(fault.Invalid, "%s", strings.Join(found, "\n")+"\n")
}

func domainShape() shape { return object(nil, map[string]shape{"id": text, "name": text}) }

func projectShape(version string) shape {
	members := map[string]shape{"name": text, "roles": list(0, object([]string{"name"}, map[string]shape{"name": text}))}
	if version != "1.0" {
		members["domain"] = domainShape()
	}
	return list(0, object([]string{"name", "roles"}, members))
}

func localShape(version string) shape {
	members := map[string]shape{
		"user":     object(nil, map[string]shape{"id": text, "name": text, "email": text, "domain": domainShape(), "type": among(Ephemeral, Local)}),
		"projects": projectShape(version),
		"group": oneOf(object([]string{"id"}, map[string]shape{"id": text}),
			object([]string{"name", "domain"}, map[string]shape{"name": text, "domain": domainShape()})),
		"groups": text, "group_ids": text, "domain": domainShape(),
	}
	if version == "3.0" {
		members["projects_json"] = text
	}
	return object(nil, members)
}

func remotes() []shape {
	out := []shape{object([]string{"type"}, map[string]shape{"type": text})}
	for _, condition := range []string{"any_one_of", "not_any_of", "blacklist", "whitelist"} {
		out = append(out, object([]string{"type", condition}, map[string]shape{"type": text, condition: list(0, anything), "regex": truth}))
	}
	return out
}

func text(v any, say func(string)) { wants[string](v, "string", say) }

func truth(v any, say func(string)) { wants[bool](v, "boolean", say) }

func anything(any, func(string)) {}

func wants[T any](v any, name string, say func(string)) {
	if _, ok := v.(T); !ok {
		say(rest.Repr(v) + " is not of type '" + name + "'")
	}
}

func among(words ...string) shape {
	return func(v any, say func(string)) {
		if s, ok := v.(string); !ok || !slices.Contains(words, s) {
			say(rest.Repr(v) + " is not one of " + rest.Repr(words))
		}
	}
}

func list(least int, of shape) shape {
	return func(v any, say func(string)) {
		l, ok := v.([]any)
		if !ok {
			say(rest.Repr(v) + " is not of type 'array'")
			return
		}
		if len(l) < least {
			say(rest.Repr(v) + " is too short")
		}
		for _, x := range l {
			of(x, say)
		}
	}
}

func object(required []string, members map[string]shape) shape {
	return func(v any, say func(string)) {
		m, ok := v.(map[string]any)
		if !ok {
			say(rest.Repr(v) + " is not of type 'object'")
			return
		}
		for _, r := range required {
			if _, ok := m[r]; !ok {
				say(rest.Repr(r) + " is a required property")
			}
		}
		for name, x := range m {
			if members[name] == nil {
				say("Additional properties are not allowed (" + rest.Repr(name) + " was unexpected)")
				continue
			}
			members[name](x, say)
		}
	}
}

func oneOf(shapes ...shape) shape {
	return func(v any, say func(string)) {
		fits := 0
		for _, s := range shapes {
			good := true
			s(v, func(string) { good = false })
			if good {
				fits++
			}
		}
		if fits != 1 {
			say(rest.Repr(v) + " is not valid under any of the given schemas")
		}
	}
}
