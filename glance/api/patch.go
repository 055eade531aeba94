package api

import (
	"encoding/json"
	"maps"
	"mime"
	"slices"
	"strings"

	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/rest"
)

// A change is one operation of a JSON patch (image API, "Update image"; RFC 6902).
type change struct {
	op    string
	name  string
	value json.RawMessage
}

// patch is no rest.Do: its body is a list, not an object with named members.
func (s *service) patch(c *rest.Call) (any, error) {
	changes, err := changesOf(c)
	if err != nil {
		return nil, err
	}
	i, err := s.g.Change(c.Context(), c.PathValue("id"), func(ctx ctxt, i *glance.Image) error {
		if err := mayPatch(c, i, changes); err != nil {
			return err
		}
		was := *i
		i.Properties = maps.Clone(i.Properties)
		if i.Properties == nil {
			i.Properties = map[string]string{}
		}
		for _, x := range changes {
			if err := s.apply(ctx, c, i, x); err != nil {
				return err
			}
		}
		return allowed(c, i, &was)
	})
	if err != nil {
		return nil, err
	}
	return s.view(c, i), nil
}

// allowed checks what a patch came to.
func allowed(c *rest.Call, i, was *glance.Image) error {
	if i.Owner != was.Owner && !c.Who.Admin() {
		return fault.New(fault.Forbidden, "You are not permitted to change the owner of this image.")
	}
	formats := i.DiskFormat != was.DiskFormat || i.ContainerFormat != was.ContainerFormat
	if formats && was.Status != glance.Queued {
		return fault.New(fault.Forbidden, "Attribute disk_format can be only replaced for a queued image.")
	}
	return showable(c, i, was.Visibility)
}

func changesOf(c *rest.Call) ([]change, error) {
	kind, _, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	old := kind == "application/openstack-images-v2.0-json-patch"
	if !old && kind != "application/openstack-images-v2.1-json-patch" {
		c.W.Header().Set("Accept-Patch", "application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch")
		return nil, fault.New(fault.Unsupported, "The request media type %s is not supported by this server.", kind).Named("media")
	}
	var raw []map[string]json.RawMessage
	if c.Body() == nil || c.Read(&raw) != nil {
		return nil, fault.New(fault.Invalid, "Request body must be a JSON array of operation objects.")
	}
	var out []change
	for _, r := range raw {
		x, err := read(r, old)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// read reads {"op": "add", "path": "/x", "value": …}, or the old {"add": "/x", "value": …}.
func read(r map[string]json.RawMessage, old bool) (change, error) {
	var op, path string
	if old {
		for _, name := range []string{"add", "replace", "remove"} {
			if raw, ok := r[name]; ok && op == "" {
				op = name
				json.Unmarshal(raw, &path)
			} else if ok {
				return change{}, fault.New(fault.Invalid, "Operation objects must contain only one member named \"add\", \"remove\", or \"replace\".")
			}
		}
	} else {
		json.Unmarshal(r["op"], &op)
		json.Unmarshal(r["path"], &path)
	}
	if !slices.Contains([]string{"add", "replace", "remove"}, op) {
		return change{}, fault.New(fault.Invalid, "Operations must be one of add, replace, remove, not %s.", rest.Repr(op))
	}
	name, ok := strings.CutPrefix(path, "/")
	if !ok || name == "" || strings.HasSuffix(name, "/") || strings.Contains(name, "//") {
		return change{}, fault.New(fault.Invalid, "Pointer `%s` does not start with \"/\", or is empty.", path)
	}
	if strings.Contains(name, "/") {
		if !strings.HasPrefix(name, "tags/") && !strings.HasPrefix(name, "locations/") {
			return change{}, fault.New(fault.Invalid, "Invalid JSON pointer for this resource: '%s'", path)
		}
	}
	name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
	value, given := r["value"]
	if op != "remove" && !given {
		return change{}, fault.New(fault.Invalid, "Operation \"%s\" requires a member named \"value\".", op)
	}
	return change{op, name, value}, nil
}

// mayPatch asks the rules of what is changed: locations have their own.
func mayPatch(c *rest.Call, i *glance.Image, changes []change) error {
	for _, x := range changes {
		if err := c.Require(ruleOf(x), target(i)); err != nil {
			return err
		}
	}
	if len(changes) == 0 {
		return c.Require("modify_image", target(i))
	}
	return nil
}

func ruleOf(x change) string {
	name, _, _ := strings.Cut(x.name, "/")
	switch {
	case name != "locations":
		return "modify_image"
	case x.op == "remove":
		return "delete_image_location"
	}
	return "set_image_location"
}

func (s *service) apply(ctx ctxt, c *rest.Call, i *glance.Image, x change) error {
	if name, at, _ := strings.Cut(x.name, "/"); name == "locations" {
		return s.applyLocation(ctx, i, x, at)
	}
	if tag, ok := strings.CutPrefix(x.name, "tags/"); ok {
		return applyTag(i, x, tag)
	}
	isBase := slices.Contains(base, x.name)
	_, there := i.Properties[x.name]
	switch {
	case x.name == "id":
		return fault.New(fault.Forbidden, "Attribute 'id' is read-only.")
	case isBase && x.op == "remove":
		return fault.New(fault.Forbidden, "Property '%s' is part of every image and cannot be removed.", x.name)
	case !isBase && x.op != "add" && !there:
		return fault.New(fault.Conflict, "Property %s does not exist.", x.name)
	case strings.HasPrefix(x.name, "os_glance_"):
		return fault.New(fault.Forbidden, "Attribute '%s' is reserved.", x.name)
	}
	if !isBase {
		if err := s.permit(c, x.name, operation(x.op, there)); err != nil {
			return err
		}
	}
	if x.op == "remove" {
		delete(i.Properties, x.name)
		return nil
	}
	return set(i, x.name, x.value)
}

func applyTag(i *glance.Image, x change, tag string) error {
	if x.op != "add" || tag != "-" {
		return fault.New(fault.Invalid, "Invalid JSON pointer for this resource: '/%s'", x.name)
	}
	var s string
	if json.Unmarshal(x.value, &s) != nil {
		return wrong("tags", x.value, "is not of type 'string'")
	}
	if !slices.Contains(i.Tags, s) {
		i.Tags = append(i.Tags, s)
	}
	return nil
}
