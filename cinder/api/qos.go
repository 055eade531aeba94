package api

import (
	"maps"
	"strings"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
)

func (s *service) qos() []rest.Route {
	const at, rule = "/v3/qos-specs", "volume_extension:qos_specs_manage:"
	list := &rest.Listing{Key: "qos_specs", Filters: []string{"id", "name", "consumer"}, Sorts: []string{"id", "name", "consumer", "created_at"}}
	return []rest.Route{
		{On: "GET " + at, Rule: rule + "get_all", Do: rest.Do(s.listQoS), List: list},
		{On: "POST " + at, Rule: rule + "create", Do: rest.Do(s.createQoS), Body: s.shelf.Get("more.qos")},
		{On: "GET " + at + "/{id}", Rule: rule + "get", Do: rest.Do(s.showQoS)},
		{On: "PUT " + at + "/{id}", Rule: rule + "update", Do: rest.Do(s.updateQoS), Body: s.shelf.Get("more.qosSet")},
		{On: "DELETE " + at + "/{id}", Rule: rule + "delete", Do: rest.DoNothing(s.deleteQoS), Mutates: true, Status: 202},
		{On: "PUT " + at + "/{id}/delete_keys", Rule: rule + "delete", Do: rest.DoNothing(s.dropQoSKeys), Body: s.shelf.Get("more.qosKeys"), Status: 202},
		{On: "GET " + at + "/{id}/associations", Rule: rule + "get_all", Do: rest.Do(s.qosTypes)},
		{On: "GET " + at + "/{id}/associate", Rule: rule + "update", Do: rest.DoNothing(s.bindQoS(true)), Status: 202},
		{On: "GET " + at + "/{id}/disassociate", Rule: rule + "update", Do: rest.DoNothing(s.bindQoS(false)), Status: 202},
		{On: "GET " + at + "/{id}/disassociate_all", Rule: rule + "update", Do: rest.DoNothing(s.freeQoS), Status: 202},
	}
}

type qosSpecs struct {
	ID       string            `wire:"id"`
	Name     string            `wire:"name"`
	Consumer string            `wire:"consumer"`
	Specs    map[string]string `wire:"specs"`
}

func viewQoS(q *cinder.QoS) qosSpecs { return qosSpecs{q.ID, q.Name, q.Consumer, orEmpty(q.Specs)} }

func wholeQoS(c *rest.Call, q *cinder.QoS) any {
	return map[string]any{"qos_specs": viewQoS(q), "links": self(c, "qos-specs", q.ID)}
}

func (s *service) listQoS(c *rest.Call, _ struct{}) (listing.Page[qosSpecs], error) {
	p, err := s.c.QoSPage(c.Context(), c.List)
	return page(c, p, viewQoS), err
}

func (s *service) createQoS(c *rest.Call, in struct {
	Specs map[string]string `json:"qos_specs"`
}) (any, error) {
	q := &cinder.QoS{Name: strings.TrimSpace(in.Specs["name"]), Specs: in.Specs}
	if q.Name == "" {
		return nil, fault.New(fault.Invalid, "Invalid input for field/attribute name. Value: . name has 0 characters, but 1 is the least.")
	}
	delete(q.Specs, "name")
	if err := s.c.CreateQoS(c.Context(), q); err != nil {
		return nil, err
	}
	return wholeQoS(c, q), nil
}

func (s *service) showQoS(c *rest.Call, in byID) (any, error) {
	q, err := s.c.QoS(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return wholeQoS(c, q), nil
}

func (s *service) updateQoS(c *rest.Call, in struct {
	ID    string            `path:"id"`
	Specs map[string]string `json:"qos_specs"`
}) (any, error) {
	given := maps.Clone(in.Specs)
	err := s.c.ChangeQoS(c.Context(), in.ID, func(m map[string]string) error { maps.Copy(m, in.Specs); return nil })
	return map[string]any{"qos_specs": given}, err
}

func (s *service) deleteQoS(c *rest.Call, in struct {
	ID    string `path:"id"`
	Force bool   `query:"force"`
}) error {
	return s.c.RemoveQoS(c.Context(), in.ID, in.Force)
}

func (s *service) dropQoSKeys(c *rest.Call, in struct {
	ID   string `path:"id"`
	Keys []string
}) error {
	return s.c.ChangeQoS(c.Context(), in.ID, func(m map[string]string) error {
		for _, k := range in.Keys {
			if _, ok := m[k]; !ok {
				return fault.New(fault.NotFound, "QoS spec %s has no spec with key %s.", in.ID, k)
			}
			delete(m, k)
		}
		return nil
	})
}

func (s *service) qosTypes(c *rest.Call, in byID) (any, error) {
	types, err := s.c.QoSTypes(c.Context(), in.ID)
	out := []map[string]string{}
	for _, t := range types {
		out = append(out, map[string]string{"association_type": "volume_type", "name": t.Name, "id": t.ID})
	}
	return map[string]any{"qos_associations": out}, err
}

func (s *service) bindQoS(on bool) func(*rest.Call, struct {
	ID   string `path:"id"`
	Type string `query:"vol_type_id"`
}) error {
	return func(c *rest.Call, in struct {
		ID   string `path:"id"`
		Type string `query:"vol_type_id"`
	}) error {
		if in.Type == "" {
			return fault.New(fault.Invalid, "Volume Type id must not be None.")
		}
		return s.c.BindQoS(c.Context(), in.ID, in.Type, on)
	}
}

func (s *service) freeQoS(c *rest.Call, in byID) error { return s.c.FreeQoS(c.Context(), in.ID) }
