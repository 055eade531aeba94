-- Who was told how to reach a volume without an attachment, as os-initialize_connection does.
-- +goose Up
CREATE TABLE volume_connections (holder TEXT PRIMARY KEY, volume_id TEXT NOT NULL, backend TEXT NOT NULL);
CREATE INDEX volume_connections_volume ON volume_connections (volume_id);

-- +goose Down
DROP TABLE volume_connections;
