-- +goose Up
CREATE TABLE volume_keys (id TEXT PRIMARY KEY, sealed TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL);

-- +goose Down
DROP TABLE volume_keys;
