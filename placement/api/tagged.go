package api

import (
	"encoding/json"
	"slices"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/placement"
)

// tagged are the aggregates and traits of providers, and traits by themselves.
func (s *service) tagged() []rest.Route {
	const ag, tr = "/resource_providers/{id}/aggregates", "/resource_providers/{id}/traits"
	six := rest.V(1, 6)
	return []rest.Route{
		{On: "GET " + ag, Since: rest.V(1, 1), Rule: "placement:resource_providers:aggregates:list", Do: rest.Do(s.aggregates)},
		{On: "PUT " + ag, Since: rest.V(1, 1), Rule: "placement:resource_providers:aggregates:update", Do: rest.Do(s.setAggregates), Body: s.shelf.Get("bodies.aggregates")},
		{On: "GET " + tr, Since: six, Rule: "placement:resource_providers:traits:list", Do: rest.Do(s.providerTraits)},
		{On: "PUT " + tr, Since: six, Rule: "placement:resource_providers:traits:update", Do: rest.Do(s.setTraits), Body: s.shelf.Get("bodies.traits")},
		{On: "DELETE " + tr, Since: six, Rule: "placement:resource_providers:traits:delete", Do: rest.DoNothing(s.clearTraits), Status: 204, Mutates: true},
		{On: "GET /traits", Since: six, Rule: "placement:traits:list", Do: rest.Do(s.listTraits)},
		{On: "GET /traits/{name}", Since: six, Rule: "placement:traits:show", Do: rest.DoNothing(s.showTrait), Status: 204},
		{On: "PUT /traits/{name}", Since: six, Rule: "placement:traits:update", Do: rest.Do(s.makeTrait), Mutates: true},
		{On: "DELETE /traits/{name}", Since: six, Rule: "placement:traits:delete", Do: rest.DoNothing(s.dropTrait), Status: 204, Mutates: true},
	}
}

type aggregatesView struct {
	Aggregates []string `wire:"aggregates"`
	Generation int64    `wire:"resource_provider_generation,1.19.."`
}

func (s *service) aggregates(c *rest.Call, in byID) (any, error) {
	p, err := s.p.Provider(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	fresh(c, p.UpdatedAt)
	return aggregatesView{p.Aggregates, p.Generation}, nil
}

// setAggregates takes a bare list before 1.19.
func (s *service) setAggregates(c *rest.Call, in byID) (any, error) {
	var body struct {
		Aggregates []string `json:"aggregates"`
		Generation int64    `json:"resource_provider_generation"`
	}
	to := any(&body)
	if !c.From(1, 19) {
		to, body.Generation = &body.Aggregates, -1
	}
	if err := json.Unmarshal(c.Body(), to); err != nil {
		return nil, fault.New(fault.Invalid, "Malformed JSON: %v", err)
	}
	p, err := s.p.Change(c.Context(), in.ID, body.Generation, func(_ ctxt, p *placement.Provider) error {
		p.Aggregates = body.Aggregates
		return nil
	})
	if err != nil {
		return nil, err
	}
	fresh(c, p.UpdatedAt)
	return aggregatesView{p.Aggregates, p.Generation}, nil
}

func traitsOf(p *placement.Provider) any {
	return map[string]any{"traits": slices.Clone(p.Traits), "resource_provider_generation": p.Generation}
}

func (s *service) providerTraits(c *rest.Call, in byID) (any, error) {
	p, err := s.p.Provider(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	fresh(c, p.UpdatedAt)
	return traitsOf(p), nil
}

func (s *service) setTraits(c *rest.Call, in struct {
	byID
	Traits     []string `json:"traits"`
	Generation int64    `json:"resource_provider_generation"`
}) (any, error) {
	all, err := s.p.Traits(c.Context())
	if err != nil {
		return nil, err
	}
	for _, t := range in.Traits {
		if !slices.Contains(all, t) {
			return nil, fault.New(fault.Invalid, "No such trait %s", t)
		}
	}
	p, err := s.p.Change(c.Context(), in.ID, in.Generation, func(_ ctxt, p *placement.Provider) error {
		p.Traits = in.Traits
		return nil
	})
	if err != nil {
		return nil, err
	}
	fresh(c, p.UpdatedAt)
	return traitsOf(p), nil
}

func (s *service) clearTraits(c *rest.Call, in byID) error {
	_, err := s.p.Change(c.Context(), in.ID, -1, func(_ ctxt, p *placement.Provider) error {
		p.Traits = []string{}
		return nil
	})
	return err
}

func (s *service) listTraits(c *rest.Call, in struct {
	Name       string  `query:"name"`
	Associated *string `query:"associated"`
}) (map[string][]string, error) {
	all, err := s.p.Traits(c.Context())
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	if in.Associated != nil {
		rows, err := s.p.Providers(c.Context(), placement.ProviderQuery{})
		if err != nil {
			return nil, err
		}
		for _, p := range rows {
			for _, t := range p.Traits {
				used[t] = true
			}
		}
	}
	keep, err := nameFilter(in.Name)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, t := range all {
		if keep(t) && (in.Associated == nil || used[t] == (strings.ToLower(*in.Associated) == "true")) {
			out = append(out, t)
		}
	}
	fresh(c, s.p.Now())
	return map[string][]string{"traits": out}, nil
}

func nameFilter(text string) (func(string) bool, error) {
	op, value, ok := strings.Cut(text, ":")
	switch {
	case text == "":
		return func(string) bool { return true }, nil
	case ok && op == "startswith":
		return func(t string) bool { return strings.HasPrefix(t, value) }, nil
	case ok && op == "in":
		l := strings.Split(value, ",")
		return func(t string) bool { return slices.Contains(l, t) }, nil
	}
	return nil, fault.New(fault.Invalid, "Badly formatted name parameter. Expected name query string parameter in form: ?name=[in|startswith]:[name1,name2|prefix]. Got: \"%s\"", text)
}

type traitPath struct {
	Name string `path:"name"`
}

func (s *service) showTrait(c *rest.Call, in traitPath) error {
	all, err := s.p.Traits(c.Context())
	if err == nil && !slices.Contains(all, in.Name) {
		err = fault.New(fault.NotFound, "No such trait: %s", in.Name)
	}
	fresh(c, s.p.Now())
	return err
}

func (s *service) makeTrait(c *rest.Call, in traitPath) (any, error) {
	if !placement.Custom(in.Name) {
		return nil, fault.New(fault.Invalid, "The trait is invalid. A valid trait must be no longer than 255 characters, start with the prefix \"CUSTOM_\" and use following characters: \"A\"-\"Z\", \"0\"-\"9\" and \"_\"")
	}
	made, err := s.p.MakeName(c.Context(), "trait", in.Name)
	c.Route.Status = 204
	if made {
		c.Route.Status = 201
		place(c, "/traits/"+in.Name)
	}
	fresh(c, s.p.Now())
	return nil, err
}

func (s *service) dropTrait(c *rest.Call, in traitPath) error {
	if slices.Contains(placement.StandardTraits, in.Name) {
		return fault.New(fault.Invalid, "Cannot delete standard trait %s.", in.Name)
	}
	return s.p.DropName(c.Context(), "trait", in.Name)
}
