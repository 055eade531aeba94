package api

import (
	"net/http"

	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/internal/token"
	"stackd/neutron"
)

// API is neutron's REST over its verbs.
type API struct {
	n     *neutron.Networking
	rules *policy.Rules
}

// New makes the handler. keystone is the address shown to those without a token.
func New(n *neutron.Networking, tokens token.Checker, rules *policy.Rules, keystone string) http.Handler {
	return Kit(tokens, rules, keystone).Handler(Routes(n, rules))
}

// Kit is how neutron's API differs from others: no microversions, and its own errors.
func Kit(tokens token.Checker, rules *policy.Rules, keystone string) *rest.API {
	return &rest.API{
		Name: "network", Tokens: tokens, Rules: rules, Keystone: keystone, MaxLimit: 1 << 30, Links: links,
		Fault:  shape,
		Denied: func(rule string) *fault.Error { return fault.Of(neutron.Denied("rule:" + rule)) },
		Malformed: func() *fault.Error {
			return fault.New(fault.Invalid, "Body contains invalid data").Named("HTTPBadRequest")
		},
		Statuses: map[fault.Kind]int{fault.OverQuota: http.StatusConflict},
	}
}

// Routes are all operations, for the handler and for the tests of the whole cloud.
func Routes(n *neutron.Networking, rules *policy.Rules) []rest.Route {
	a := &API{n, rules}
	routers, pools := a.routers(), a.subnetpools()
	var out []rest.Route
	for _, rs := range [][]rest.Route{
		a.versionRoutes(), a.extensionRoutes(),
		a.networks().routes(), a.subnets().routes(), a.ports().routes(), routers.routes(), a.routerActions(routers), a.floatingIPs().routes(),
		a.securityGroups().routes(), a.rules_().routes(), pools.routes(), a.poolActions(pools), a.addressScopes().routes(), a.rbacPolicies().routes(),
		a.quotaRoutes(), a.agents(), a.zoneRoutes(), a.availabilityRoutes(),
	} {
		out = append(out, rs...)
	}
	return out
}

type errorView struct {
	Type    string `wire:"type"`
	Message string `wire:"message"`
	Detail  string `wire:"detail"`
}

// types are the names of faults that the kit makes.
var types = map[fault.Kind]string{fault.Invalid: "HTTPBadRequest", fault.NotFound: "HTTPNotFound", fault.Forbidden: "PolicyNotAuthorized", fault.Conflict: "Conflict",
	fault.MethodNotAllowed: "HTTPMethodNotAllowed", fault.TooLarge: "HTTPRequestEntityTooLarge", fault.Internal: "HTTPInternalServerError", fault.Unavailable: "ServiceUnavailable"}

func shape(_ *rest.Call, status int, f *fault.Error) any {
	if f.Kind == fault.Unauthorized {
		return map[string]any{"error": map[string]any{"code": status, "title": "Unauthorized", "message": f.Text}}
	}
	name := f.Type
	switch name {
	case "", "path", "version", "body", "limit", "sort":
		name = types[f.Kind]
	}
	return map[string]any{"NeutronError": errorView{Type: name, Message: f.Text}}
}

type linkView struct {
	Rel  string `wire:"rel"`
	Href string `wire:"href"`
}

type versionView struct {
	ID     string     `wire:"id"`
	Status string     `wire:"status"`
	Links  []linkView `wire:"links"`
}

type collectionView struct {
	Name       string     `wire:"name"`
	Collection string     `wire:"collection"`
	Links      []linkView `wire:"links"`
}

func (a *API) versionRoutes() []rest.Route {
	return []rest.Route{
		{On: "GET /", Open: true, Do: rest.Do(func(c *rest.Call, _ none) (any, error) {
			return map[string]any{"versions": []versionView{{"v2.0", "CURRENT", []linkView{{"self", c.Base() + "/v2.0/"}}}}}, nil
		})},
		{On: "GET /v2.0", Asks: "for a token only", Do: rest.Do(func(c *rest.Call, _ none) (any, error) {
			var out []collectionView
			for _, n := range []string{"network", "subnet", "subnetpool", "port"} {
				out = append(out, collectionView{n, n + "s", []linkView{{"self", c.Base() + "/v2.0/" + n + "s"}}})
			}
			return map[string]any{"resources": out}, nil
		})},
	}
}
