-- +goose Up
CREATE TABLE volume_exports_ended (holder TEXT PRIMARY KEY, volume_id TEXT NOT NULL, backend TEXT NOT NULL, due_at TIMESTAMPTZ NOT NULL);
CREATE INDEX volume_exports_ended_due ON volume_exports_ended (due_at);
CREATE INDEX volume_exports_ended_volume ON volume_exports_ended (volume_id);

-- +goose Down
DROP TABLE volume_exports_ended;
