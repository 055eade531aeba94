package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/placement"

	"github.com/google/uuid"
)

type ctxt = context.Context

func (s *service) providers() []rest.Route {
	const at = "/resource_providers"
	return []rest.Route{
		{On: "GET " + at, Rule: "placement:resource_providers:list", Do: rest.Do(s.listProviders)},
		{On: "POST " + at, Rule: "placement:resource_providers:create", Do: rest.Do(s.createProvider), Body: s.shelf.Get("bodies.providerCreate")},
		{On: "GET " + at + "/{id}", Rule: "placement:resource_providers:show", Do: rest.Do(s.showProvider)},
		{On: "PUT " + at + "/{id}", Rule: "placement:resource_providers:update", Do: rest.Do(s.updateProvider), Body: s.shelf.Get("bodies.providerUpdate")},
		{On: "DELETE " + at + "/{id}", Rule: "placement:resource_providers:delete", Do: rest.DoNothing(s.deleteProvider), Status: 204, Mutates: true},
	}
}

type providerView struct {
	ID         string  `wire:"uuid"`
	Name       string  `wire:"name"`
	Generation int64   `wire:"generation"`
	Links      []link  `wire:"links"`
	Parent     *string `wire:"parent_provider_uuid,1.14.."`
	Root       string  `wire:"root_provider_uuid,1.14.."`
}

func viewProvider(c *rest.Call, p *placement.Provider) providerView {
	self := "/resource_providers/" + p.ID
	v := providerView{ID: p.ID, Name: p.Name, Generation: p.Generation, Root: p.RootID, Links: []link{{"self", self}, {"inventories", self + "/inventories"}, {"usages", self + "/usages"}}}
	for _, more := range []struct {
		minor int
		rel   string
	}{{1, "aggregates"}, {6, "traits"}, {11, "allocations"}} {
		if c.From(1, more.minor) {
			v.Links = append(v.Links, link{more.rel, self + "/" + more.rel})
		}
	}
	if p.ParentID != "" {
		v.Parent = &p.ParentID
	}
	return v
}

func (s *service) listProviders(c *rest.Call, _ struct{}) (map[string][]providerView, error) {
	q := c.URL.Query()
	for name, since := range map[string]int{"name": 0, "uuid": 0, "member_of": 3, "resources": 4, "in_tree": 14, "required": 18} {
		if q.Has(name) && !c.From(1, since) {
			return nil, fault.New(fault.Invalid, "Invalid query string parameters: Additional properties are not allowed ('%s' was unexpected)", name)
		}
	}
	for name := range q {
		if !slices.Contains([]string{"name", "uuid", "member_of", "resources", "in_tree", "required"}, name) {
			return nil, fault.New(fault.Invalid, "Invalid query string parameters: Additional properties are not allowed ('%s' was unexpected)", name)
		}
	}
	g, err := readGroup(c, q, "")
	if err != nil {
		return nil, err
	}
	rows, err := s.p.Match(c.Context(), g)
	if err != nil {
		return nil, err
	}
	out := []providerView{}
	at := time.Time{}
	for _, p := range rows {
		if (q.Get("name") == "" || p.Name == q.Get("name")) && (q.Get("uuid") == "" || p.ID == q.Get("uuid")) {
			out = append(out, viewProvider(c, p))
			at = later(at, p.UpdatedAt)
		}
	}
	fresh(c, orNow(at))
	return map[string][]providerView{"resource_providers": out}, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func orNow(t time.Time) time.Time {
	if t.IsZero() {
		return time.Now()
	}
	return t
}

type providerIn struct {
	byID
	UUID   string  `json:"uuid"`
	Name   string  `json:"name"`
	Parent *string `json:"parent_provider_uuid"`
}

// dashed writes a UUID as it is written in addresses.
func dashed(id string) string {
	if u, err := uuid.Parse(id); err == nil {
		return u.String()
	}
	return id
}

func (s *service) createProvider(c *rest.Call, in providerIn) (any, error) {
	now := s.p.Now()
	p := &placement.Provider{ID: dashed(in.UUID), Name: in.Name, CreatedAt: now, UpdatedAt: now, Aggregates: []string{}, Traits: []string{}}
	if p.ID == "" {
		p.ID = uuid.NewString()
	}
	p.RootID = p.ID
	if strings.TrimSpace(p.Name) == "" {
		return nil, fault.New(fault.Invalid, "JSON does not validate: '%s' is too short", p.Name)
	}
	err := s.p.Tx(c.Context(), func(ctx ctxt) error {
		if err := s.adopt(ctx, p, in.Parent); err != nil {
			return err
		}
		have, err := s.p.Providers(ctx, placement.ProviderQuery{IDs: []string{p.ID}})
		if err == nil && len(have) > 0 {
			err = fault.New(fault.Conflict, "Conflicting resource provider uuid: %s already exists.", p.ID).Named(placement.CodeDuplicate)
		}
		if err != nil {
			return err
		}
		return s.p.InsertProvider(ctx, p)
	})
	if err != nil {
		return nil, err
	}
	place(c, "/resource_providers/"+p.ID)
	if c.From(1, 20) {
		fresh(c, p.UpdatedAt)
		return viewProvider(c, p), nil
	}
	c.Route.Status = 201
	return nil, nil
}

// adopt puts a provider below its parent.
func (s *service) adopt(ctx ctxt, p *placement.Provider, parent *string) error {
	if parent == nil {
		return nil
	}
	if *parent == p.ID {
		return fault.New(fault.Invalid, "parent provider UUID cannot be same as UUID.")
	}
	up, err := s.p.Provider(ctx, dashed(*parent))
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Invalid, "parent provider UUID does not exist.")
	}
	if err == nil {
		p.ParentID, p.RootID = up.ID, up.RootID
	}
	return err
}

func (s *service) showProvider(c *rest.Call, in byID) (any, error) {
	p, err := s.p.Provider(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	fresh(c, p.UpdatedAt)
	return viewProvider(c, p), nil
}

func (s *service) updateProvider(c *rest.Call, in providerIn) (any, error) {
	var out *placement.Provider
	err := s.p.Tx(c.Context(), func(ctx ctxt) error {
		p, err := s.p.Provider(ctx, in.ID)
		if err != nil {
			return err
		}
		if err := s.move(ctx, c, p, in.Parent); err != nil {
			return err
		}
		p.Name, p.UpdatedAt, out = in.Name, s.p.Now(), p
		return s.p.UpdateProvider(ctx, p)
	})
	if err != nil {
		return nil, err
	}
	fresh(c, out.UpdatedAt)
	return viewProvider(c, out), nil
}

// move gives a provider another parent; before 1.37 one that has a parent keeps it.
func (s *service) move(ctx ctxt, c *rest.Call, p *placement.Provider, parent *string) error {
	now := ""
	if parent != nil {
		now = dashed(*parent)
	}
	if now == p.ParentID || now == "" && !c.From(1, 37) {
		if now == "" && p.ParentID != "" {
			return fault.New(fault.Invalid, "re-parenting a provider is not currently allowed.")
		}
		return nil
	}
	if p.ParentID != "" && !c.From(1, 37) {
		return fault.New(fault.Invalid, "re-parenting a provider is not currently allowed.")
	}
	tree, err := s.p.Providers(ctx, placement.ProviderQuery{Root: p.RootID})
	if err != nil {
		return err
	}
	below := descendants(tree, p.ID)
	if slices.Contains(below, now) {
		return fault.New(fault.Invalid, "creating loop in the provider tree is not allowed.")
	}
	p.ParentID, p.RootID = "", p.ID
	if err := s.adopt(ctx, p, parent); err != nil {
		return err
	}
	for _, d := range tree {
		if d.ID != p.ID && slices.Contains(below, d.ID) {
			d.RootID = p.RootID
			if err := s.p.UpdateProvider(ctx, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// descendants are id and all below it.
func descendants(tree []*placement.Provider, id string) []string {
	out := []string{id}
	for i := 0; i < len(out); i++ {
		for _, p := range tree {
			if p.ParentID == out[i] {
				out = append(out, p.ID)
			}
		}
	}
	return out
}

func (s *service) deleteProvider(c *rest.Call, in byID) error {
	return s.p.RemoveProvider(c.Context(), in.ID)
}
