package api

import (
	"encoding/json"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/nova"
)

func (s *service) unshelveRow() rest.Route {
	r := s.action("unshelve", "os_compute_api:os-shelve:unshelve", nil)
	r.Body, r.Do = s.shelf.Get("servers.unshelve"), rest.DoNothing(s.unshelve)
	return r
}

// unshelve lets callers say the zone since 2.77, and the host, or any zone, since 2.91.
func (s *service) unshelve(c *rest.Call, in struct {
	byID
	To struct {
		Zone json.RawMessage `json:"availability_zone"`
		Host string          `json:"host"`
	} `json:"unshelve"`
}) error {
	s.ctx(c)
	zone, err := orNil(in.To.Zone)
	if err != nil {
		return err
	}
	if zone != nil && *zone == nil && !c.From(2, 91) {
		return fault.New(fault.Invalid, "Invalid input for field/attribute availability_zone. Value: None. None is not of type 'string'")
	}
	if in.To.Host != "" {
		if err := c.Require("os_compute_api:os-shelve:unshelve_to_host", c.Own()); err != nil {
			return err
		}
	}
	return s.c.Unshelve(c.Context(), in.ID, nova.Where{Zone: zone, Host: in.To.Host})
}
