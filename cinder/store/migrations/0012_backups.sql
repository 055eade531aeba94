-- +goose Up
ALTER TABLE volume_backups ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
ALTER TABLE volume_backups ADD COLUMN type_id TEXT NOT NULL DEFAULT '';
ALTER TABLE volume_backups ADD COLUMN busy_until TIMESTAMPTZ;

-- +goose Down
ALTER TABLE volume_backups DROP COLUMN busy_until; ALTER TABLE volume_backups DROP COLUMN type_id; ALTER TABLE volume_backups DROP COLUMN key_id;
