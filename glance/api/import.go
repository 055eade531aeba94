package api

import (
	"slices"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/rest"
)

// methods are the ways in which images come in besides a plain upload.
var methods = []string{"glance-direct"}

func (s *service) imports() []rest.Route {
	return []rest.Route{
		{On: "PUT /v2/images/{id}/stage", Asks: "modify_image, of what was found", Do: rest.Do(s.stage), Stream: true, Status: 204, Mutates: true},
		{On: "POST /v2/images/{id}/import", Asks: "modify_image, of what was found", Do: rest.DoNothing(s.bring), Status: 202, Mutates: true},
	}
}

func (s *service) stage(c *rest.Call, in byID) (any, error) {
	if err := octets(c); err != nil {
		return nil, err
	}
	return nil, s.g.Stage(c.Context(), in.ID, c.Request.Body, c.ContentLength, may(c, "modify_image"))
}

func (s *service) bring(c *rest.Call, in struct {
	byID
	Method struct {
		Name string `json:"name"`
	} `json:"method"`
	Stores []string `json:"stores"`
}) error {
	if !slices.Contains(methods, in.Method.Name) {
		return fault.New(fault.Invalid, "Unknown import method name '%s'.", in.Method.Name)
	}
	for _, st := range in.Stores {
		if st != "file" {
			return fault.New(fault.Conflict, "Store for image_id %s not found: %s", in.ID, st)
		}
	}
	return s.g.Import(c.Context(), in.ID, may(c, "modify_image"))
}

// tellMethods is the header by which clients learn of the ways in.
func tellMethods(c *rest.Call) {
	c.W.Header().Set("Openstack-Image-Import-Methods", strings.Join(methods, ","))
}
