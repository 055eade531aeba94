package api

import (
	"slices"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/placement"
)

func (s *service) classes() []rest.Route {
	two, six, seven := rest.V(1, 2), rest.V(1, 6), rest.V(1, 7)
	const one = "/resource_classes/{name}"
	return []rest.Route{
		{On: "GET /resource_classes", Since: two, Rule: "placement:resource_classes:list", Do: rest.Do(s.listClasses)},
		{On: "POST /resource_classes", Since: two, Rule: "placement:resource_classes:create", Do: rest.Do(s.createClass), Body: s.shelf.Get("bodies.class"), Status: 201},
		{On: "GET " + one, Since: two, Rule: "placement:resource_classes:show", Do: rest.Do(s.showClass)},
		{On: "PUT " + one, Since: two, Until: six, Rule: "placement:resource_classes:update", Do: rest.Do(s.renameClass), Body: s.shelf.Get("bodies.class")},
		{On: "PUT " + one, Since: seven, Rule: "placement:resource_classes:update", Do: rest.Do(s.makeClass), Mutates: true},
		{On: "DELETE " + one, Since: two, Rule: "placement:resource_classes:delete", Do: rest.DoNothing(s.dropClass), Status: 204, Mutates: true},
	}
}

type classView struct {
	Name  string `wire:"name"`
	Links []link `wire:"links"`
}

func viewClass(name string) classView {
	return classView{name, []link{{"self", "/resource_classes/" + name}}}
}

func (s *service) listClasses(c *rest.Call, _ struct{}) (map[string][]classView, error) {
	all, err := s.p.Classes(c.Context())
	out := []classView{}
	for _, n := range all {
		out = append(out, viewClass(n))
	}
	fresh(c, s.p.Now())
	return map[string][]classView{"resource_classes": out}, err
}

func (s *service) createClass(c *rest.Call, in struct {
	Name string `json:"name"`
}) (any, error) {
	made, err := s.p.MakeName(c.Context(), "class", in.Name)
	if err == nil && !made {
		err = fault.New(fault.Conflict, "Conflicting resource class already exists: %s", in.Name)
	}
	place(c, "/resource_classes/"+in.Name)
	return nil, err
}

func (s *service) showClass(c *rest.Call, in traitPath) (any, error) {
	all, err := s.p.Classes(c.Context())
	if err != nil {
		return nil, err
	}
	if !slices.Contains(all, in.Name) {
		return nil, fault.New(fault.NotFound, "No such resource class %s.", in.Name)
	}
	fresh(c, s.p.Now())
	return viewClass(in.Name), nil
}

// renameClass is what PUT meant before 1.7.
func (s *service) renameClass(c *rest.Call, in struct {
	traitPath
	To string `json:"name"`
}) (any, error) {
	if placement.Standard(in.Name) {
		return nil, fault.New(fault.Invalid, "Cannot update standard resource class %s", in.Name)
	}
	err := s.p.Tx(c.Context(), func(ctx ctxt) error {
		if err := s.p.DropName(ctx, "class", in.Name); err != nil {
			return err
		}
		_, err := s.p.MakeName(ctx, "class", in.To)
		return err
	})
	if err != nil {
		return nil, err
	}
	return viewClass(in.To), nil
}

func (s *service) makeClass(c *rest.Call, in traitPath) (any, error) {
	if !placement.Custom(in.Name) {
		return nil, fault.New(fault.Invalid, "Invalid resource class '%s'. It must begin with CUSTOM_ and use A-Z, 0-9 and _ only.", in.Name)
	}
	made, err := s.p.MakeName(c.Context(), "class", in.Name)
	c.Route.Status = 204
	if made {
		c.Route.Status = 201
		place(c, "/resource_classes/"+in.Name)
	}
	return nil, err
}

func (s *service) dropClass(c *rest.Call, in traitPath) error {
	if placement.Standard(in.Name) {
		return fault.New(fault.Invalid, "Cannot delete standard resource class %s", in.Name)
	}
	return s.p.DropName(c.Context(), "class", in.Name)
}
