package api

import (
	"encoding/json"

	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/keystone"
)

const mappings = "/v3/OS-FEDERATION/mappings"

func (a *API) protocolRows() []rest.Route {
	const one = providers + "/{idp}/protocols/{id}"
	body := a.shelf.Get("federation.mapping")
	return []rest.Route{
		{On: "GET " + providers + "/{id}/protocols", Rule: "identity:list_protocols", Target: nobody, List: list("protocols"), Do: rest.Do(a.listProtocols)},
		{On: "PUT " + one, Rule: "identity:create_protocol", Target: nobody, Body: a.shelf.Get("federation.createProtocol"), Status: 201, Do: rest.Do(a.createProtocol)},
		{On: "GET " + one, Rule: "identity:get_protocol", Target: nobody, Do: rest.Do(a.showProtocol)},
		{On: "PATCH " + one, Rule: "identity:update_protocol", Target: nobody, Body: a.shelf.Get("federation.updateProtocol"), Do: rest.Do(a.updateProtocol)},
		{On: "DELETE " + one, Rule: "identity:delete_protocol", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteProtocol)},

		{On: "GET " + mappings, Rule: "identity:list_mappings", Target: nobody, List: list("mappings", "id"), Do: rest.Do(a.listMappings)},
		{On: "PUT " + mappings + "/{id}", Rule: "identity:create_mapping", Target: nobody, Body: body, Status: 201, Do: rest.Do(a.createMapping)},
		{On: "GET " + mappings + "/{id}", Rule: "identity:get_mapping", Target: nobody, Do: rest.Do(a.showMapping)},
		{On: "PATCH " + mappings + "/{id}", Rule: "identity:update_mapping", Target: nobody, Body: body, Do: rest.Do(a.updateMapping)},
		{On: "DELETE " + mappings + "/{id}", Rule: "identity:delete_mapping", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteMapping)},
	}
}

type protocol struct {
	ID        string        `json:"-" wire:"id"`
	MappingID string        `json:"mapping_id" wire:"mapping_id"`
	Links     protocolLinks `json:"-" wire:"links"`

	Attribute *string `json:"remote_id_attribute"`
}

// listedProtocol shows more than one that is asked for by its id, as in the original.
type listedProtocol struct {
	protocol
	IdP    string  `wire:"idp_id"`
	Remote *string `wire:"remote_id_attribute"`
}

type protocolLinks struct {
	Self     string `wire:"self"`
	Provider string `wire:"identity_provider"`
}

type protocolOut struct {
	Protocol protocol `wire:"protocol"`
}

type protocolIn struct {
	IdP string `path:"idp"`
	ID  string `path:"id"`
}

type protocolBody struct {
	IdP      string          `path:"idp"`
	ID       string          `path:"id"`
	Protocol json.RawMessage `json:"protocol"`
}

func protocolOf(c *rest.Call, p *keystone.Protocol) protocol {
	at := link(c, "OS-FEDERATION/identity_providers", p.IdPID).Self
	return protocol{ID: p.ID, MappingID: p.MappingID, Links: protocolLinks{at + "/protocols/" + p.ID, at}, Attribute: p.Attribute}
}

func (w protocol) to(p *keystone.Protocol) { p.MappingID, p.Attribute = w.MappingID, w.Attribute }

func (a *API) listProtocols(c *rest.Call, in idIn) (listing.Page[listedProtocol], error) {
	ps, err := a.id.Protocols(c.Context(), in.ID)
	return listing.Map(listing.Page[*keystone.Protocol]{Items: ps}, func(p *keystone.Protocol) listedProtocol {
		return listedProtocol{protocolOf(c, p), p.IdPID, p.Attribute}
	}), err
}

func (a *API) createProtocol(c *rest.Call, in protocolBody) (protocolOut, error) {
	var w protocol
	if err := merge(in.Protocol, &w); err != nil {
		return protocolOut{}, err
	}
	p := &keystone.Protocol{IdPID: in.IdP, ID: in.ID}
	w.to(p)
	err := a.id.CreateProtocol(c.Context(), p)
	return protocolOut{protocolOf(c, p)}, err
}

func (a *API) showProtocol(c *rest.Call, in protocolIn) (protocolOut, error) {
	p, err := a.id.Protocol(c.Context(), in.IdP, in.ID)
	if err != nil {
		return protocolOut{}, err
	}
	return protocolOut{protocolOf(c, p)}, nil
}

func (a *API) updateProtocol(c *rest.Call, in protocolBody) (protocolOut, error) {
	p, err := a.id.UpdateProtocol(c.Context(), in.IdP, in.ID, func(p *keystone.Protocol) error {
		w := protocolOf(c, p)
		err := merge(in.Protocol, &w)
		w.to(p)
		return err
	})
	if err != nil {
		return protocolOut{}, err
	}
	return protocolOut{protocolOf(c, p)}, nil
}

func (a *API) deleteProtocol(c *rest.Call, in protocolIn) error {
	return a.id.DeleteProtocol(c.Context(), in.IdP, in.ID)
}

type mappingView struct {
	ID      string          `wire:"id"`
	Rules   json.RawMessage `wire:"rules"`
	Version string          `wire:"schema_version"`
	Links   self            `wire:"links"`
}

type mappingOut struct {
	Mapping mappingView `wire:"mapping"`
}

type mappingBody struct {
	ID      string `path:"id"`
	Mapping struct {
		Rules   json.RawMessage `json:"rules"`
		Version string          `json:"schema_version"`
	} `json:"mapping"`
}

func (in mappingBody) mapping() *keystone.AttributeMapping {
	m := &keystone.AttributeMapping{ID: in.ID, Rules: in.Mapping.Rules, SchemaVersion: in.Mapping.Version}
	if m.SchemaVersion == "" {
		m.SchemaVersion = "1.0"
	}
	return m
}

func mappingOf(c *rest.Call, m *keystone.AttributeMapping) mappingView {
	return mappingView{ID: m.ID, Rules: m.Rules, Version: m.SchemaVersion, Links: link(c, "OS-FEDERATION/mappings", m.ID)}
}

func (a *API) listMappings(c *rest.Call, _ struct{}) (listing.Page[mappingView], error) {
	page, err := a.id.Mappings(c.Context(), c.List)
	return listing.Map(page, func(m *keystone.AttributeMapping) mappingView { return mappingOf(c, m) }), err
}

func (a *API) createMapping(c *rest.Call, in mappingBody) (mappingOut, error) {
	m := in.mapping()
	err := a.id.CreateMapping(c.Context(), m)
	return mappingOut{mappingOf(c, m)}, err
}

func (a *API) showMapping(c *rest.Call, in idIn) (mappingOut, error) {
	m, err := a.id.Mapping(c.Context(), in.ID)
	if err != nil {
		return mappingOut{}, err
	}
	return mappingOut{mappingOf(c, m)}, nil
}

func (a *API) updateMapping(c *rest.Call, in mappingBody) (mappingOut, error) {
	m := in.mapping()
	err := a.id.UpdateMapping(c.Context(), m)
	return mappingOut{mappingOf(c, m)}, err
}

func (a *API) deleteMapping(c *rest.Call, in idIn) error {
	return a.id.DeleteMapping(c.Context(), in.ID)
}
