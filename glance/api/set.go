package api

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/rest"

	"github.com/google/uuid"
)

type ctxt = context.Context

// readOnly are attributes that only the service sets.
var readOnly = []string{"created_at", "updated_at", "status", "checksum", "size", "virtual_size", "direct_url", "self", "file", "schema", "os_hash_algo", "os_hash_value", "stores", "locations"}

// base are the attributes that every image has.
var base = append([]string{"id", "name", "owner", "visibility", "protected", "os_hidden", "disk_format", "container_format", "min_disk", "min_ram", "tags"}, readOnly...)

func wrong(name string, raw json.RawMessage, why string) error {
	var v any
	json.Unmarshal(raw, &v)
	return fault.New(fault.Invalid, "Provided object does not match schema 'image': %s %s\n\nFailed validating schema['properties']['%s']", rest.Repr(v), why, name)
}

// set gives an image one attribute, checking that it may have that value.
func set(i *glance.Image, name string, raw json.RawMessage) error {
	switch {
	case slices.Contains(readOnly, name):
		return fault.New(fault.Forbidden, "Attribute '%s' is read-only.", name)
	case strings.HasPrefix(name, "os_glance_"):
		return fault.New(fault.Forbidden, "Attribute '%s' is reserved.", name)
	}
	f := setters[name]
	if f == nil {
		return setProperty(i, name, raw)
	}
	return f(i, raw)
}

var setters = map[string]func(*glance.Image, json.RawMessage) error{
	"id":    func(*glance.Image, json.RawMessage) error { return nil }, // by setID, at creation alone
	"name":  setName,
	"owner": func(i *glance.Image, raw json.RawMessage) error { return setText(&i.Owner, "owner", raw) },
	"visibility": func(i *glance.Image, raw json.RawMessage) error {
		return setOne(&i.Visibility, "visibility", raw, glance.Visibilities)
	},
	"disk_format": func(i *glance.Image, raw json.RawMessage) error {
		return setOne(&i.DiskFormat, "disk_format", raw, glance.DiskFormats)
	},
	"container_format": func(i *glance.Image, raw json.RawMessage) error {
		return setOne(&i.ContainerFormat, "container_format", raw, glance.ContainerFormats)
	},
	"protected": func(i *glance.Image, raw json.RawMessage) error { return setBool(&i.Protected, "protected", raw) },
	"os_hidden": func(i *glance.Image, raw json.RawMessage) error { return setBool(&i.Hidden, "os_hidden", raw) },
	"min_disk":  func(i *glance.Image, raw json.RawMessage) error { return setInt(&i.MinDisk, "min_disk", raw) },
	"min_ram":   func(i *glance.Image, raw json.RawMessage) error { return setInt(&i.MinRAM, "min_ram", raw) },
	"tags":      setTags,
}

func setID(i *glance.Image, raw json.RawMessage) error {
	var id string
	if json.Unmarshal(raw, &id) != nil || uuid.Validate(id) != nil || len(id) != 36 {
		return wrong("id", raw, "does not match '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'")
	}
	i.ID = id
	return nil
}

func setName(i *glance.Image, raw json.RawMessage) error {
	var s *string
	if json.Unmarshal(raw, &s) != nil {
		return wrong("name", raw, "is not of type 'null', 'string'")
	}
	if s != nil && len(*s) > 255 {
		return wrong("name", raw, "is too long")
	}
	i.Name = s
	return nil
}

func setText(to *string, name string, raw json.RawMessage) error {
	var s *string
	if json.Unmarshal(raw, &s) != nil {
		return wrong(name, raw, "is not of type 'null', 'string'")
	}
	*to = ""
	if s != nil {
		*to = *s
	}
	if len(*to) > 255 {
		return wrong(name, raw, "is too long")
	}
	return nil
}

func setOne(to *string, name string, raw json.RawMessage, of []string) error {
	if err := setText(to, name, raw); err != nil {
		return err
	}
	if *to != "" && !slices.Contains(of, *to) || *to == "" && name == "visibility" {
		return wrong(name, raw, "is not one of "+choices(name, of))
	}
	return nil
}

// choices are the values that an attribute may have; formats may be none, too.
func choices(name string, of []string) string {
	all := []any{}
	if name != "visibility" {
		all = append(all, nil)
	}
	for _, v := range of {
		all = append(all, v)
	}
	return rest.Repr(all)
}

func setBool(to *bool, name string, raw json.RawMessage) error {
	if json.Unmarshal(raw, to) != nil || string(raw) == "null" {
		return wrong(name, raw, "is not of type 'boolean'")
	}
	return nil
}

func setInt(to *int, name string, raw json.RawMessage) error {
	if json.Unmarshal(raw, to) != nil || string(raw) == "null" {
		return wrong(name, raw, "is not of type 'integer'")
	}
	if *to < 0 {
		return wrong(name, raw, "is less than the minimum of 0")
	}
	if *to > 1<<31-1 {
		return wrong(name, raw, "is greater than the maximum of 2147483647")
	}
	return nil
}

func setTags(i *glance.Image, raw json.RawMessage) error {
	var tags []string
	if json.Unmarshal(raw, &tags) != nil {
		return wrong("tags", raw, "is not of type 'array'")
	}
	for _, t := range tags {
		if len(t) > 255 {
			return wrong("tags", raw, "is too long")
		}
	}
	if len(tags) > 128 {
		return fault.New(fault.TooLarge, "The number of tags exceeds the limit of 128.")
	}
	i.Tags = slices.Compact(slices.Sorted(slices.Values(tags)))
	if i.Tags == nil {
		i.Tags = []string{}
	}
	return nil
}

func setProperty(i *glance.Image, name string, raw json.RawMessage) error {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return wrong(name, raw, "is not of type 'string'")
	}
	if len(name) > 255 || len(s) > 65535 || name == "" {
		return wrong(name, raw, "is too long")
	}
	if len(i.Properties) >= 128 {
		return fault.New(fault.TooLarge, "The number of properties exceeds the limit of 128.")
	}
	i.Properties[name] = s
	return nil
}
