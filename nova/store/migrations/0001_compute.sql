-- +goose Up
CREATE TABLE servers (
	id TEXT PRIMARY KEY, num BIGINT NOT NULL, project_id TEXT NOT NULL, user_id TEXT NOT NULL, name TEXT NOT NULL, hostname TEXT NOT NULL, description TEXT,
	flavor TEXT NOT NULL, image_id TEXT NOT NULL, image TEXT NOT NULL, key_name TEXT NOT NULL, key_data TEXT NOT NULL, user_data TEXT NOT NULL,
	metadata TEXT NOT NULL, tags TEXT NOT NULL, access_ip_v4 TEXT NOT NULL, access_ip_v6 TEXT NOT NULL, disk_config TEXT NOT NULL, config_drive BOOLEAN NOT NULL,
	reservation_id TEXT NOT NULL, launch_index BIGINT NOT NULL, asked TEXT NOT NULL,
	goal TEXT NOT NULL, wanted TEXT NOT NULL, generation BIGINT NOT NULL, host TEXT NOT NULL, plugged BOOLEAN NOT NULL, soft_reboots BIGINT NOT NULL, hard_reboots BIGINT NOT NULL,
	vm_state TEXT NOT NULL, task_state TEXT NOT NULL, locked BOOLEAN NOT NULL, locked_by TEXT NOT NULL, locked_reason TEXT, fault TEXT, action_id TEXT NOT NULL,
	seen_generation BIGINT NOT NULL, seen_power TEXT NOT NULL, seen_ports TEXT NOT NULL, seen_step TEXT NOT NULL, seen_fault TEXT NOT NULL, seen_final BOOLEAN NOT NULL,
	tries BIGINT NOT NULL, due_at TIMESTAMPTZ, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL, launched_at TIMESTAMPTZ, terminated_at TIMESTAMPTZ, deleted_at TIMESTAMPTZ);
CREATE INDEX servers_due ON servers (due_at);
CREATE INDEX servers_project ON servers (project_id, created_at);
CREATE INDEX servers_host ON servers (host);
CREATE INDEX servers_created ON servers (created_at, id);
CREATE TABLE flavors (
	id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, vcpus BIGINT NOT NULL, ram BIGINT NOT NULL, disk BIGINT NOT NULL, ephemeral BIGINT NOT NULL, swap BIGINT NOT NULL,
	rxtx_factor DOUBLE PRECISION NOT NULL, public BOOLEAN NOT NULL, disabled BOOLEAN NOT NULL, description TEXT, extra_specs TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ);
CREATE TABLE flavor_accesses (flavor_id TEXT NOT NULL REFERENCES flavors (id) ON DELETE CASCADE, project_id TEXT NOT NULL, PRIMARY KEY (flavor_id, project_id));
CREATE TABLE keypairs (user_id TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, public_key TEXT NOT NULL, fingerprint TEXT NOT NULL, num BIGINT NOT NULL, created_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (user_id, name));
CREATE TABLE hosts (
	name TEXT PRIMARY KEY, id TEXT NOT NULL, service_id TEXT NOT NULL, num BIGINT NOT NULL, zone TEXT NOT NULL, disabled BOOLEAN NOT NULL, disabled_reason TEXT, forced_down BOOLEAN NOT NULL,
	ip TEXT NOT NULL, hypervisor TEXT NOT NULL, version BIGINT NOT NULL, cpu_info TEXT NOT NULL, vcpus BIGINT NOT NULL, memory_mb BIGINT NOT NULL, disk_gb BIGINT NOT NULL,
	free_disk_gb BIGINT NOT NULL, free_mem_mb BIGINT NOT NULL, uptime TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, reported_at TIMESTAMPTZ NOT NULL);
CREATE TABLE aggregates (id BIGINT PRIMARY KEY, uuid TEXT NOT NULL, name TEXT NOT NULL UNIQUE, metadata TEXT NOT NULL, hosts TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ);
CREATE TABLE server_groups (id TEXT PRIMARY KEY, project_id TEXT NOT NULL, user_id TEXT NOT NULL, name TEXT NOT NULL, policy TEXT NOT NULL, rules TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL);
CREATE TABLE group_members (group_id TEXT NOT NULL REFERENCES server_groups (id) ON DELETE CASCADE, server_id TEXT PRIMARY KEY);
CREATE INDEX group_members_group ON group_members (group_id);
CREATE TABLE server_actions (
	id TEXT PRIMARY KEY, server_id TEXT NOT NULL, action TEXT NOT NULL, request_id TEXT NOT NULL, user_id TEXT NOT NULL, project_id TEXT NOT NULL, message TEXT, event TEXT NOT NULL,
	result TEXT, details TEXT, host TEXT NOT NULL, started_at TIMESTAMPTZ NOT NULL, finished_at TIMESTAMPTZ, updated_at TIMESTAMPTZ NOT NULL);
CREATE INDEX server_actions_server ON server_actions (server_id, started_at);
CREATE TABLE compute_quota (project_id TEXT NOT NULL, resource TEXT NOT NULL, value BIGINT NOT NULL, PRIMARY KEY (project_id, resource));
CREATE TABLE console_tokens (token TEXT PRIMARY KEY, server_id TEXT NOT NULL, kind TEXT NOT NULL, expires_at TIMESTAMPTZ NOT NULL);

-- +goose Down
DROP TABLE console_tokens; DROP TABLE compute_quota; DROP TABLE server_actions; DROP TABLE group_members; DROP TABLE server_groups; DROP TABLE aggregates;
DROP TABLE hosts; DROP TABLE keypairs; DROP TABLE flavor_accesses; DROP TABLE flavors; DROP TABLE servers;
