-- +goose Up
ALTER TABLE images ADD COLUMN locations TEXT NOT NULL DEFAULT '[]';
UPDATE images SET locations = '[{"store":"file","name":"' || id || '"}]' WHERE status IN ('active', 'deactivated');
-- Bytes that are on their way in or out: whoever dies leaves a row that says what to clear away.
CREATE TABLE image_bytes (
	store TEXT NOT NULL, name TEXT NOT NULL, image_id TEXT NOT NULL, move TEXT NOT NULL, host TEXT NOT NULL, size BIGINT NOT NULL, due_at TIMESTAMPTZ NOT NULL,
	PRIMARY KEY (store, name));
CREATE INDEX image_bytes_due ON image_bytes (due_at);
CREATE INDEX image_bytes_image ON image_bytes (image_id);
CREATE TABLE image_tasks (
	id TEXT PRIMARY KEY, type TEXT NOT NULL, status TEXT NOT NULL, owner TEXT NOT NULL, user_id TEXT NOT NULL, request_id TEXT NOT NULL, image_id TEXT NOT NULL,
	input TEXT NOT NULL, result TEXT NOT NULL, message TEXT NOT NULL, host TEXT NOT NULL, claim TEXT NOT NULL, tries BIGINT NOT NULL, due_at TIMESTAMPTZ NOT NULL,
	expires_at TIMESTAMPTZ, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL);
CREATE INDEX image_tasks_due ON image_tasks (due_at) WHERE status IN ('pending', 'processing');
CREATE INDEX image_tasks_image ON image_tasks (image_id);
CREATE TABLE image_cache (
	image_id TEXT NOT NULL, host TEXT NOT NULL, state TEXT NOT NULL, size BIGINT NOT NULL, hits BIGINT NOT NULL, due_at TIMESTAMPTZ NOT NULL,
	last_accessed TIMESTAMPTZ NOT NULL, last_modified TIMESTAMPTZ NOT NULL, PRIMARY KEY (image_id, host));

-- +goose Down
DROP TABLE image_cache; DROP TABLE image_tasks; DROP TABLE image_bytes; ALTER TABLE images DROP COLUMN locations;
