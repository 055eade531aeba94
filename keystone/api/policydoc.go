package api

import (
	"encoding/json"

	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) policyRows() []rest.Route {
	return []rest.Route{
		{On: "GET /v3/policies", Rule: "identity:list_policies", Target: nobody, List: list("policies", "type"), Do: rest.Do(a.listPolicies)},
		{On: "POST /v3/policies", Rule: "identity:create_policy", Target: nobody, Body: a.shelf.Get("policy.create"), Status: 201, Do: rest.Do(a.createPolicy)},
		{On: "GET /v3/policies/{id}", Rule: "identity:get_policy", Target: nobody, Do: rest.Do(a.showPolicy)},
		{On: "PATCH /v3/policies/{id}", Rule: "identity:update_policy", Target: nobody, Body: a.shelf.Get("policy.update"), Do: rest.Do(a.updatePolicy)},
		{On: "DELETE /v3/policies/{id}", Rule: "identity:delete_policy", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.deletePolicy)},
	}
}

type policyDoc struct {
	ID    string         `json:"-" wire:"id"`
	Type  string         `json:"type" wire:"type"`
	Blob  string         `json:"blob" wire:"blob"`
	Extra map[string]any `json:"-" wire:"*"`
	Links self           `json:"-" wire:"links"`
}

type policyOut struct {
	Policy policyDoc `wire:"policy"`
}

type policyBody struct {
	ID     string          `path:"id"`
	Policy json.RawMessage `json:"policy"`
}

func policyOf(c *rest.Call, p *keystone.PolicyDoc) policyDoc {
	return policyDoc{ID: p.ID, Type: p.Type, Blob: p.Blob, Extra: p.Extra, Links: link(c, "policies", p.ID)}
}

func (w policyDoc) to(p *keystone.PolicyDoc) { p.Type, p.Blob, p.Extra = w.Type, w.Blob, w.Extra }

func (a *API) listPolicies(c *rest.Call, _ struct{}) (listing.Page[policyDoc], error) {
	page, err := a.id.PolicyDocs(c.Context(), c.List)
	return listing.Map(page, func(p *keystone.PolicyDoc) policyDoc { return policyOf(c, p) }), err
}

func (a *API) createPolicy(c *rest.Call, in policyBody) (policyOut, error) {
	var w policyDoc
	if err := merge(in.Policy, &w); err != nil {
		return policyOut{}, err
	}
	p := &keystone.PolicyDoc{}
	w.to(p)
	err := a.id.CreatePolicyDoc(c.Context(), p)
	return policyOut{policyOf(c, p)}, err
}

func (a *API) showPolicy(c *rest.Call, in idIn) (policyOut, error) {
	p, err := a.id.PolicyDoc(c.Context(), in.ID)
	if err != nil {
		return policyOut{}, err
	}
	return policyOut{policyOf(c, p)}, nil
}

func (a *API) updatePolicy(c *rest.Call, in policyBody) (policyOut, error) {
	p, err := a.id.UpdatePolicyDoc(c.Context(), in.ID, func(p *keystone.PolicyDoc) error {
		w := policyOf(c, p)
		err := merge(in.Policy, &w)
		w.to(p)
		return err
	})
	if err != nil {
		return policyOut{}, err
	}
	return policyOut{policyOf(c, p)}, nil
}

func (a *API) deletePolicy(c *rest.Call, in idIn) error {
	return a.id.DeletePolicyDoc(c.Context(), in.ID)
}
