package api

import (
	"strings"

	"stackd/internal/rest"
)

// rels are the resources of the home document by their names in it.
var rels = map[string]string{
	"auth_tokens": "/auth/tokens", "auth_catalog": "/auth/catalog", "auth_projects": "/auth/projects", "auth_domains": "/auth/domains", "auth_system": "/auth/system",
	"domains": "/domains", "domain": "/domains/{domain_id}", "projects": "/projects", "project": "/projects/{project_id}",
	"users": "/users", "user": "/users/{user_id}", "user_change_password": "/users/{user_id}/password", "user_groups": "/users/{user_id}/groups", "user_projects": "/users/{user_id}/projects",
	"groups": "/groups", "group": "/groups/{group_id}", "group_users": "/groups/{group_id}/users", "group_user": "/groups/{group_id}/users/{user_id}",
	"roles": "/roles", "role": "/roles/{role_id}", "implied_roles": "/roles/{prior_role_id}/implies", "implied_role": "/roles/{prior_role_id}/implies/{implied_role_id}",
	"role_inferences": "/role_inferences", "role_assignments": "/role_assignments",
	"domain_user_roles": "/domains/{domain_id}/users/{user_id}/roles", "domain_user_role": "/domains/{domain_id}/users/{user_id}/roles/{role_id}",
	"domain_group_roles": "/domains/{domain_id}/groups/{group_id}/roles", "domain_group_role": "/domains/{domain_id}/groups/{group_id}/roles/{role_id}",
	"project_user_roles": "/projects/{project_id}/users/{user_id}/roles", "project_user_role": "/projects/{project_id}/users/{user_id}/roles/{role_id}",
	"project_group_roles": "/projects/{project_id}/groups/{group_id}/roles", "project_group_role": "/projects/{project_id}/groups/{group_id}/roles/{role_id}",
	"system_user_roles": "/system/users/{user_id}/roles", "system_user_role": "/system/users/{user_id}/roles/{role_id}",
	"system_group_roles": "/system/groups/{group_id}/roles", "system_group_role": "/system/groups/{group_id}/roles/{role_id}",
	"regions": "/regions", "region": "/regions/{region_id}", "services": "/services", "service": "/services/{service_id}",
	"endpoints": "/endpoints", "endpoint": "/endpoints/{endpoint_id}", "policies": "/policies", "policy": "/policies/{policy_id}",
	"credentials": "/credentials", "credential": "/credentials/{credential_id}",
	"application_credentials": "/users/{user_id}/application_credentials", "application_credential": "/users/{user_id}/application_credentials/{application_credential_id}",
	"access_rules": "/users/{user_id}/access_rules", "access_rule": "/users/{user_id}/access_rules/{access_rule_id}",
	"registered_limits": "/registered_limits", "registered_limit": "/registered_limits/{registered_limit_id}", "limits": "/limits", "limit": "/limits/{limit_id}", "limit_model": "/limits/model",
}

// parameters that are not named after a resource of their own.
var parameters = map[string]string{"prior_role_id": "role_id", "implied_role_id": "role_id"}

// wantsHome tells whether the client would rather have the home document
// (draft-nottingham-json-home) than the version.
func wantsHome(c *rest.Call) bool {
	return strings.Contains(c.Header.Get("Accept"), "application/json-home")
}

func jsonHome(c *rest.Call, prefix string) any {
	c.W.Header().Set("Content-Type", "application/json-home")
	all := map[string]any{}
	for name, at := range rels {
		all["https://docs.openstack.org/api/openstack-identity/3/rel/"+name] = resource(prefix + at)
	}
	return map[string]any{"resources": all}
}

func resource(at string) any {
	vars := map[string]any{}
	for part := range strings.SplitSeq(at, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			kind := name
			if p := parameters[name]; p != "" {
				kind = p
			}
			vars[name] = "https://docs.openstack.org/api/openstack-identity/3/param/" + kind
		}
	}
	if len(vars) == 0 {
		return map[string]any{"href": at}
	}
	return map[string]any{"href-template": at, "href-vars": vars}
}
