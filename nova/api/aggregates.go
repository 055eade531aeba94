package api

import (
	"slices"
	"strconv"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/nova"

	"github.com/google/uuid"
)

func (s *service) aggregates() []rest.Route {
	const at = "/v2.1/os-aggregates"
	return []rest.Route{
		{On: "GET " + at, Rule: "os_compute_api:os-aggregates:index", Do: rest.Do(s.listAggregates)},
		{On: "POST " + at, Rule: "os_compute_api:os-aggregates:create", Do: rest.Do(s.createAggregate), Body: s.shelf.Get("admin.aggregateCreate")},
		{On: "GET " + at + "/{id}", Rule: "os_compute_api:os-aggregates:show", Do: rest.Do(s.showAggregate)},
		{On: "PUT " + at + "/{id}", Rule: "os_compute_api:os-aggregates:update", Do: rest.Do(s.updateAggregate), Body: s.shelf.Get("admin.aggregateUpdate")},
		{On: "DELETE " + at + "/{id}", Rule: "os_compute_api:os-aggregates:delete", Do: rest.DoNothing(s.deleteAggregate), Mutates: true},
		{On: "POST " + at + "/{id}/action", Action: "add_host", Rule: "os_compute_api:os-aggregates:add_host", Do: rest.Do(s.addHost), Body: s.shelf.Get("admin.aggregateHost")},
		{On: "POST " + at + "/{id}/action", Action: "remove_host", Rule: "os_compute_api:os-aggregates:remove_host", Do: rest.Do(s.removeHost), Body: s.shelf.Get("admin.aggregateHost")},
		{On: "POST " + at + "/{id}/action", Action: "set_metadata", Rule: "os_compute_api:os-aggregates:set_metadata", Do: rest.Do(s.setAggregate), Body: s.shelf.Get("admin.aggregateMetadata")},
	}
}

type aggregateView struct {
	ID        int64             `wire:"id"`
	UUID      string            `wire:"uuid,2.41.."`
	Name      string            `wire:"name"`
	Zone      *string           `wire:"availability_zone"`
	Hosts     []string          `wire:"hosts"`
	Metadata  map[string]string `wire:"metadata"`
	Created   *nanoTime         `wire:"created_at"`
	Updated   *nanoTime         `wire:"updated_at"`
	Deleted   bool              `wire:"deleted"`
	DeletedAt *nanoTime         `wire:"deleted_at"`
}

func viewAggregate(a *nova.Aggregate) aggregateView {
	v := aggregateView{ID: a.ID, UUID: a.UUID, Name: a.Name, Hosts: a.Hosts, Metadata: a.Metadata, Created: nano(a.CreatedAt), Updated: nano(a.UpdatedAt)}
	if z := a.Zone(); z != "" {
		v.Zone = &z
	}
	return v
}

func aggregateOut(a *nova.Aggregate, err error) (map[string]aggregateView, error) {
	if err != nil {
		return nil, err
	}
	return map[string]aggregateView{"aggregate": viewAggregate(a)}, nil
}

func (s *service) listAggregates(c *rest.Call, _ struct{}) (map[string][]aggregateView, error) {
	rows, err := s.c.Aggregates(c.Context())
	out := []aggregateView{}
	for _, a := range rows {
		out = append(out, viewAggregate(a))
	}
	return map[string][]aggregateView{"aggregates": out}, err
}

func (s *service) createAggregate(c *rest.Call, in struct {
	Aggregate struct {
		Name string
		Zone string `json:"availability_zone"`
	}
}) (map[string]aggregateView, error) {
	a := &nova.Aggregate{UUID: uuid.NewString(), Name: in.Aggregate.Name, Metadata: map[string]string{}, Hosts: []string{}, CreatedAt: s.c.Now()}
	if in.Aggregate.Zone != "" {
		a.Metadata["availability_zone"] = in.Aggregate.Zone
	}
	return aggregateOut(a, s.c.Tx(c.Context(), func(ctx ctxt) error { return s.c.InsertAggregate(ctx, a) }))
}

func aggregateID(id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0, fault.New(fault.NotFound, "Aggregate %s could not be found.", id)
	}
	return n, nil
}

func (s *service) showAggregate(c *rest.Call, in byID) (map[string]aggregateView, error) {
	id, err := aggregateID(in.ID)
	if err != nil {
		return nil, err
	}
	return aggregateOut(s.c.Aggregate(c.Context(), id))
}

func (s *service) edit(c *rest.Call, id string, f func(*nova.Aggregate) error) (map[string]aggregateView, error) {
	n, err := aggregateID(id)
	if err != nil {
		return nil, err
	}
	return aggregateOut(s.c.EditAggregate(c.Context(), n, f))
}

func (s *service) updateAggregate(c *rest.Call, in struct {
	byID
	Aggregate struct {
		Name string
		Zone *string `json:"availability_zone"`
	}
}) (map[string]aggregateView, error) {
	return s.edit(c, in.ID, func(a *nova.Aggregate) error {
		if in.Aggregate.Name != "" {
			a.Name = in.Aggregate.Name
		}
		if in.Aggregate.Zone != nil {
			a.Metadata["availability_zone"] = *in.Aggregate.Zone
		}
		return nil
	})
}

func (s *service) deleteAggregate(c *rest.Call, in byID) error {
	id, err := aggregateID(in.ID)
	if err != nil {
		return err
	}
	return s.c.Tx(c.Context(), func(ctx ctxt) error {
		a, err := s.c.Aggregate(ctx, id)
		if err != nil {
			return err
		}
		if len(a.Hosts) > 0 {
			return fault.New(fault.Invalid, "Cannot remove host from aggregate %d. Reason: Host aggregate is not empty.", id)
		}
		return s.c.DeleteAggregate(ctx, id)
	})
}

func (s *service) addHost(c *rest.Call, in struct {
	byID
	Add struct{ Host string } `json:"add_host"`
}) (map[string]aggregateView, error) {
	if _, err := s.c.Host(c.Context(), in.Add.Host); err != nil {
		return nil, err
	}
	zones, err := s.c.ZoneOf(c.Context())
	if err != nil {
		return nil, err
	}
	return s.edit(c, in.ID, func(a *nova.Aggregate) error {
		if slices.Contains(a.Hosts, in.Add.Host) {
			return fault.New(fault.Conflict, "Cannot add host %s in aggregate %d: host exists", in.Add.Host, a.ID)
		}
		if z := a.Zone(); z != "" && zones[in.Add.Host] != "" && zones[in.Add.Host] != z {
			return fault.New(fault.Conflict, "Cannot perform action 'add_host_to_aggregate' on aggregate %d. Reason: One or more hosts already in availability zone(s) [%s].", a.ID, zones[in.Add.Host])
		}
		a.Hosts = append(a.Hosts, in.Add.Host)
		return nil
	})
}

func (s *service) removeHost(c *rest.Call, in struct {
	byID
	Drop struct{ Host string } `json:"remove_host"`
}) (map[string]aggregateView, error) {
	return s.edit(c, in.ID, func(a *nova.Aggregate) error {
		i := slices.Index(a.Hosts, in.Drop.Host)
		if i < 0 {
			return fault.New(fault.NotFound, "Cannot remove host %s in aggregate %d: not found", in.Drop.Host, a.ID)
		}
		a.Hosts = slices.Delete(a.Hosts, i, i+1)
		return nil
	})
}

func (s *service) setAggregate(c *rest.Call, in struct {
	byID
	Set struct{ Metadata map[string]*string } `json:"set_metadata"`
}) (map[string]aggregateView, error) {
	return s.edit(c, in.ID, func(a *nova.Aggregate) error {
		for k, v := range in.Set.Metadata {
			if v == nil {
				delete(a.Metadata, k)
			} else {
				a.Metadata[k] = *v
			}
		}
		return nil
	})
}
