-- +goose Up
CREATE TABLE providers (
	id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, generation BIGINT NOT NULL, parent_id TEXT NOT NULL, root_id TEXT NOT NULL,
	aggregates TEXT NOT NULL, traits TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL);
CREATE INDEX providers_root ON providers (root_id);
CREATE TABLE inventories (
	provider_id TEXT NOT NULL REFERENCES providers (id) ON DELETE CASCADE, class TEXT NOT NULL, total BIGINT NOT NULL, reserved BIGINT NOT NULL,
	min_unit BIGINT NOT NULL, max_unit BIGINT NOT NULL, step_size BIGINT NOT NULL, ratio DOUBLE PRECISION NOT NULL, PRIMARY KEY (provider_id, class));
CREATE TABLE allocations (
	consumer_id TEXT NOT NULL, provider_id TEXT NOT NULL REFERENCES providers (id), class TEXT NOT NULL, used BIGINT NOT NULL, updated_at TIMESTAMPTZ NOT NULL,
	PRIMARY KEY (consumer_id, provider_id, class));
CREATE INDEX allocations_provider ON allocations (provider_id, class);
CREATE TABLE consumers (
	id TEXT PRIMARY KEY, project_id TEXT NOT NULL, user_id TEXT NOT NULL, type TEXT NOT NULL, generation BIGINT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL);
CREATE INDEX consumers_project ON consumers (project_id);
CREATE TABLE names (kind TEXT NOT NULL, name TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (kind, name));

-- +goose Down
DROP TABLE names; DROP TABLE consumers; DROP TABLE allocations; DROP TABLE inventories; DROP TABLE providers;
