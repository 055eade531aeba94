package api

import (
	"encoding/json"
	"maps"
	"time"

	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/rest"
)

func (s *service) images() []rest.Route {
	sorts := []string{"name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at", "owner", "min_disk", "min_ram", "visibility", "protected", "checksum", "os_hash_value", "virtual_size", "os_hidden"}
	return []rest.Route{
		{On: "POST /v2/images", Asks: "add_image, of the owner in the body", Do: rest.Do(s.create), Status: 201, Mutates: true},
		{On: "GET /v2/images", Rule: "get_images", Do: rest.Do(s.list), List: &rest.Listing{Key: "images", Prefix: []string{""}, Sorts: sorts}},
		{On: "GET /v2/images/{id}", Asks: "get_image, of what was found", Do: rest.Do(s.show)},
		{On: "PATCH /v2/images/{id}", Asks: "modify_image, of what was found", Do: s.patch, Mutates: true},
		{On: "DELETE /v2/images/{id}", Asks: "delete_image, of what was found", Do: rest.DoNothing(s.remove), Status: 204, Mutates: true},
		{On: "POST /v2/images/{id}/actions/deactivate", Asks: "deactivate, of what was found", Do: rest.DoNothing(s.turn("deactivate", glance.Active, glance.Deactivated)), Status: 204, Mutates: true},
		{On: "POST /v2/images/{id}/actions/reactivate", Asks: "reactivate, of what was found", Do: rest.DoNothing(s.turn("reactivate", glance.Deactivated, glance.Active)), Status: 204, Mutates: true},
		{On: "PUT /v2/images/{id}/tags/{tag}", Asks: "modify_image, of what was found", Do: rest.DoNothing(s.addTag), Status: 204, Mutates: true},
		{On: "DELETE /v2/images/{id}/tags/{tag}", Asks: "modify_image, of what was found", Do: rest.DoNothing(s.dropTag), Status: 204, Mutates: true},
		{On: "GET /v2/images/{id}/tasks", Asks: "get_image, of what was found", Do: rest.Do(s.imageTasks)},
	}
}

type locationView struct {
	URL      string         `wire:"url"`
	Metadata map[string]any `wire:"metadata"`
}

type imageView struct {
	Extra       map[string]string `wire:"*"`
	Name        *string           `wire:"name"`
	Disk        *string           `wire:"disk_format"`
	Container   *string           `wire:"container_format"`
	Visibility  string            `wire:"visibility"`
	Size        *int64            `wire:"size"`
	VirtualSize *int64            `wire:"virtual_size"`
	Status      string            `wire:"status"`
	Checksum    *string           `wire:"checksum"`
	Protected   bool              `wire:"protected"`
	MinRAM      int               `wire:"min_ram"`
	MinDisk     int               `wire:"min_disk"`
	Owner       *string           `wire:"owner"`
	Hidden      bool              `wire:"os_hidden"`
	HashAlgo    *string           `wire:"os_hash_algo"`
	HashValue   *string           `wire:"os_hash_value"`
	ID          string            `wire:"id"`
	Created     time.Time         `wire:"created_at"`
	Updated     time.Time         `wire:"updated_at"`
	Tags        []string          `wire:"tags"`
	Stores      string            `wire:"stores,,omitempty"`
	DirectURL   string            `wire:"direct_url,,omitempty"`
	Locations   *[]locationView   `wire:"locations,,omitempty"`
	Self        string            `wire:"self"`
	File        string            `wire:"file"`
	Schema      string            `wire:"schema"`
}

func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// view is an image as the caller may see it.
func (s *service) view(c *rest.Call, i *glance.Image) imageView {
	self := "/v2/images/" + i.ID
	v := imageView{s.readable(c, i.Properties), i.Name, known(i.DiskFormat), known(i.ContainerFormat), i.Visibility, i.Size, i.VirtualSize, i.Status, known(i.Checksum), i.Protected, i.MinRAM, i.MinDisk,
		known(i.Owner), i.Hidden, nil, known(i.HashValue), i.ID, i.CreatedAt, i.UpdatedAt, i.Tags, i.Stores(), "", nil, self, self + "/file", "/v2/schemas/image"}
	if i.HashValue != "" {
		v.HashAlgo = known("sha512")
	}
	set := s.g.Settings()
	if !set.ShowDirectURL && !set.ShowLocations || !c.May("get_image_location", target(i)) {
		return v
	}
	ls := s.locations(i)
	if set.ShowDirectURL && len(ls) > 0 {
		v.DirectURL = ls[0].URL
	}
	if set.ShowLocations {
		v.Locations = &ls
	}
	return v
}

func (s *service) locations(i *glance.Image) []locationView {
	ls := []locationView{}
	for _, l := range i.Locations {
		m := maps.Clone(l.Metadata)
		if m == nil {
			m = map[string]any{}
		}
		m["store"] = l.Store
		ls = append(ls, locationView{s.g.URL(l), m})
	}
	return ls
}

func (s *service) create(c *rest.Call, _ struct{}) (imageView, error) {
	body := map[string]json.RawMessage{}
	if c.Body() == nil || c.Read(&body) != nil {
		return imageView{}, fault.New(fault.Invalid, "Malformed JSON in request body.")
	}
	i := &glance.Image{Owner: c.Who.Project.ID, Visibility: "shared", Tags: []string{}, Properties: map[string]string{}}
	for name, value := range body {
		if err := set(i, name, value); err != nil {
			return imageView{}, err
		}
	}
	if raw, ok := body["id"]; ok {
		if err := setID(i, raw); err != nil {
			return imageView{}, err
		}
	}
	if err := c.Require("add_image", target(&glance.Image{Owner: c.Who.Project.ID})); err != nil {
		return imageView{}, err
	}
	if i.Owner != c.Who.Project.ID && !c.Who.Admin() {
		return imageView{}, fault.New(fault.Forbidden, "You are not permitted to create images owned by '%s'.", i.Owner)
	}
	if err := showable(c, i, ""); err != nil {
		return imageView{}, err
	}
	for name := range i.Properties {
		if err := s.permit(c, name, "create"); err != nil {
			return imageView{}, err
		}
	}
	if err := s.g.Create(c.Context(), i); err != nil {
		return imageView{}, err
	}
	s.tellMethods(c)
	c.W.Header().Set("Location", c.Base()+"/v2/images/"+i.ID)
	return s.view(c, i), nil
}

// showable asks whether the caller may give the image its visibility.
func showable(c *rest.Call, i *glance.Image, was string) error {
	switch {
	case i.Visibility == was:
		return nil
	case i.Visibility == "public":
		return c.Require("publicize_image", target(i))
	case i.Visibility == "community":
		return c.Require("communitize_image", target(i))
	}
	return nil
}

// reserved filters are no properties.
var reserved = map[string]bool{"limit": true, "marker": true, "sort": true, "sort_key": true, "sort_dir": true, "fields": true, "tag": true, "member_status": true, "size_min": true, "size_max": true,
	"visibility": true, "os_hidden": true, "page_reverse": true, "offset": true, "created_at": true, "updated_at": true, "protected": true}

var columns = map[string]bool{"id": true, "name": true, "status": true, "container_format": true, "disk_format": true, "owner": true, "checksum": true, "os_hash_value": true}

// numbers are filters by their columns and comparisons.
var numbers = map[string][2]string{"size_min": {"size", ">="}, "size_max": {"size", "<="}, "size": {"size", "="}, "virtual_size": {"virtual_size", "="}, "min_disk": {"min_disk", "="}, "min_ram": {"min_ram", "="}}

func (s *service) seen(c *rest.Call, id string) (*glance.Image, error) {
	i, err := s.g.Get(c.Context(), id)
	if err != nil {
		return nil, err
	}
	if !c.May("get_image", target(i)) {
		return nil, glance.NotFound(id)
	}
	return i, nil
}

func (s *service) show(c *rest.Call, in byID) (imageView, error) {
	i, err := s.seen(c, in.ID)
	if err != nil {
		return imageView{}, err
	}
	return s.view(c, i), nil
}

func (s *service) remove(c *rest.Call, in byID) error {
	return s.g.Remove(c.Context(), in.ID, may(c, "delete_image"))
}

func (s *service) turn(rule, from, to string) func(*rest.Call, byID) error {
	return func(c *rest.Call, in byID) error {
		_, err := s.g.Change(c.Context(), in.ID, func(_ ctxt, i *glance.Image) error {
			if err := c.Require(rule, target(i)); err != nil {
				return err
			}
			if i.Status != from && i.Status != to {
				return fault.New(fault.Forbidden, "Not allowed to %s image in status '%s'", rule, i.Status)
			}
			i.Status = to
			return nil
		})
		return err
	}
}
