package api

import (
	"regexp"
	"slices"
	"strings"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
)

func (s *service) types() []rest.Route {
	const at, rule, specs = "/v3/types", "volume_extension:type_", "volume_extension:types_extra_specs:"
	list := &rest.Listing{Key: "volume_types", Filters: []string{"is_public", "name", "name~", "description", "extra_specs"}, Sorts: []string{"id", "name", "created_at", "updated_at"}, Also: []string{"all_tenants"}}
	return []rest.Route{
		{On: "GET " + at, Rule: rule + "get_all", Do: rest.Do(s.listTypes), List: list},
		{On: "POST " + at, Rule: rule + "create", Do: rest.Do(s.createType), Body: s.shelf.Get("types.create")},
		{On: "GET " + at + "/default", Rule: rule + "get", Do: rest.Do(s.defaultOf)},
		{On: "GET " + at + "/{id}", Rule: rule + "get", Do: rest.Do(s.showType)},
		{On: "PUT " + at + "/{id}", Rule: rule + "update", Do: rest.Do(s.updateType), Body: s.shelf.Get("types.update")},
		{On: "DELETE " + at + "/{id}", Rule: rule + "delete", Do: rest.DoNothing(s.deleteType), Mutates: true, Status: 202},
		{On: "GET " + at + "/{id}/extra_specs", Rule: specs + "index", Do: rest.Do(s.listSpecs)},
		{On: "POST " + at + "/{id}/extra_specs", Rule: specs + "create", Do: rest.Do(s.createSpecs), Body: s.shelf.Get("types.specs")},
		{On: "GET " + at + "/{id}/extra_specs/{key}", Rule: specs + "show", Do: rest.Do(s.showSpec)},
		{On: "PUT " + at + "/{id}/extra_specs/{key}", Rule: specs + "update", Do: rest.Do(s.updateSpec), Body: s.shelf.Get("types.spec")},
		{On: "DELETE " + at + "/{id}/extra_specs/{key}", Rule: specs + "delete", Do: rest.DoNothing(s.deleteSpec), Mutates: true, Status: 202},
		{On: "POST " + at + "/{id}/action", Action: "addProjectAccess", Rule: "volume_extension:volume_type_access:addProjectAccess", Do: rest.DoNothing(s.addAccess), Body: s.shelf.Get("types.access"), Status: 202},
		{On: "POST " + at + "/{id}/action", Action: "removeProjectAccess", Rule: "volume_extension:volume_type_access:removeProjectAccess", Do: rest.DoNothing(s.removeAccess), Body: s.shelf.Get("types.access"), Status: 202},
		{On: "GET " + at + "/{id}/os-volume-type-access", Rule: "volume_extension:volume_type_access:get_all_for_type", Do: rest.Do(s.listAccess)},
		{On: "GET " + at + "/{id}/encryption", Rule: "volume_extension:volume_type_encryption:get", Do: rest.Do(s.showEncryption)},
		{On: "POST " + at + "/{id}/encryption", Rule: "volume_extension:volume_type_encryption:create", Do: rest.Do(s.createEncryption), Body: s.shelf.Get("types.encryption")},
		{On: "GET " + at + "/{id}/encryption/{key}", Rule: "volume_extension:volume_type_encryption:get", Do: rest.Do(s.showEncryptionKey)},
		{On: "PUT " + at + "/{id}/encryption/{key}", Rule: "volume_extension:volume_type_encryption:update", Do: rest.Do(s.updateEncryption), Body: s.shelf.Get("types.encryptionUpdate")},
		{On: "DELETE " + at + "/{id}/encryption/{key}", Rule: "volume_extension:volume_type_encryption:delete", Do: rest.DoNothing(s.deleteEncryption), Mutates: true, Status: 202},
	}
}

type typeView struct {
	ID          string  `wire:"id"`
	Name        string  `wire:"name"`
	Public      bool    `wire:"is_public"`
	Description *string `wire:"description"`
	*specsView
	*qosView
	*accessView
}

type specsView struct {
	Specs map[string]string `wire:"extra_specs"`
}

type qosView struct {
	QoS *string `wire:"qos_specs_id"`
}

type accessView struct {
	Public bool `wire:"os-volume-type-access:is_public"`
}

// forAll are the extra specs that every user may see.
var forAll = []string{"RESKEY:availability_zones", "multiattach", "replication_enabled"}

func specsFor(c *rest.Call, t *cinder.Type) map[string]string {
	if c.May("volume_extension:types_extra_specs:read_sensitive", c.Own()) {
		return orEmpty(t.ExtraSpecs)
	}
	out := map[string]string{}
	for _, k := range forAll {
		if v, ok := t.ExtraSpecs[k]; ok {
			out[k] = v
		}
	}
	return out
}

func (s *service) viewType(c *rest.Call, t *cinder.Type) typeView {
	v := typeView{ID: t.ID, Name: t.Name, Public: t.Public, Description: t.Description}
	if c.May("volume_extension:access_types_extra_specs", c.Own()) {
		v.specsView = &specsView{specsFor(c, t)}
	}
	if c.May("volume_extension:access_types_qos_specs_id", c.Own()) {
		v.qosView = &qosView{some(t.QoSID)}
	}
	if c.May("volume_extension:volume_type_access", c.Own()) {
		v.accessView = &accessView{t.Public}
	}
	return v
}

// viewOld is what creating and changing one shows.
func (s *service) viewOld(c *rest.Call, t *cinder.Type) typeView {
	v := s.viewType(c, t)
	v.qosView = nil
	return v
}

func (s *service) listTypes(c *rest.Call, _ struct{}) (listing.Page[typeView], error) {
	q := cinder.TypeQuery{List: c.List, ProjectID: c.Who.Project.ID}
	yes := true
	if !c.From(3, 52) {
		delete(q.Where, "extra_specs")
	}
	if c.Who.Admin() {
		switch v := c.List.First("is_public"); strings.ToLower(v) {
		case "none":
			q.ProjectID = ""
		case "":
			q.ProjectID, q.Public = "", &yes
		default:
			b, ok := rest.Bool(v)
			if !ok {
				return listing.Page[typeView]{}, fault.New(fault.Invalid, "Invalid is_public filter [%s]", v)
			}
			q.ProjectID, q.Public = "", &b
		}
	}
	delete(q.Where, "is_public")
	p, err := s.c.TypesPage(c.Context(), q)
	return page(c, p, func(t *cinder.Type) typeView { return s.viewType(c, t) }), err
}

func (s *service) defaultOf(c *rest.Call, _ struct{}) (any, error) {
	t, err := s.c.DefaultOf(c.Context(), c.Who.Project.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"volume_type": s.viewType(c, t)}, nil
}

func (s *service) showType(c *rest.Call, in byID) (any, error) {
	t, err := s.c.SeenType(c.Context(), c.Who, in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"volume_type": s.viewType(c, t)}, nil
}

func (s *service) createType(c *rest.Call, in struct {
	Type struct {
		Name        string            `json:"name"`
		Description *string           `json:"description"`
		Public      any               `json:"os-volume-type-access:is_public"`
		Specs       map[string]string `json:"extra_specs"`
	} `json:"volume_type"`
}) (any, error) {
	t := &cinder.Type{Name: strings.TrimSpace(in.Type.Name), Description: in.Type.Description, Public: in.Type.Public == nil || yes(in.Type.Public), ExtraSpecs: orEmpty(in.Type.Specs)}
	if t.Name == "" {
		return nil, fault.New(fault.Invalid, "Volume type name can not be empty.")
	}
	if err := s.c.CreateType(c.Context(), t); err != nil {
		return nil, err
	}
	return map[string]any{"volume_type": s.viewOld(c, t)}, nil
}

func (s *service) updateType(c *rest.Call, in struct {
	ID   string `path:"id"`
	Type struct {
		Name        *string `json:"name"`
		Description *string `json:"description"`
		Public      any     `json:"is_public"`
	} `json:"volume_type"`
}) (any, error) {
	if in.Type.Name == nil && in.Type.Description == nil && in.Type.Public == nil {
		return nil, fault.New(fault.Invalid, "Specify volume type name, description, is_public or a combination thereof.")
	}
	if in.Type.Name != nil && strings.TrimSpace(*in.Type.Name) == "" {
		return nil, fault.New(fault.Invalid, "Volume type name can not be empty.")
	}
	t, err := s.c.ChangeType(c.Context(), in.ID, func(t *cinder.Type) error {
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
	v := s.viewOld(c, t)
	v.accessView = nil
	return map[string]any{"volume_type": v}, nil
}

func (s *service) deleteType(c *rest.Call, in byID) error {
	return s.c.RemoveType(c.Context(), in.ID)
}

func (s *service) listSpecs(c *rest.Call, in byID) (any, error) {
	t, err := s.c.SeenType(c.Context(), c.Who, in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"extra_specs": specsFor(c, t)}, nil
}

func noSpec(id, key string) error {
	return fault.New(fault.NotFound, "Volume Type %s has no extra specs with key %s.", id, key)
}

func (s *service) showSpec(c *rest.Call, in keyOf) (any, error) {
	t, err := s.c.SeenType(c.Context(), c.Who, in.ID)
	if err != nil {
		return nil, err
	}
	v, ok := specsFor(c, t)[in.Key]
	if !ok {
		return nil, noSpec(in.ID, in.Key)
	}
	return map[string]string{in.Key: v}, nil
}

var specKey = regexp.MustCompile(`^[a-zA-Z0-9-_:. /]{1,255}$`)

func (s *service) createSpecs(c *rest.Call, in struct {
	ID    string            `path:"id"`
	Specs map[string]string `json:"extra_specs"`
}) (any, error) {
	for k := range in.Specs {
		if !specKey.MatchString(k) {
			return nil, fault.New(fault.Invalid, "Key Names can only contain alphanumeric characters, underscores, periods, colons, hyphens and forward slashes.")
		}
	}
	_, err := s.c.ChangeSpecs(c.Context(), in.ID, func(m map[string]string) error {
		for k, v := range in.Specs {
			m[k] = v
		}
		return nil
	})
	return map[string]any{"extra_specs": in.Specs}, err
}

func (s *service) updateSpec(c *rest.Call, in keyOf) (any, error) {
	var body map[string]string
	if err := c.Read(&body); err != nil {
		return nil, err
	}
	v, ok := body[in.Key]
	if !ok {
		return nil, fault.New(fault.Invalid, "Request body and URI mismatch")
	}
	_, err := s.c.ChangeSpecs(c.Context(), in.ID, func(m map[string]string) error { m[in.Key] = v; return nil })
	return body, err
}

func (s *service) deleteSpec(c *rest.Call, in keyOf) error {
	_, err := s.c.ChangeSpecs(c.Context(), in.ID, func(m map[string]string) error {
		if _, ok := m[in.Key]; !ok {
			return noSpec(in.ID, in.Key)
		}
		delete(m, in.Key)
		return nil
	})
	return err
}

type sharing struct {
	ID     string                   `path:"id"`
	Add    struct{ Project string } `json:"addProjectAccess"`
	Remove struct{ Project string } `json:"removeProjectAccess"`
}

func (s *service) addAccess(c *rest.Call, in sharing) error {
	return s.c.ShareType(c.Context(), in.ID, in.Add.Project, true)
}

func (s *service) removeAccess(c *rest.Call, in sharing) error {
	return s.c.ShareType(c.Context(), in.ID, in.Remove.Project, false)
}

type accessRow struct {
	Type    string `wire:"volume_type_id"`
	Project string `wire:"project_id"`
}

func (s *service) listAccess(c *rest.Call, in byID) (any, error) {
	t, err := s.c.Store.Type(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	if t.Public {
		return nil, fault.New(fault.NotFound, "Access list not available for public volume types.")
	}
	projects, err := s.c.TypeAccess(c.Context(), t.ID)
	rows := []accessRow{}
	for _, p := range slices.Sorted(slices.Values(projects)) {
		rows = append(rows, accessRow{t.ID, p})
	}
	return map[string]any{"volume_type_access": rows}, err
}
