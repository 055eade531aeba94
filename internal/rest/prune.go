package rest

import "slices"

// breaks is every version at which something in the document changes, sorted.
func breaks(doc any, starts []Version) []Version {
	out := slices.Clone(starts)
	var walk func(any)
	add := func(x any, plus Version) {
		if text, ok := x.(string); ok {
			if v, err := ParseVersion(text); err == nil {
				out = append(out, v+plus)
			}
		}
	}
	walk = func(x any) {
		switch x := x.(type) {
		case map[string]any:
			add(x["x-since"], 0)
			add(x["x-until"], 1)
			if m, ok := x["x-required"].(map[string]any); ok {
				for _, v := range m {
					add(v, 0)
				}
			}
			for _, v := range x {
				walk(v)
			}
		case []any:
			for _, v := range x {
				walk(v)
			}
		}
	}
	walk(doc)
	slices.Sort(out)
	return slices.Compact(out)
}

// prune copies a document as version v has it.
func prune(doc any, v Version) any {
	switch x := doc.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, m := range x {
			if k != "x-since" && k != "x-until" && k != "x-required" && there(m, v) {
				out[k] = prune(m, v)
			}
		}
		if more := requiredFrom(x["x-required"], v); more != nil {
			have, _ := out["required"].([]any)
			out["required"] = append(slices.Clone(have), more...)
		}
		return out
	case []any:
		var out []any
		for _, m := range x {
			if there(m, v) {
				out = append(out, prune(m, v))
			}
		}
		return out
	}
	return doc
}

func there(m any, v Version) bool {
	o, ok := m.(map[string]any)
	if !ok {
		return true
	}
	bound := func(key string) Version {
		text, _ := o[key].(string)
		b, _ := ParseVersion(text)
		return b
	}
	return Range{bound("x-since"), bound("x-until")}.Has(v)
}

func requiredFrom(x any, v Version) []any {
	m, _ := x.(map[string]any)
	var out []any
	for name, since := range m {
		text, _ := since.(string)
		if from, err := ParseVersion(text); err == nil && v >= from {
			out = append(out, name)
		}
	}
	return out
}
