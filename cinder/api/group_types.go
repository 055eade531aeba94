package api

import (
	"maps"
	"strings"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
)

func (s *service) groupTypes() []rest.Route {
	const at, rule = "/v3/group_types", "group:group_types:"
	const specs, specRule = at + "/{id}/group_specs", "group:group_types_specs:"
	since := rest.V(3, 11)
	list := &rest.Listing{Key: "group_types", Filters: []string{"is_public"}, Sorts: []string{"id", "name", "created_at", "updated_at"}}
	return []rest.Route{
		{On: "GET " + at, Since: since, Asks: "any project's token may list what it can use", Do: rest.Do(s.listGroupTypes), List: list},
		{On: "POST " + at, Since: since, Rule: rule + "create", Do: rest.Do(s.createGroupType), Body: s.shelf.Get("more.groupType"), Status: 202},
		{On: "GET " + at + "/default", Since: since, Asks: "any project's token may show what it can use", Do: rest.Do(s.defaultGroupType)},
		{On: "GET " + at + "/{id}", Since: since, Asks: "any project's token may show what it can use", Do: rest.Do(s.showGroupType)},
		{On: "PUT " + at + "/{id}", Since: since, Rule: rule + "update", Do: rest.Do(s.updateGroupType), Body: s.shelf.Get("more.groupTypeUpdate")},
		{On: "DELETE " + at + "/{id}", Since: since, Rule: rule + "delete", Do: rest.DoNothing(s.deleteGroupType), Mutates: true, Status: 202},
		{On: "GET " + specs, Since: since, Rule: specRule + "get_all", Do: rest.Do(s.listGroupSpecs)},
		{On: "POST " + specs, Since: since, Rule: specRule + "create", Do: rest.Do(s.createGroupSpecs), Body: s.shelf.Get("more.groupSpecs"), Status: 202},
		{On: "GET " + specs + "/{key}", Since: since, Rule: specRule + "get", Do: rest.Do(s.showGroupSpec)},
		{On: "PUT " + specs + "/{key}", Since: since, Rule: specRule + "update", Do: rest.Do(s.updateGroupSpec), Body: s.shelf.Get("more.groupSpec")},
		{On: "DELETE " + specs + "/{key}", Since: since, Rule: specRule + "delete", Do: rest.DoNothing(s.deleteGroupSpec), Mutates: true, Status: 202},
	}
}

type groupTypeView struct {
	ID          string  `wire:"id"`
	Name        string  `wire:"name"`
	Description *string `wire:"description"`
	Public      bool    `wire:"is_public"`
	*groupSpecsView
}

type groupSpecsView struct {
	Specs map[string]string `wire:"group_specs"`
}

func viewGroupType(c *rest.Call, t *cinder.GroupType) groupTypeView {
	v := groupTypeView{ID: t.ID, Name: t.Name, Description: t.Description, Public: t.Public}
	if c.May("group:access_group_types_specs", c.Own()) {
		v.groupSpecsView = &groupSpecsView{orEmpty(t.Specs)}
	}
	return v
}

func (s *service) listGroupTypes(c *rest.Call, _ struct{}) (listing.Page[groupTypeView], error) {
	public := true
	q := cinder.TypeQuery{List: c.List, Public: &public}
	if c.Who.Admin() {
		switch v := c.List.First("is_public"); strings.ToLower(v) {
		case "none":
			q.Public = nil
		case "":
		default:
			b, ok := rest.Bool(v)
			if !ok {
				return listing.Page[groupTypeView]{}, fault.New(fault.Invalid, "Invalid is_public filter [%s]", v)
			}
			q.Public = &b
		}
	}
	delete(q.Where, "is_public")
	p, err := s.c.GroupTypesPage(c.Context(), q)
	return page(c, p, func(t *cinder.GroupType) groupTypeView { return viewGroupType(c, t) }), err
}

// defaultGroupType: none is chosen for those who do not.
func (s *service) defaultGroupType(*rest.Call, struct{}) (any, error) {
	return nil, fault.New(fault.NotFound, "Default group type can not be found.")
}

func (s *service) showGroupType(c *rest.Call, in byID) (any, error) {
	t, err := s.groupTypeSeen(c, in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"group_type": viewGroupType(c, t)}, nil
}

func (s *service) groupTypeSeen(c *rest.Call, id string) (*cinder.GroupType, error) {
	t, err := s.c.GroupType(c.Context(), id)
	if err == nil && (t.ID != id || !t.Public && !c.Who.Admin()) {
		err = fault.New(fault.NotFound, "Group type %s could not be found.", id)
	}
	return t, err
}

func (s *service) createGroupType(c *rest.Call, in struct {
	Type struct {
		Name        string
		Description *string
		Public      any               `json:"is_public"`
		Specs       map[string]string `json:"group_specs"`
	} `json:"group_type"`
}) (any, error) {
	t := &cinder.GroupType{Name: strings.TrimSpace(in.Type.Name), Description: in.Type.Description, Public: in.Type.Public == nil || yes(in.Type.Public), Specs: orEmpty(in.Type.Specs)}
	if t.Name == "" {
		return nil, fault.New(fault.Invalid, "Group type name can not be empty.")
	}
	if err := s.c.CreateGroupType(c.Context(), t); err != nil {
		return nil, err
	}
	return map[string]any{"group_type": viewGroupType(c, t)}, nil
}

func (s *service) updateGroupType(c *rest.Call, in struct {
	ID   string `path:"id"`
	Type struct {
		Name        *string
		Description *string
		Public      any `json:"is_public"`
	} `json:"group_type"`
}) (any, error) {
	if in.Type.Name == nil && in.Type.Description == nil && in.Type.Public == nil {
		return nil, fault.New(fault.Invalid, "Specify group type name, description or a combination thereof.")
	}
	if in.Type.Name != nil && strings.TrimSpace(*in.Type.Name) == "" {
		return nil, fault.New(fault.Invalid, "Group type name can not be empty.")
	}
	t, err := s.c.ChangeGroupType(c.Context(), in.ID, func(t *cinder.GroupType) error {
		if in.Type.Name != nil {
			t.Name = strings.TrimSpace(*in.Type.Name)
		}
		if in.Type.Description != nil {
			t.Description = in.Type.Description
		}
		if in.Type.Public != nil {
			t.Public = yes(in.Type.Public)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"group_type": viewGroupType(c, t)}, nil
}

func (s *service) deleteGroupType(c *rest.Call, in byID) error {
	return s.c.RemoveGroupType(c.Context(), in.ID)
}

func (s *service) listGroupSpecs(c *rest.Call, in byID) (any, error) {
	t, err := s.c.GroupType(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"group_specs": orEmpty(t.Specs)}, nil
}

func (s *service) createGroupSpecs(c *rest.Call, in struct {
	ID    string            `path:"id"`
	Specs map[string]string `json:"group_specs"`
}) (any, error) {
	_, err := s.c.ChangeGroupType(c.Context(), in.ID, func(t *cinder.GroupType) error { maps.Copy(t.Specs, in.Specs); return nil })
	return map[string]any{"group_specs": in.Specs}, err
}

func noGroupSpec(id, key string) error {
	return fault.New(fault.NotFound, "Group Type %s has no specs with key %s.", id, key)
}

func (s *service) showGroupSpec(c *rest.Call, in keyOf) (any, error) {
	t, err := s.c.GroupType(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	v, ok := t.Specs[in.Key]
	if !ok {
		return nil, noGroupSpec(in.ID, in.Key)
	}
	return map[string]string{in.Key: v}, nil
}

func (s *service) updateGroupSpec(c *rest.Call, in keyOf) (any, error) {
	var body map[string]string
	if err := c.Read(&body); err != nil {
		return nil, err
	}
	v, ok := body[in.Key]
	if !ok {
		return nil, fault.New(fault.Invalid, "Request body and URI mismatch")
	}
	_, err := s.c.ChangeGroupType(c.Context(), in.ID, func(t *cinder.GroupType) error { t.Specs[in.Key] = v; return nil })
	return body, err
}

func (s *service) deleteGroupSpec(c *rest.Call, in keyOf) error {
	_, err := s.c.ChangeGroupType(c.Context(), in.ID, func(t *cinder.GroupType) error {
		if _, ok := t.Specs[in.Key]; !ok {
			return noGroupSpec(in.ID, in.Key)
		}
		delete(t.Specs, in.Key)
		return nil
	})
	return err
}
