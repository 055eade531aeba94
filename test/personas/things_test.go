package personas

import (
	"context"
	"regexp"
	"strings"
	"time"

	"stackd/keystone"
)

// make makes everything twice. Lines are: key, who makes it, request, body; admin
// makes what the two sides share once.
func (w *world) make() {
	other := w.signIn(keystone.Named{ID: w.user[foreign]}, keystone.ScopeWish{Project: &keystone.Named{ID: w.project[foreign]}})
	owners := [2]string{w.named("member").token, other}
	w.things["identity:users.id"], w.things["identity:users.actor"], w.things["identity:users.user"] = w.user, w.user, w.user
	w.things["identity:projects.id"], w.things["identity:projects.target"], w.things["identity:projects.project"] = w.project, w.project, w.project
	w.things["identity:domains.id"], w.things["identity:domains.target"] = w.domain, w.domain
	for _, m := range makings {
		as := owners
		if m.by == "admin" {
			as = [2]string{w.admin, w.admin}
		}
		var ids [2]string
		for side := range 2 {
			if m.shared && side == foreign {
				ids[foreign] = ids[own]
				continue
			}
			if id := w.must(m.service, as[side], w.fill(m.call, side), w.fill(m.body, side)); m.id == "" {
				ids[side] = id
			}
			if m.id != "" {
				ids[side] = w.fill(m.id, side)
			}
		}
		for _, key := range strings.Fields(m.keys) {
			w.things[m.service+":"+key] = ids
		}
		switch m.call {
		case "POST /v2.1/servers":
			w.waitFor("compute", "GET /v2.1/servers/", `"status":"ACTIVE"`, ids)
		case "POST /v3/{project}/volumes":
			w.waitFor("volume", "GET /v3/volumes/", `"status":"available"`, ids)
		case "POST /v3/snapshots":
			w.waitFor("volume", "GET /v3/snapshots/", `"status":"available"`, ids)
		case "POST /v3/group_snapshots":
			w.waitFor("volume", "GET /v3/group_snapshots/", `"status":"available"`, ids)
		case "POST /v3/cgsnapshots":
			w.waitFor("volume", "GET /v3/cgsnapshots/", `"status":"available"`, ids)
		}
	}
	w.oauth()
	w.blocks()
	for _, p := range w.personas { // key pairs have no project: each caller has one of its own
		if p.who != nil && p.who.Scope() == "project" {
			w.must("compute", p.token, "POST /v2.1/os-keypairs", `{"keypair":{"name":"key","type":"ssh","public_key":"`+sshKey+`"}}`)
		}
	}
}

// waitFor waits until both things are in a state.
func (w *world) waitFor(service, show, state string, ids [2]string) {
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		up := 0
		for _, id := range ids {
			if strings.Contains(w.send(context.Background(), service, w.admin, show+id, "").Body.String(), state) {
				up++
			}
		}
		if up == 2 {
			return
		}
		if time.Now().After(end) {
			w.t.Fatal(show, "did not come to ", state)
		}
	}
}

const sshKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVvY8hgLwcCHUjCoxcVu8zlvMQKHdwMB9MwZ2F7vQnM t"

type making struct {
	keys, service, by, call, body string
	id                            string // when the answer does not have it
	shared                        bool
}

var makings = []making{
	{keys: "roles.role roles.id", service: "identity", by: "admin", call: "POST /v3/roles", body: `{"role":{"name":"extra-{domain}"}}`},
	{keys: "implies.implied", service: "identity", by: "admin", call: "POST /v3/roles", body: `{"role":{"name":"implied-{domain}"}}`},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/roles/{identity:roles.id}/implies/{identity:implies.implied}"},
	{keys: "domainroles.id", service: "identity", by: "admin", call: "POST /v3/roles", body: `{"role":{"name":"home-{domain}","domain_id":"{domain}"}}`},
	{keys: "groups.id groups.actor", service: "identity", by: "admin", call: "POST /v3/groups", body: `{"group":{"name":"g","domain_id":"{domain}"}}`},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/groups/{identity:groups.id}/users/{user}"},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/projects/{project}/users/{user}/roles/{identity:roles.role}"},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/projects/{project}/groups/{identity:groups.id}/roles/{identity:roles.role}"},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/domains/{domain}/users/{user}/roles/{identity:roles.role}"},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/domains/{domain}/groups/{identity:groups.id}/roles/{identity:roles.role}"},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/OS-INHERIT/projects/{project}/users/{user}/roles/{identity:roles.role}/inherited_to_projects"},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/OS-INHERIT/projects/{project}/groups/{identity:groups.id}/roles/{identity:roles.role}/inherited_to_projects"},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/OS-INHERIT/domains/{domain}/users/{user}/roles/{identity:roles.role}/inherited_to_projects"},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/OS-INHERIT/domains/{domain}/groups/{identity:groups.id}/roles/{identity:roles.role}/inherited_to_projects"},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/system/users/{user}/roles/{identity:roles.role}"},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/system/groups/{identity:groups.id}/roles/{identity:roles.role}"},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/projects/{project}/tags/t"},
	{keys: "tags.tag", service: "identity", by: "admin", call: "GET /v3/projects/{project}/tags", id: "t"},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/domains/{domain}/config", body: `{"config":{"ldap":{"url":"ldap://ldap.example"}}}`},
	{keys: "config.section", service: "identity", by: "admin", call: "GET /v3/domains/{domain}/config", id: "ldap"},
	{keys: "ldap.name config.name {section}.name", service: "identity", by: "admin", call: "GET /v3/domains/{domain}/config", id: "url"},
	{keys: "identity.name", service: "identity", by: "admin", call: "GET /v3/domains/{domain}/config", id: "driver"},
	{keys: "regions.id", service: "identity", by: "admin", call: "POST /v3/regions", body: `{"region":{"id":"R"}}`, shared: true},
	{keys: "services.id", service: "identity", by: "admin", call: "POST /v3/services", body: `{"service":{"type":"x","name":"x"}}`, shared: true},
	{keys: "endpoints.id", service: "identity", by: "admin", call: "POST /v3/endpoints", body: `{"endpoint":{"service_id":"{identity:services.id}","interface":"public","url":"http://x","region_id":"R"}}`, shared: true},
	{keys: "policies.id", service: "identity", by: "admin", call: "POST /v3/policies", body: `{"policy":{"blob":"{}","type":"application/json"}}`, shared: true},
	{keys: "credentials.id", service: "identity", by: "owner", call: "POST /v3/credentials", body: `{"credential":{"type":"cert","blob":"x","user_id":"{user}","project_id":"{project}"}}`},
	{keys: "OS-EC2.access", service: "identity", by: "owner", call: "POST /v3/users/{user}/credentials/OS-EC2", body: `{"tenant_id":"{project}"}`},
	{keys: "application_credentials.cred", service: "identity", by: "owner", call: "POST /v3/users/{user}/application_credentials", body: `{"application_credential":{"name":"a","access_rules":[{"service":"compute","method":"GET","path":"/v2.1/servers"}]}}`},
	{keys: "access_rules.cred", service: "identity", by: "owner", call: "GET /v3/users/{user}/access_rules"},
	{keys: "trusts.id", service: "identity", by: "owner", call: "POST /v3/OS-TRUST/trusts", body: `{"trust":{"trustor_user_id":"{user}","trustee_user_id":"{trustee}","project_id":"{project}","impersonation":false,"roles":[{"id":"{identity:roles.role}"}]}}`},
	{keys: "DELETE/v3/regions/{id}{id}", service: "identity", by: "admin", call: "POST /v3/regions", body: `{"region":{"id":"S"}}`, shared: true},
	{keys: "DELETE/v3/registered_limits/{id}{id}", service: "identity", by: "admin", call: "POST /v3/registered_limits", body: `{"registered_limits":[{"service_id":"{identity:services.id}","resource_name":"s","default_limit":5}]}`, shared: true},
	{keys: "lone", service: "identity", by: "owner", call: "POST /v3/users/{user}/application_credentials", body: `{"application_credential":{"name":"b","access_rules":[{"service":"image","method":"GET","path":"/v2/images"}]}}`},
	{keys: "-", service: "identity", by: "owner", call: "DELETE /v3/users/{user}/application_credentials/{identity:lone}"},
	{keys: "DELETE/v3/users/{id}/access_rules/{cred}{cred}", service: "identity", by: "owner", call: "GET /v3/users/{user}/access_rules?service=image"},
	{keys: "registered_limits.id", service: "identity", by: "admin", call: "POST /v3/registered_limits", body: `{"registered_limits":[{"service_id":"{identity:services.id}","resource_name":"r","default_limit":5}]}`, shared: true},
	{keys: "limits.id", service: "identity", by: "admin", call: "POST /v3/limits", body: `{"limits":[{"service_id":"{identity:services.id}","resource_name":"r","resource_limit":3,"project_id":"{project}"}]}`},
	{keys: "consumers.id", service: "identity", by: "admin", call: "POST /v3/OS-OAUTH1/consumers", body: `{"consumer":{}}`, shared: true},
	{keys: "endpoint_groups.id", service: "identity", by: "admin", call: "POST /v3/OS-EP-FILTER/endpoint_groups", body: `{"endpoint_group":{"name":"g","filters":{"interface":"public"}}}`, shared: true},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/OS-EP-FILTER/endpoint_groups/{identity:endpoint_groups.id}/projects/{project}"},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/OS-EP-FILTER/projects/{project}/endpoints/{identity:endpoints.id}"},

	{keys: "security_compliance.name", service: "identity", by: "admin", call: "GET /v3/regions", id: "password_regex", shared: true},
	{keys: "GET/v3/domains/{id}/config/security_compliance{id} GET/v3/domains/{id}/config/security_compliance/{name}{id}", service: "identity", by: "admin", call: "GET /v3/regions", id: "default", shared: true},
	{keys: "policies.policy", service: "identity", by: "admin", call: "GET /v3/policies/{identity:policies.id}", shared: true},
	{keys: "endpoints.endpoint", service: "identity", by: "admin", call: "GET /v3/endpoints/{identity:endpoints.id}", shared: true},
	{keys: "services.service", service: "identity", by: "admin", call: "GET /v3/services/{identity:services.id}", shared: true},
	{keys: "regions.region", service: "identity", by: "admin", call: "GET /v3/regions/R", shared: true},
	{keys: "events.id", service: "identity", by: "admin", call: "GET /v3/OS-AUDIT/events?limit=1", shared: true},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/policies/{identity:policies.id}/OS-ENDPOINT-POLICY/endpoints/{identity:endpoints.id}", shared: true},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/policies/{identity:policies.id}/OS-ENDPOINT-POLICY/services/{identity:services.id}", shared: true},
	{keys: "-", service: "identity", by: "admin", call: "PUT /v3/policies/{identity:policies.id}/OS-ENDPOINT-POLICY/services/{identity:services.id}/regions/R", shared: true},
	{keys: "mappings.id", service: "identity", by: "admin", call: "PUT /v3/OS-FEDERATION/mappings/m", body: `{"mapping":{"rules":[{"local":[{"user":{"name":"{0}"}}],"remote":[{"type":"N"}]}]}}`, id: "m", shared: true},
	{keys: "identity_providers.id identity_providers.idp", service: "identity", by: "admin", call: "PUT /v3/OS-FEDERATION/identity_providers/i", body: `{"identity_provider":{}}`, id: "i", shared: true},
	{keys: "protocols.protocol protocols.id", service: "identity", by: "admin", call: "PUT /v3/OS-FEDERATION/identity_providers/i/protocols/p", body: `{"protocol":{"mapping_id":"m"}}`, id: "p", shared: true},
	{keys: "service_providers.id", service: "identity", by: "admin", call: "PUT /v3/OS-FEDERATION/service_providers/s", body: `{"service_provider":{"auth_url":"http://x","sp_url":"http://x"}}`, id: "s", shared: true},

	{keys: "images.id", service: "image", by: "owner", call: "POST /v2/images", body: `{"name":"i","disk_format":"raw","container_format":"bare","visibility":"shared"}`},
	{keys: "-", service: "image", by: "owner", call: "PUT /v2/images/{image:images.id}/file", body: "bytes"},
	{keys: "-", service: "image", by: "owner", call: "POST /v2/images/{image:images.id}/members", body: `{"member":"{third}"}`},
	{keys: "members.member", service: "image", by: "owner", call: "GET /v2/images/{image:images.id}", id: "{third}"},
	{keys: "-", service: "image", by: "owner", call: "PUT /v2/images/{image:images.id}/tags/t"},
	{keys: "tags.tag", service: "image", by: "owner", call: "GET /v2/images/{image:images.id}", id: "t"},
	{keys: "stores.store", service: "image", by: "owner", call: "GET /v2/info/stores", id: "file"},
	{keys: "{store}.id", service: "image", by: "owner", call: "GET /v2/images/{image:images.id}"},
	{keys: "cache.id", service: "image", by: "owner", call: "GET /v2/images/{image:images.id}"},
	{keys: "tasks.task", service: "image", by: "admin", call: "POST /v2/tasks", body: `{"type":"import","input":{"import_from":"http://example.org/x","import_from_format":"raw","image_properties":{}}}`},
	{keys: "namespaces.namespace", service: "image", by: "admin", call: "POST /v2/metadefs/namespaces", body: `{"namespace":"n-{project}","owner":"{project}","visibility":"private"}`, id: "n-{project}"},
	{keys: "objects.name", service: "image", by: "admin", call: "POST /v2/metadefs/namespaces/n-{project}/objects", body: `{"name":"o"}`, id: "o"},
	{keys: "properties.name", service: "image", by: "admin", call: "POST /v2/metadefs/namespaces/n-{project}/properties", body: `{"name":"p","title":"p","type":"string"}`, id: "p"},
	{keys: "tags.name", service: "image", by: "admin", call: "POST /v2/metadefs/namespaces/n-{project}/tags/m", id: "m"},
	{keys: "resource_types.name", service: "image", by: "admin", call: "POST /v2/metadefs/namespaces/n-{project}/resource_types", body: `{"name":"OS::X"}`, id: "OS::X"},

	{keys: "external", service: "network", by: "admin", call: "POST /v2.0/networks", body: `{"network":{"name":"public","router:external":true,"provider:network_type":"flat","provider:physical_network":"physnet1"}}`, shared: true},
	{keys: "external-subnet", service: "network", by: "admin", call: "POST /v2.0/subnets", body: `{"subnet":{"network_id":"{network:external}","ip_version":4,"cidr":"172.24.4.0/24","enable_dhcp":false}}`, shared: true},
	{keys: "networks.id network-ip-availabilities.id", service: "network", by: "owner", call: "POST /v2.0/networks", body: `{"network":{"name":"n"}}`},
	{keys: "subnets.id", service: "network", by: "owner", call: "POST /v2.0/subnets", body: `{"subnet":{"network_id":"{network:networks.id}","ip_version":4,"cidr":"10.0.0.0/24"}}`},
	{keys: "free", service: "network", by: "owner", call: "POST /v2.0/subnets", body: `{"subnet":{"network_id":"{network:networks.id}","ip_version":4,"cidr":"10.1.0.0/24"}}`},
	{keys: "ports.id", service: "network", by: "owner", call: "POST /v2.0/ports", body: `{"port":{"network_id":"{network:networks.id}"}}`},
	{keys: "routers.id", service: "network", by: "owner", call: "POST /v2.0/routers", body: `{"router":{"name":"r","external_gateway_info":{"network_id":"{network:external}"}}}`},
	{keys: "-", service: "network", by: "owner", call: "PUT /v2.0/routers/{network:routers.id}/add_router_interface", body: `{"subnet_id":"{network:subnets.id}"}`},
	{keys: "floatingips.id", service: "network", by: "owner", call: "POST /v2.0/floatingips", body: `{"floatingip":{"floating_network_id":"{network:external}"}}`},
	{keys: "security-groups.id", service: "network", by: "owner", call: "POST /v2.0/security-groups", body: `{"security_group":{"name":"s"}}`},
	{keys: "security-group-rules.id", service: "network", by: "owner", call: "POST /v2.0/security-group-rules", body: `{"security_group_rule":{"security_group_id":"{network:security-groups.id}","direction":"ingress"}}`},
	{keys: "subnetpools.id", service: "network", by: "owner", call: "POST /v2.0/subnetpools", body: `{"subnetpool":{"name":"p","prefixes":["10.9.0.0/16"]}}`},
	{keys: "address-scopes.id", service: "network", by: "owner", call: "POST /v2.0/address-scopes", body: `{"address_scope":{"name":"a","ip_version":4}}`},
	{keys: "rbac-policies.id", service: "network", by: "owner", call: "POST /v2.0/rbac-policies", body: `{"rbac_policy":{"object_type":"network","object_id":"{network:networks.id}","action":"access_as_shared","target_tenant":"{third}"}}`},
	{keys: "-", service: "network", by: "owner", call: "PUT /v2.0/networks/{network:networks.id}/tags/t"},
	{keys: "-", service: "network", by: "owner", call: "PUT /v2.0/subnets/{network:subnets.id}/tags/t"},
	{keys: "-", service: "network", by: "owner", call: "PUT /v2.0/ports/{network:ports.id}/tags/t"},
	{keys: "-", service: "network", by: "owner", call: "PUT /v2.0/routers/{network:routers.id}/tags/t"},
	{keys: "-", service: "network", by: "owner", call: "PUT /v2.0/floatingips/{network:floatingips.id}/tags/t"},
	{keys: "-", service: "network", by: "owner", call: "PUT /v2.0/security-groups/{network:security-groups.id}/tags/t"},
	{keys: "-", service: "network", by: "owner", call: "PUT /v2.0/subnetpools/{network:subnetpools.id}/tags/t"},
	{keys: "tags.tag", service: "network", by: "owner", call: "GET /v2.0/networks", id: "t"},
	{keys: "quotas.project", service: "network", by: "owner", call: "GET /v2.0/networks", id: "{project}"},
	{keys: "extensions.id", service: "network", by: "owner", call: "GET /v2.0/networks", id: "router"},

	{keys: "flavors.id", service: "compute", by: "admin", call: "POST /v2.1/flavors", body: `{"flavor":{"name":"f-{project}","vcpus":1,"ram":64,"disk":1,"os-flavor-access:is_public":false,"id":"{flavor}"}}`},
	{keys: "-", service: "compute", by: "admin", call: "POST /v2.1/flavors/{compute:flavors.id}/action", body: `{"addTenantAccess":{"tenant":"{project}"}}`},
	{keys: "-", service: "compute", by: "admin", call: "POST /v2.1/flavors/{compute:flavors.id}/os-extra_specs", body: `{"extra_specs":{"k":"v"}}`},
	{keys: "os-extra_specs.key metadata.key", service: "compute", by: "owner", call: "GET /v2.1/flavors", id: "k"},
	{keys: "servers.id", service: "compute", by: "owner", call: "POST /v2.1/servers", body: `{"server":{"name":"s","flavorRef":"{compute:flavors.id}","imageRef":"{image:images.id}","networks":[{"port":"{network:ports.id}"}],"metadata":{"k":"v"},"tags":["t"]}}`},
	{keys: "tags.tag", service: "compute", by: "owner", call: "GET /v2.1/servers/{compute:servers.id}", id: "t"},
	{keys: "ips.label", service: "compute", by: "owner", call: "GET /v2.1/servers/{compute:servers.id}", id: "n"},
	{keys: "os-interface.port", service: "compute", by: "owner", call: "GET /v2.1/servers/{compute:servers.id}", id: "{network:ports.id}"},
	{keys: "attached", service: "volume", by: "owner", call: "POST /v3/{project}/volumes", body: `{"volume":{"size":1}}`},
	{keys: "spare", service: "volume", by: "owner", call: "POST /v3/{project}/volumes", body: `{"volume":{"size":1}}`},
	{keys: "-", service: "compute", by: "owner", call: "POST /v2.1/servers/{compute:servers.id}/os-volume_attachments", body: `{"volumeAttachment":{"volumeId":"{volume:attached}"}}`},
	{keys: "os-volume_attachments.volume", service: "compute", by: "owner", call: "GET /v2.1/servers/{compute:servers.id}", id: "{volume:attached}"},
	{keys: "migrations.migration", service: "compute", by: "owner", call: "GET /v2.1/servers/{compute:servers.id}", id: "999"},
	{keys: "os-instance-actions.request", service: "compute", by: "owner", call: "GET /v2.1/servers/{compute:servers.id}/os-instance-actions"},
	{keys: "os-assisted-volume-snapshots.id", service: "compute", by: "owner", call: "GET /v2.1/servers/{compute:servers.id}", id: "any"},
	{keys: "os-keypairs.id", service: "compute", by: "owner", call: "GET /v2.1/servers", id: "key"},
	{keys: "os-server-groups.id", service: "compute", by: "owner", call: "POST /v2.1/os-server-groups", body: `{"server_group":{"name":"g","policy":"anti-affinity"}}`},
	{keys: "os-aggregates.id", service: "compute", by: "admin", call: "POST /v2.1/os-aggregates", body: `{"aggregate":{"name":"a"}}`, shared: true},
	{keys: "agents.id", service: "network", by: "admin", call: "GET /v2.0/agents", shared: true},
	{keys: "os-services.id", service: "compute", by: "admin", call: "GET /v2.1/os-services", shared: true},
	{keys: "os-hypervisors.id", service: "compute", by: "admin", call: "GET /v2.1/os-hypervisors", shared: true},
	{keys: "GET/v2.1/os-hypervisors/{id}/search{id} GET/v2.1/os-hypervisors/{id}/servers{id}", service: "compute", by: "admin", call: "GET /v2.1/os-hypervisors", id: "sim", shared: true},
	{keys: "os-quota-sets.id os-simple-tenant-usage.id", service: "compute", by: "owner", call: "GET /v2.1/servers", id: "{project}"},
	{keys: "os-quota-class-sets.id", service: "compute", by: "admin", call: "GET /v2.1/servers", id: "default", shared: true},
	{keys: "extensions.id", service: "compute", by: "admin", call: "GET /v2.1/servers", id: "os-keypairs", shared: true},

	{keys: "resource_providers.id", service: "placement", by: "admin", call: "GET /resource_providers", shared: true},
	{keys: "inventories.class", service: "placement", by: "admin", call: "GET /resource_providers", id: "VCPU", shared: true},
	{keys: "resource_classes.name", service: "placement", by: "admin", call: "PUT /resource_classes/CUSTOM_C", id: "CUSTOM_C", shared: true},
	{keys: "traits.name", service: "placement", by: "admin", call: "PUT /traits/CUSTOM_T", id: "CUSTOM_T", shared: true},
	{keys: "allocations.id", service: "placement", by: "admin", call: "GET /resource_providers", id: "{compute:servers.id}"},
}

var hole = regexp.MustCompile(`\{[a-z0-9_:.A-Z-]+\}`)

// fill puts a side's things into a text.
func (w *world) fill(text string, side int) string {
	return hole.ReplaceAllStringFunc(text, func(h string) string {
		switch name := strings.Trim(h, "{}"); name {
		case "project":
			return w.project[side]
		case "domain":
			return w.domain[side]
		case "user":
			return w.user[side]
		case "trustee":
			return w.named("reader").user
		case "third":
			return "33333333333333333333333333333333"
		case "flavor":
			return []string{"f-own", "f-foreign"}[side]
		default:
			if ids, ok := w.things[name]; ok {
				return ids[side]
			}
			return h
		}
	})
}

// path fills a row's pattern; missing is a parameter that nothing is known of.
func (w *world) path(service, method, pattern string, side int) (path, missing string) {
	parts := strings.Split(strings.TrimSuffix(pattern, "{$}"), "/")
	for n, part := range parts {
		if !strings.HasPrefix(part, "{") {
			continue
		}
		before := n - 1
		for strings.HasPrefix(parts[before], "{") {
			before--
		}
		key := service + ":" + strings.Split(pattern, "/")[before] + "." + strings.Trim(part, "{}")
		ids, ok := w.things[service+":"+method+pattern+part]
		if !ok {
			ids, ok = w.things[key]
		}
		if !ok {
			return "", key
		}
		parts[n] = ids[side]
	}
	return strings.Join(parts, "/"), ""
}
