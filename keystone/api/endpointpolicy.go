package api

import (
	"context"

	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) endpointPolicyRows() []rest.Route {
	on := "/v3/policies/{policy}/OS-ENDPOINT-POLICY"
	rows := []rest.Route{
		{On: "GET " + on + "/endpoints", Rule: "identity:list_endpoints_for_policy", Target: nobody, Do: rest.Do(a.endpointsOfPolicy)},
		{On: "GET /v3/endpoints/{endpoint}/OS-ENDPOINT-POLICY/policy", Rule: "identity:get_policy_for_endpoint", Target: nobody, Do: rest.Do(a.policyOfEndpoint)},
	}
	for _, of := range [][2]string{{"/endpoints/{endpoint}", "endpoint"}, {"/services/{service}", "service"}, {"/services/{service}/regions/{region}", "region_and_service"}} {
		path, name := of[0], of[1]
		rule := "_policy_association_for_" + name
		rows = append(rows,
			rest.Route{On: "PUT " + on + path, Rule: "identity:create" + rule, Target: nobody, Status: 204, Mutates: true, Do: association(a.id.AssociatePolicy)},
			rest.Route{On: "GET " + on + path, Rule: "identity:check" + rule, Target: nobody, Status: 204, Do: association(a.id.CheckPolicyAssociation)},
			rest.Route{On: "DELETE " + on + path, Rule: "identity:delete" + rule, Target: nobody, Status: 204, Mutates: true, Do: association(a.id.DropPolicyAssociation)})
	}
	return rows
}

type associationIn struct {
	Policy   string `path:"policy"`
	Endpoint string `path:"endpoint"`
	Service  string `path:"service"`
	Region   string `path:"region"`
}

func association(f func(context.Context, *keystone.PolicyAssociation) error) func(*rest.Call) (any, error) {
	return rest.DoNothing(func(c *rest.Call, in associationIn) error {
		return f(c.Context(), &keystone.PolicyAssociation{PolicyID: in.Policy, EndpointID: in.Endpoint, ServiceID: in.Service, RegionID: in.Region})
	})
}

func (a *API) endpointsOfPolicy(c *rest.Call, in associationIn) (any, error) {
	es, err := a.id.EndpointsOfPolicy(c.Context(), in.Policy)
	out := []endpoint{}
	for _, e := range es {
		out = append(out, endpointOf(c, e))
	}
	return map[string]any{"endpoints": out, "links": links(c, "")["links"]}, err
}

func (a *API) policyOfEndpoint(c *rest.Call, in associationIn) (policyOut, error) {
	p, err := a.id.PolicyOfEndpoint(c.Context(), in.Endpoint)
	if err != nil {
		return policyOut{}, err
	}
	return policyOut{policyOf(c, p)}, nil
}
