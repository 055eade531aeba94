package api

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/rest"
)

func (s *service) locationRows() []rest.Route {
	return []rest.Route{
		{On: "GET /v2/images/{id}/locations", Asks: "fetch_image_location, of what was found", Do: rest.Do(s.listLocations)},
		{On: "POST /v2/images/{id}/locations", Asks: "add_image_location, of what was found", Do: rest.DoNothing(s.addLocation), Status: 202, Mutates: true},
	}
}

func (s *service) listLocations(c *rest.Call, in byID) ([]locationView, error) {
	i, err := s.g.Image(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	if c.May("fetch_image_location", target(i)) { // other services see every image's
		return s.locations(i), nil
	}
	if i, err = s.seen(c, in.ID); err != nil {
		return nil, err
	}
	return nil, c.Require("fetch_image_location", target(i))
}

// A given location is one as clients send it.
type given struct {
	URL        *string           `json:"url"`
	Metadata   map[string]any    `json:"metadata"`
	Validation map[string]string `json:"validation_data"`
}

func (g given) location() (glance.NewLocation, error) {
	n := glance.NewLocation{Metadata: g.Metadata, Algorithm: g.Validation["os_hash_algo"], Hash: g.Validation["os_hash_value"], Checksum: g.Validation["checksum"]}
	if g.URL == nil || *g.URL == "" {
		return n, fault.New(fault.Invalid, "Provided object does not match schema 'location': 'url' is a required property")
	}
	n.URL = *g.URL
	return n, nil
}

func (s *service) addLocation(c *rest.Call, in byID) error {
	var body given
	if c.Body() == nil || c.Read(&body) != nil {
		return fault.New(fault.Invalid, "Provided object does not match schema 'location'")
	}
	n, err := body.location()
	if err != nil {
		return err
	}
	if _, err := s.seen(c, in.ID); err != nil {
		return err
	}
	trusted := c.Who.Has("service") || c.Who.Admin()
	return s.g.AddLocation(c.Context(), in.ID, n, trusted, c.ID, func(i *glance.Image) error {
		return c.Require("add_image_location", policy.Target{"project_id": i.Owner, "owner": i.Owner})
	})
}

// applyLocation changes an image's list of locations by a patch; at is where in it.
func (s *service) applyLocation(ctx ctxt, i *glance.Image, x change, at string) error {
	if !s.g.Settings().ShowLocations {
		verb := map[string]string{"add": "add", "replace": "update", "remove": "remove"}[x.op]
		return fault.New(fault.Forbidden, "It's not allowed to %s locations if locations are invisible.", verb)
	}
	if i.Upload != "" || i.Status != glance.Active && (i.Status != glance.Queued || x.op == "remove") {
		return fault.New(fault.Conflict, "It's not allowed to %s locations if image status is %s.", x.op, i.Status)
	}
	switch x.op {
	case "add":
		return s.insertLocation(ctx, i, x.value, at)
	case "remove":
		return s.removeLocation(ctx, i, at)
	}
	return s.replaceLocations(ctx, i, x.value, at)
}

// position reads a place in the list: a number, or "-" for its end.
func position(at string, most int) (int, bool) {
	if at == "-" {
		return most, true
	}
	n, err := strconv.Atoi(at)
	return n, err == nil && n >= 0 && n <= most
}

func (s *service) insertLocation(ctx ctxt, i *glance.Image, raw json.RawMessage, at string) error {
	var g given
	if json.Unmarshal(raw, &g) != nil {
		return fault.New(fault.Invalid, "Invalid location")
	}
	n, err := g.location()
	if err != nil {
		return err
	}
	where, ok := position(at, len(i.Locations))
	if !ok {
		return fault.New(fault.Invalid, "Invalid position for adding a location.")
	}
	l, err := s.g.Locate(ctx, i, n.URL, n.Metadata)
	if err != nil {
		return err
	}
	for _, have := range i.Locations {
		if s.g.URL(have) == n.URL {
			return fault.New(fault.Invalid, "The location %s already exists", n.URL)
		}
	}
	if err := validated(i, n); err != nil {
		return err
	}
	i.Locations = append(i.Locations[:where:where], append([]glance.Location{l}, i.Locations[where:]...)...)
	i.Status = glance.Active
	return nil
}

// validated gives an image the hashes that come with a location, or refuses those that
// differ from its own.
func validated(i *glance.Image, n glance.NewLocation) error {
	for name, v := range map[string][2]string{"os_hash_value": {n.Hash, i.HashValue}, "checksum": {n.Checksum, i.Checksum}} {
		switch {
		case v[0] == "" || v[0] == v[1]:
		case v[1] != "":
			return fault.New(fault.Conflict, "%s is already set with a different value", name)
		case i.Status != glance.Queued:
			return fault.New(fault.Conflict, "New value(s) for %s may only be provided when image status is 'queued'", name)
		}
	}
	if n.Checksum != "" && (len(n.Checksum) != 32 || strings.Trim(n.Checksum, "0123456789abcdefABCDEF") != "") {
		return fault.New(fault.Conflict, "checksum (%s) is not the correct size for md5 (should be 16 bytes)", n.Checksum)
	}
	if n.Hash == "" && n.Algorithm == "" {
		return nil
	}
	if n.Algorithm != "sha512" {
		return fault.New(fault.Conflict, "os_hash_algo must be sha512, not %s", n.Algorithm)
	}
	if len(n.Hash) != 128 || strings.Trim(n.Hash, "0123456789abcdefABCDEF") != "" {
		return fault.New(fault.Conflict, "os_hash_value (%s) is not the correct size for sha512 (should be 64 bytes)", n.Hash)
	}
	i.HashValue = n.Hash
	if n.Checksum != "" {
		i.Checksum = n.Checksum
	}
	return nil
}

func (s *service) removeLocation(ctx ctxt, i *glance.Image, at string) error {
	if len(i.Locations) == 1 {
		return fault.New(fault.Forbidden, "Cannot remove last location in the image.")
	}
	n, ok := position(at, len(i.Locations)-1)
	if !ok || at == "" {
		return fault.New(fault.Invalid, "Invalid position for removing a location.")
	}
	return s.g.RemoveLocation(ctx, i, n)
}

// replaceLocations gives a queued image its locations; of others it changes what is
// said of the same locations, and nothing else.
func (s *service) replaceLocations(ctx ctxt, i *glance.Image, raw json.RawMessage, at string) error {
	var all []given
	if at != "" || json.Unmarshal(raw, &all) != nil {
		return fault.New(fault.Invalid, "Invalid location")
	}
	if len(all) == 0 {
		return fault.New(fault.Forbidden, "Cannot set locations to empty list.")
	}
	if len(i.Locations) == 0 {
		for _, g := range all {
			b, err := json.Marshal(g)
			if err != nil {
				return err
			}
			if err := s.insertLocation(ctx, i, b, "-"); err != nil {
				return err
			}
		}
		return nil
	}
	changed := append([]glance.Location{}, i.Locations...)
	for n, have := range i.Locations {
		if len(all) != len(i.Locations) || all[n].URL == nil || *all[n].URL != s.g.URL(have) {
			return fault.New(fault.Invalid, "Original locations is not empty: [%d]", len(i.Locations))
		}
		delete(all[n].Metadata, "store")
		if !reflect.DeepEqual(all[n].Metadata, have.Metadata) {
			changed[n].Metadata = all[n].Metadata
		}
	}
	i.Locations = changed
	return nil
}
