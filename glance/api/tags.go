package api

import (
	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/rest"
)

type tagPath struct {
	byID
	Tag string `path:"tag"`
}

func (s *service) addTag(c *rest.Call, in tagPath) error {
	if len(in.Tag) > 255 {
		return fault.New(fault.Invalid, "Provided object does not match schema 'image': '%s' is too long", in.Tag)
	}
	_, err := s.g.Change(c.Context(), in.ID, func(_ ctxt, i *glance.Image) error {
		if err := c.Require("modify_image", target(i)); err != nil {
			return err
		}
		if !contains(i.Tags, in.Tag) {
			i.Tags = append(i.Tags, in.Tag)
		}
		return nil
	})
	return err
}

func (s *service) dropTag(c *rest.Call, in tagPath) error {
	_, err := s.g.Change(c.Context(), in.ID, func(_ ctxt, i *glance.Image) error {
		if err := c.Require("modify_image", target(i)); err != nil {
			return err
		}
		if !contains(i.Tags, in.Tag) {
			return fault.New(fault.NotFound, "Failed to find tag %s of image %s", in.Tag, in.ID)
		}
		kept := []string{}
		for _, t := range i.Tags {
			if t != in.Tag {
				kept = append(kept, t)
			}
		}
		i.Tags = kept
		return nil
	})
	return err
}
