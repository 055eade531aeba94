-- +goose Up
CREATE TABLE swaps (
	id TEXT PRIMARY KEY, server_id TEXT NOT NULL, hold_id TEXT NOT NULL UNIQUE, next_id TEXT NOT NULL, place TEXT NOT NULL, action_id TEXT NOT NULL, ending BOOLEAN NOT NULL, created_at TIMESTAMPTZ NOT NULL);
CREATE INDEX swaps_server ON swaps (server_id);
ALTER TABLE servers ADD COLUMN seen_copied TEXT NOT NULL DEFAULT '[]';

-- +goose Down
ALTER TABLE servers DROP COLUMN seen_copied;
DROP TABLE swaps;
