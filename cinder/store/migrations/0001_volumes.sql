-- +goose Up
CREATE TABLE volumes (
	id TEXT PRIMARY KEY, project_id TEXT NOT NULL, user_id TEXT NOT NULL, name TEXT, description TEXT, size BIGINT NOT NULL, status TEXT NOT NULL, type_id TEXT NOT NULL, zone TEXT NOT NULL,
	backend TEXT NOT NULL, bootable BOOLEAN NOT NULL, multiattach BOOLEAN NOT NULL, read_only BOOLEAN NOT NULL, snapshot_id TEXT NOT NULL, source_id TEXT NOT NULL, image_id TEXT NOT NULL,
	image TEXT, metadata TEXT NOT NULL, wish TEXT NOT NULL, wanted_size BIGINT NOT NULL, generation BIGINT NOT NULL, tries BIGINT NOT NULL, due_at TIMESTAMPTZ, last_fault TEXT NOT NULL,
	created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ, launched_at TIMESTAMPTZ);
CREATE INDEX volumes_due ON volumes (due_at);
CREATE INDEX volumes_project ON volumes (project_id, created_at);
CREATE INDEX volumes_type ON volumes (type_id);
CREATE TABLE snapshots (
	id TEXT PRIMARY KEY, volume_id TEXT NOT NULL REFERENCES volumes (id), project_id TEXT NOT NULL, user_id TEXT NOT NULL, name TEXT, description TEXT, size BIGINT NOT NULL, status TEXT NOT NULL,
	metadata TEXT NOT NULL, wish TEXT NOT NULL, tries BIGINT NOT NULL, due_at TIMESTAMPTZ, last_fault TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ);
CREATE INDEX snapshots_due ON snapshots (due_at);
CREATE INDEX snapshots_volume ON snapshots (volume_id);
CREATE INDEX snapshots_project ON snapshots (project_id, created_at);
CREATE TABLE volume_types (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT, public BOOLEAN NOT NULL, extra_specs TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ);
CREATE TABLE volume_type_accesses (type_id TEXT NOT NULL REFERENCES volume_types (id) ON DELETE CASCADE, project_id TEXT NOT NULL, PRIMARY KEY (type_id, project_id));
-- A volume's holds by servers: compute and block storage read the same rows.
CREATE TABLE attachments (
	id TEXT PRIMARY KEY, volume_id TEXT NOT NULL REFERENCES volumes (id), project_id TEXT NOT NULL, server_id TEXT NOT NULL, host TEXT NOT NULL, mountpoint TEXT NOT NULL, mode TEXT NOT NULL,
	status TEXT NOT NULL, connector TEXT, tag TEXT NOT NULL, delete_on_termination BOOLEAN NOT NULL, boot_index BIGINT NOT NULL, attached_at TIMESTAMPTZ, created_at TIMESTAMPTZ NOT NULL);
CREATE INDEX attachments_volume ON attachments (volume_id);
CREATE INDEX attachments_server ON attachments (server_id);
CREATE TABLE volume_quota (project_id TEXT NOT NULL, resource TEXT NOT NULL, value BIGINT NOT NULL, PRIMARY KEY (project_id, resource));

-- +goose Down
DROP TABLE volume_quota; DROP TABLE attachments; DROP TABLE volume_type_accesses; DROP TABLE volume_types; DROP TABLE snapshots; DROP TABLE volumes;
