-- +goose Up
CREATE TABLE networks (
	id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, tags TEXT,
	revision BIGINT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL,
	admin_state_up BOOLEAN NOT NULL, external BOOLEAN NOT NULL, mtu BIGINT NOT NULL, port_security_enabled BOOLEAN NOT NULL,
	network_type TEXT NOT NULL, physical_network TEXT NOT NULL, segmentation_id BIGINT NOT NULL,
	dns_domain TEXT NOT NULL, is_default BOOLEAN NOT NULL, availability_zone_hints TEXT,
	UNIQUE (network_type, physical_network, segmentation_id)
);
CREATE INDEX networks_project ON networks (project_id);

CREATE TABLE subnets (
	id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, tags TEXT,
	revision BIGINT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL,
	network_id TEXT NOT NULL REFERENCES networks (id), subnetpool_id TEXT NOT NULL, ip_version BIGINT NOT NULL,
	cidr TEXT NOT NULL, gateway_ip TEXT NOT NULL, enable_dhcp BOOLEAN NOT NULL, allocation_pools TEXT, dns_nameservers TEXT,
	host_routes TEXT, ipv6_ra_mode TEXT NOT NULL, ipv6_address_mode TEXT NOT NULL, service_types TEXT
);
CREATE INDEX subnets_network ON subnets (network_id);
CREATE INDEX subnets_project ON subnets (project_id);
CREATE INDEX subnets_pool ON subnets (subnetpool_id);

CREATE TABLE ports (
	id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, tags TEXT,
	revision BIGINT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL,
	network_id TEXT NOT NULL REFERENCES networks (id), mac_address TEXT NOT NULL, admin_state_up BOOLEAN NOT NULL, status TEXT NOT NULL,
	device_id TEXT NOT NULL, device_owner TEXT NOT NULL, port_security_enabled BOOLEAN NOT NULL,
	allowed_address_pairs TEXT, extra_dhcp_opts TEXT, dns_name TEXT NOT NULL, dns_domain TEXT NOT NULL,
	host TEXT NOT NULL, vnic_type TEXT NOT NULL, profile TEXT, of_server BOOLEAN NOT NULL,
	UNIQUE (network_id, mac_address)
);
CREATE INDEX ports_project ON ports (project_id);
CREATE INDEX ports_device ON ports (device_id);

CREATE TABLE fixed_ips (
	port_id TEXT NOT NULL REFERENCES ports (id), position BIGINT NOT NULL,
	subnet_id TEXT NOT NULL REFERENCES subnets (id), ip_address TEXT NOT NULL,
	PRIMARY KEY (subnet_id, ip_address)
);
CREATE INDEX fixed_ips_port ON fixed_ips (port_id);
CREATE INDEX fixed_ips_address ON fixed_ips (ip_address);

CREATE TABLE security_groups (
	id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, tags TEXT,
	revision BIGINT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL,
	stateful BOOLEAN NOT NULL, is_default BOOLEAN NOT NULL
);
CREATE INDEX security_groups_project ON security_groups (project_id);
CREATE UNIQUE INDEX security_groups_default ON security_groups (project_id) WHERE is_default;

CREATE TABLE security_group_rules (
	id TEXT PRIMARY KEY, project_id TEXT NOT NULL, security_group_id TEXT NOT NULL REFERENCES security_groups (id),
	direction TEXT NOT NULL, ethertype TEXT NOT NULL, protocol TEXT NOT NULL, port_range_min BIGINT, port_range_max BIGINT,
	remote_ip_prefix TEXT NOT NULL, remote_group_id TEXT NOT NULL, description TEXT,
	revision BIGINT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX security_group_rules_group ON security_group_rules (security_group_id);
CREATE INDEX security_group_rules_remote ON security_group_rules (remote_group_id);
CREATE INDEX security_group_rules_project ON security_group_rules (project_id);

CREATE TABLE port_security_groups (
	port_id TEXT NOT NULL REFERENCES ports (id), security_group_id TEXT NOT NULL REFERENCES security_groups (id),
	PRIMARY KEY (port_id, security_group_id)
);
CREATE INDEX port_security_groups_group ON port_security_groups (security_group_id);

CREATE TABLE routers (
	id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, tags TEXT,
	revision BIGINT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL,
	admin_state_up BOOLEAN NOT NULL, gateway_network_id TEXT NOT NULL, gateway_port_id TEXT NOT NULL, enable_snat BOOLEAN NOT NULL,
	distributed BOOLEAN NOT NULL, ha BOOLEAN NOT NULL, routes TEXT, availability_zone_hints TEXT
);
CREATE INDEX routers_project ON routers (project_id);

CREATE TABLE floatingips (
	id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, tags TEXT,
	revision BIGINT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL,
	floating_network_id TEXT NOT NULL REFERENCES networks (id), floating_ip_address TEXT NOT NULL, own_port_id TEXT NOT NULL,
	port_id TEXT NOT NULL, fixed_ip_address TEXT NOT NULL, router_id TEXT NOT NULL, status TEXT NOT NULL,
	dns_name TEXT NOT NULL, dns_domain TEXT NOT NULL
);
CREATE INDEX floatingips_project ON floatingips (project_id);
CREATE INDEX floatingips_port ON floatingips (port_id);
CREATE INDEX floatingips_router ON floatingips (router_id);

CREATE TABLE subnetpools (
	id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, tags TEXT,
	revision BIGINT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL,
	prefixes TEXT, ip_version BIGINT NOT NULL, default_prefixlen BIGINT NOT NULL, min_prefixlen BIGINT NOT NULL, max_prefixlen BIGINT NOT NULL,
	default_quota BIGINT, is_default BOOLEAN NOT NULL, address_scope_id TEXT NOT NULL
);

CREATE TABLE address_scopes (
	id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, tags TEXT,
	revision BIGINT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL, ip_version BIGINT NOT NULL
);

CREATE TABLE network_rbac (
	id TEXT PRIMARY KEY, project_id TEXT NOT NULL, object_type TEXT NOT NULL, object_id TEXT NOT NULL,
	action TEXT NOT NULL, target_project TEXT NOT NULL,
	UNIQUE (object_id, action, target_project)
);
CREATE INDEX network_rbac_project ON network_rbac (project_id);

CREATE TABLE network_quotas (
	project_id TEXT NOT NULL, resource TEXT NOT NULL, quota BIGINT NOT NULL, PRIMARY KEY (project_id, resource)
);

CREATE TABLE network_agents (
	id TEXT PRIMARY KEY, agent_type TEXT NOT NULL, "binary" TEXT NOT NULL, host TEXT NOT NULL, admin_state_up BOOLEAN NOT NULL,
	description TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, started_at TIMESTAMPTZ NOT NULL, heartbeat_timestamp TIMESTAMPTZ NOT NULL,
	configurations TEXT, UNIQUE (agent_type, host)
);

-- +goose Down
DROP TABLE network_agents;
DROP TABLE network_quotas;
DROP TABLE network_rbac;
DROP TABLE address_scopes;
DROP TABLE subnetpools;
DROP TABLE floatingips;
DROP TABLE routers;
DROP TABLE port_security_groups;
DROP TABLE security_group_rules;
DROP TABLE security_groups;
DROP TABLE fixed_ips;
DROP TABLE ports;
DROP TABLE subnets;
DROP TABLE networks;
