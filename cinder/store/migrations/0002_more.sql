-- +goose Up
ALTER TABLE volumes ADD COLUMN group_id TEXT NOT NULL DEFAULT '';
ALTER TABLE volumes ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
ALTER TABLE volumes ADD COLUMN migration TEXT NOT NULL DEFAULT '';
-- What a wish needs to know besides its name.
ALTER TABLE volumes ADD COLUMN task TEXT;
ALTER TABLE volumes ADD COLUMN admin TEXT;
ALTER TABLE snapshots ADD COLUMN group_snapshot_id TEXT NOT NULL DEFAULT '';
ALTER TABLE snapshots ADD COLUMN percent TEXT NOT NULL DEFAULT '';
ALTER TABLE snapshots ADD COLUMN task TEXT;
ALTER TABLE volume_types ADD COLUMN qos_id TEXT NOT NULL DEFAULT '';
ALTER TABLE attachments ADD COLUMN connection TEXT;
CREATE INDEX volumes_newest ON volumes (created_at, id);
CREATE INDEX volumes_name ON volumes (project_id, name);
CREATE INDEX volumes_status ON volumes (project_id, status, created_at);
CREATE INDEX volumes_source ON volumes (source_id);
CREATE INDEX volumes_of_snapshot ON volumes (snapshot_id);
CREATE INDEX volumes_group ON volumes (group_id);
CREATE INDEX snapshots_newest ON snapshots (created_at, id);
CREATE INDEX snapshots_group ON snapshots (group_snapshot_id);
CREATE TABLE volume_backups (
	id TEXT PRIMARY KEY, project_id TEXT NOT NULL, user_id TEXT NOT NULL, volume_id TEXT NOT NULL, snapshot_id TEXT NOT NULL, parent_id TEXT NOT NULL, name TEXT, description TEXT, container TEXT NOT NULL, status TEXT NOT NULL,
	fail_reason TEXT NOT NULL, size BIGINT NOT NULL, object_count BIGINT NOT NULL, zone TEXT NOT NULL, metadata TEXT NOT NULL, restored_to TEXT NOT NULL, wish TEXT NOT NULL, tries BIGINT NOT NULL, generation BIGINT NOT NULL, due_at TIMESTAMPTZ, last_fault TEXT NOT NULL,
	data_at TIMESTAMPTZ NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ);
CREATE INDEX volume_backups_due ON volume_backups (due_at);
CREATE INDEX volume_backups_project ON volume_backups (project_id, created_at);
CREATE INDEX volume_backups_volume ON volume_backups (volume_id);
CREATE INDEX volume_backups_parent ON volume_backups (parent_id);
CREATE TABLE volume_group_types (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT, public BOOLEAN NOT NULL, specs TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ);
CREATE TABLE volume_groups (
	id TEXT PRIMARY KEY, project_id TEXT NOT NULL, user_id TEXT NOT NULL, name TEXT, description TEXT, group_type_id TEXT NOT NULL, type_ids TEXT NOT NULL, zone TEXT NOT NULL, status TEXT NOT NULL, group_snapshot_id TEXT NOT NULL, source_id TEXT NOT NULL,
	created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ);
CREATE INDEX volume_groups_project ON volume_groups (project_id, created_at);
CREATE TABLE volume_group_snapshots (
	id TEXT PRIMARY KEY, group_id TEXT NOT NULL REFERENCES volume_groups (id), group_type_id TEXT NOT NULL, project_id TEXT NOT NULL, user_id TEXT NOT NULL, name TEXT, description TEXT, status TEXT NOT NULL,
	created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ);
CREATE INDEX volume_group_snapshots_project ON volume_group_snapshots (project_id, created_at);
CREATE INDEX volume_group_snapshots_group ON volume_group_snapshots (group_id);
CREATE TABLE volume_qos_specs (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, consumer TEXT NOT NULL, specs TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ);
CREATE TABLE volume_encryptions (
	id TEXT NOT NULL UNIQUE, type_id TEXT PRIMARY KEY REFERENCES volume_types (id) ON DELETE CASCADE, provider TEXT NOT NULL, cipher TEXT, key_size BIGINT, location TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ);
CREATE TABLE volume_transfers (
	id TEXT PRIMARY KEY, volume_id TEXT NOT NULL UNIQUE REFERENCES volumes (id), name TEXT, salt TEXT NOT NULL, key_hash TEXT NOT NULL, no_snapshots BOOLEAN NOT NULL, from_project TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL);
CREATE INDEX volume_transfers_project ON volume_transfers (from_project, created_at);
CREATE TABLE volume_messages (
	id TEXT PRIMARY KEY, project_id TEXT NOT NULL, request_id TEXT NOT NULL, level TEXT NOT NULL, event TEXT NOT NULL, resource_type TEXT NOT NULL, resource_id TEXT NOT NULL, text TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, expires_at TIMESTAMPTZ NOT NULL);
CREATE INDEX volume_messages_project ON volume_messages (project_id, created_at);
CREATE INDEX volume_messages_expiry ON volume_messages (expires_at);
CREATE TABLE volume_default_types (project_id TEXT PRIMARY KEY, type_id TEXT NOT NULL REFERENCES volume_types (id));
CREATE TABLE volume_services (host TEXT NOT NULL, name TEXT NOT NULL, disabled BOOLEAN NOT NULL, reason TEXT NOT NULL, frozen BOOLEAN NOT NULL, PRIMARY KEY (host, name));

-- +goose Down
DROP TABLE volume_services; DROP TABLE volume_default_types; DROP TABLE volume_messages; DROP TABLE volume_transfers; DROP TABLE volume_encryptions; DROP TABLE volume_qos_specs;
DROP TABLE volume_group_snapshots; DROP TABLE volume_groups; DROP TABLE volume_group_types; DROP TABLE volume_backups;
DROP INDEX snapshots_group; DROP INDEX snapshots_newest; DROP INDEX volumes_group; DROP INDEX volumes_of_snapshot; DROP INDEX volumes_source; DROP INDEX volumes_status; DROP INDEX volumes_name; DROP INDEX volumes_newest;
ALTER TABLE attachments DROP COLUMN connection; ALTER TABLE volume_types DROP COLUMN qos_id; ALTER TABLE snapshots DROP COLUMN task; ALTER TABLE snapshots DROP COLUMN percent; ALTER TABLE snapshots DROP COLUMN group_snapshot_id;
ALTER TABLE volumes DROP COLUMN admin; ALTER TABLE volumes DROP COLUMN task; ALTER TABLE volumes DROP COLUMN migration; ALTER TABLE volumes DROP COLUMN key_id; ALTER TABLE volumes DROP COLUMN group_id;
