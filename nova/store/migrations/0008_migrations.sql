-- +goose Up
CREATE TABLE migrations (
	id BIGINT PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, server_id TEXT NOT NULL, project_id TEXT NOT NULL, user_id TEXT NOT NULL, type TEXT NOT NULL, goal TEXT NOT NULL, status TEXT NOT NULL,
	source TEXT NOT NULL, dest TEXT NOT NULL, asked_host TEXT NOT NULL, old_flavor TEXT NOT NULL, new_flavor TEXT NOT NULL, old_disks BIGINT NOT NULL, wanted TEXT NOT NULL,
	handed BOOLEAN NOT NULL, failure TEXT NOT NULL, seen_power TEXT NOT NULL, seen_generation BIGINT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL);
CREATE INDEX migrations_server ON migrations (server_id);
CREATE INDEX migrations_source ON migrations (source, goal);
CREATE INDEX migrations_dest ON migrations (dest, goal);
ALTER TABLE servers ADD COLUMN disks_of BIGINT NOT NULL DEFAULT 0;
ALTER TABLE servers ADD COLUMN migration_id BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE servers DROP COLUMN migration_id;
ALTER TABLE servers DROP COLUMN disks_of;
DROP TABLE migrations;
