package api

import (
	"encoding/json"
	"time"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/placement"
)

func (s *service) allocations() []rest.Route {
	const at = "/allocations/{id}"
	return []rest.Route{
		{On: "GET " + at, Rule: "placement:allocations:list", Do: rest.Do(s.showAllocations)},
		{On: "PUT " + at, Rule: "placement:allocations:update", Do: rest.DoNothing(s.putAllocations), Body: s.shelf.Get("bodies.allocations"), Status: 204},
		{On: "DELETE " + at, Rule: "placement:allocations:delete", Do: rest.DoNothing(s.dropAllocations), Status: 204, Mutates: true},
		{On: "POST /allocations", Since: rest.V(1, 13), Rule: "placement:allocations:manage", Do: rest.DoNothing(s.postAllocations), Body: s.shelf.Get("bodies.consumers"), Status: 204},
		{On: "GET /resource_providers/{id}/allocations", Rule: "placement:resource_providers:allocations:list", Do: rest.Do(s.allocationsOn)},
		{On: "POST /reshaper", Since: rest.V(1, 30), Rule: "placement:reshaper:reshape", Do: rest.DoNothing(s.reshape), Body: s.shelf.Get("bodies.reshaper"), Status: 204},
	}
}

type allocationView struct {
	Resources  map[string]int64 `wire:"resources"`
	Generation int64            `wire:"generation"`
}

type consumerView struct {
	Allocations map[string]allocationView `wire:"allocations"`
	Project     string                    `wire:"project_id,1.12..,omitempty"`
	User        string                    `wire:"user_id,1.12..,omitempty"`
	Generation  *int64                    `wire:"consumer_generation,1.28..,omitempty"`
	Type        string                    `wire:"consumer_type,1.38..,omitempty"`
}

func (s *service) showAllocations(c *rest.Call, in byID) (any, error) {
	rows, err := s.p.AllocationsOf(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	v := consumerView{Allocations: map[string]allocationView{}}
	if len(rows) == 0 {
		fresh(c, s.p.Now())
		return v, nil
	}
	var ids []string
	at := time.Time{}
	for _, a := range rows {
		ids, at = append(ids, a.ProviderID), later(at, a.UpdatedAt)
	}
	providers, err := s.p.Providers(c.Context(), placement.ProviderQuery{IDs: ids})
	if err != nil {
		return nil, err
	}
	for _, p := range providers {
		v.Allocations[p.ID] = allocationView{map[string]int64{}, p.Generation}
	}
	for _, a := range rows {
		v.Allocations[a.ProviderID].Resources[a.Class] = a.Used
	}
	consumers, err := s.p.Consumers(c.Context(), in.ID)
	if x := consumers[in.ID]; x != nil {
		v.Project, v.User, v.Generation, v.Type = x.ProjectID, x.UserID, &x.Generation, x.Type
	}
	fresh(c, at)
	return v, err
}

// claimIn is one consumer's body since 1.12.
type claimIn struct {
	Allocations map[string]struct {
		Resources map[string]int64 `json:"resources"`
	} `json:"allocations"`
	Project    string `json:"project_id"`
	User       string `json:"user_id"`
	Generation *int64 `json:"consumer_generation"`
	Type       string `json:"consumer_type"`
}

func (in claimIn) claim(c *rest.Call, consumer string) placement.Claim {
	x := placement.Claim{Consumer: consumer, ProjectID: in.Project, UserID: in.User, Type: in.Type, Generation: in.Generation, Checked: c.From(1, 28), Resources: map[string]map[string]int64{}}
	for id, a := range in.Allocations {
		x.Resources[dashed(id)] = a.Resources
	}
	return x
}

func (s *service) putAllocations(c *rest.Call, in byID) error {
	var x placement.Claim
	if c.From(1, 12) {
		var body claimIn
		if err := json.Unmarshal(c.Body(), &body); err != nil {
			return err
		}
		if len(body.Allocations) == 0 && !c.From(1, 28) {
			return fault.New(fault.Invalid, "JSON does not validate: {} does not have enough properties")
		}
		x = body.claim(c, in.ID)
	} else {
		var body struct {
			Allocations []struct {
				Provider struct {
					UUID string `json:"uuid"`
				} `json:"resource_provider"`
				Resources map[string]int64 `json:"resources"`
			} `json:"allocations"`
			Project string `json:"project_id"`
			User    string `json:"user_id"`
		}
		if err := json.Unmarshal(c.Body(), &body); err != nil {
			return err
		}
		x = placement.Claim{Consumer: in.ID, ProjectID: body.Project, UserID: body.User, Resources: map[string]map[string]int64{}}
		for _, a := range body.Allocations {
			x.Resources[dashed(a.Provider.UUID)] = a.Resources
		}
	}
	return s.claim(c, x)
}

// claim checks that what is named exists, then claims.
func (s *service) claim(c *rest.Call, claims ...placement.Claim) error {
	all, err := s.p.Classes(c.Context())
	if err != nil {
		return err
	}
	classes := map[string]bool{}
	for _, n := range all {
		classes[n] = true
	}
	for _, x := range claims {
		for id, resources := range x.Resources {
			if _, err := s.p.Provider(c.Context(), id); fault.Is(err, fault.NotFound) {
				return fault.New(fault.Invalid, "Allocation for resource provider '%s' that does not exist.", id)
			} else if err != nil {
				return err
			}
			for class := range resources {
				if !classes[class] {
					return fault.New(fault.Invalid, "No such resource class %s.", class)
				}
			}
		}
	}
	return s.p.Claim(c.Context(), claims...)
}

func (s *service) postAllocations(c *rest.Call, _ struct{}) error {
	var body map[string]claimIn
	if err := json.Unmarshal(c.Body(), &body); err != nil {
		return err
	}
	var claims []placement.Claim
	for id, in := range body {
		claims = append(claims, in.claim(c, id))
	}
	return s.claim(c, claims...)
}

func (s *service) dropAllocations(c *rest.Call, in byID) error {
	rows, err := s.p.AllocationsOf(c.Context(), in.ID)
	if err == nil && len(rows) == 0 {
		err = fault.New(fault.NotFound, "No allocations for consumer '%s'", in.ID)
	}
	if err != nil {
		return err
	}
	return s.p.Release(c.Context(), in.ID)
}

type takenView struct {
	Resources  map[string]int64 `wire:"resources"`
	Generation int64            `wire:"consumer_generation,1.28.."`
}

func (s *service) allocationsOn(c *rest.Call, in byID) (any, error) {
	p, err := s.p.Provider(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	rows, err := s.p.AllocationsOn(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, a := range rows {
		ids = append(ids, a.ConsumerID)
	}
	consumers, err := s.p.Consumers(c.Context(), ids...)
	out := map[string]takenView{}
	for _, a := range rows {
		v, ok := out[a.ConsumerID]
		if !ok {
			v.Resources = map[string]int64{}
			if x := consumers[a.ConsumerID]; x != nil {
				v.Generation = x.Generation
			}
		}
		v.Resources[a.Class] = a.Used
		out[a.ConsumerID] = v
	}
	fresh(c, p.UpdatedAt)
	return map[string]any{"allocations": out, "resource_provider_generation": p.Generation}, err
}

func (s *service) reshape(c *rest.Call, in struct {
	Inventories map[string]struct {
		Generation  int64              `json:"resource_provider_generation"`
		Inventories map[string]stockIn `json:"inventories"`
	} `json:"inventories"`
	Allocations map[string]claimIn `json:"allocations"`
}) error {
	rows, generations := map[string][]placement.Inventory{}, map[string]int64{}
	for id, v := range in.Inventories {
		generations[id], rows[id] = v.Generation, nil
		for class, x := range v.Inventories {
			if err := s.known(c.Context(), class); err != nil {
				return err
			}
			i, err := x.row(c, id, class)
			if err != nil {
				return err
			}
			rows[id] = append(rows[id], i)
		}
	}
	var claims []placement.Claim
	for id, x := range in.Allocations {
		claims = append(claims, x.claim(c, id))
	}
	return s.p.Reshape(c.Context(), rows, generations, claims)
}
