-- +goose Up
CREATE TABLE captures (
	image_id TEXT PRIMARY KEY, server_id TEXT NOT NULL, project_id TEXT NOT NULL, action_id TEXT NOT NULL, empty BOOLEAN NOT NULL, tries BIGINT NOT NULL, due_at TIMESTAMPTZ, created_at TIMESTAMPTZ NOT NULL);
CREATE INDEX captures_due ON captures (due_at);

-- +goose Down
DROP TABLE captures;
