package api

import (
	"encoding/json"
	"slices"
	"strings"

	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/rest"
)

func (s *service) imports() []rest.Route {
	return []rest.Route{
		{On: "PUT /v2/images/{id}/stage", Asks: "modify_image, of what was found", Do: rest.Do(s.stage), Stream: true, Status: 204, Mutates: true},
		{On: "POST /v2/images/{id}/import", Asks: "modify_image, of what was found; copy_image to copy", Do: rest.DoNothing(s.bring), Status: 202, Mutates: true},
		{On: "DELETE /v2/stores/{store}/{id}", Asks: "delete_image_location, of what was found", Do: rest.DoNothing(s.dropFrom), Status: 204, Mutates: true},
	}
}

func (s *service) stage(c *rest.Call, in byID) (any, error) {
	if err := octets(c); err != nil {
		return nil, err
	}
	return nil, s.g.Stage(c.Context(), in.ID, c.Request.Body, c.ContentLength, may(c, "modify_image"))
}

func (s *service) bring(c *rest.Call, in byID) error {
	if _, err := s.seen(c, in.ID); err != nil {
		return err
	}
	r, err := s.importRequest(c)
	if err != nil {
		return err
	}
	return s.g.Import(c.Context(), in.ID, r)
}

// importRequest reads the body member by member: each has its own words for what is
// wrong with it.
func (s *service) importRequest(c *rest.Call) (glance.ImportRequest, error) {
	r := glance.ImportRequest{Must: true, Shown: c.Body(), RequestID: c.ID, Token: c.Header.Get("X-Auth-Token")}
	r.May = func(rule string, i *glance.Image) error { return c.Require(rule, target(i)) }
	body := map[string]json.RawMessage{}
	if c.Body() == nil || c.Read(&body) != nil {
		return r, fault.New(fault.Invalid, "Body expected in request.")
	}
	if err := s.method(body["method"], &r.Method); err != nil {
		return r, err
	}
	for name, to := range map[string]*bool{"all_stores_must_succeed": &r.Must, "all_stores": &r.All} {
		if raw, ok := body[name]; ok && (string(raw) == "null" || json.Unmarshal(raw, to) != nil) {
			return r, fault.New(fault.Invalid, "'%s' must be boolean value only", name)
		}
	}
	raw, listed := body["stores"]
	if listed && json.Unmarshal(raw, &r.Stores) != nil {
		return r, fault.New(fault.Invalid, "'stores' must be a list of store identifiers")
	}
	header := c.Header.Get("X-Image-Meta-Store")
	switch {
	case r.All && (listed || header != ""):
		return r, fault.New(fault.Invalid, "All_stores parameter can't be used with x-image-meta-store header or stores parameter")
	case listed && header != "":
		return r, fault.New(fault.Invalid, "Stores parameter and x-image-meta-store header can't be both specified")
	case header != "":
		r.Stores = []string{header}
	}
	return r, nil
}

func (s *service) method(raw json.RawMessage, m *glance.Method) error {
	if raw == nil {
		return fault.New(fault.Invalid, "Import request requires a 'method' field.")
	}
	if json.Unmarshal(raw, m) != nil || m.Name == "" {
		return fault.New(fault.Invalid, "Import request requires a 'name' field.")
	}
	if !slices.Contains(s.g.Settings().ImportMethods, m.Name) {
		return fault.New(fault.Invalid, "Unknown import method name '%s'.", m.Name)
	}
	return nil
}

// tellMethods is the headers by which clients learn of the ways in.
func (s *service) tellMethods(c *rest.Call) {
	c.W.Header().Set("Openstack-Image-Import-Methods", strings.Join(s.g.Settings().ImportMethods, ","))
	var ids []string
	for _, p := range s.g.Places() {
		if !p.ReadOnly() {
			ids = append(ids, p.ID)
		}
	}
	c.W.Header().Set("Openstack-Image-Store-Ids", strings.Join(ids, ","))
}

func (s *service) dropFrom(c *rest.Call, in struct {
	byID
	Store string `path:"store"`
}) error {
	if _, err := s.seen(c, in.ID); err != nil {
		return err
	}
	return s.g.DropFrom(c.Context(), in.ID, in.Store, func(i *glance.Image) error {
		if err := c.Require("get_image_location", target(i)); err != nil {
			return err
		}
		return c.Require("delete_image_location", target(i))
	})
}
