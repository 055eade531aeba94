-- +goose Up
ALTER TABLE volume_backups ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
ALTER TABLE volume_backups ADD COLUMN type_id TEXT NOT NULL DEFAULT '';
ALTER TABLE volume_backups ADD COLUMN busy_until TIMESTAMPTZ;
ALTER TABLE volume_backups ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE volume_backups ADD COLUMN of_volume TEXT NOT NULL DEFAULT '{}';
UPDATE volume_backups SET place = id;
CREATE INDEX volume_backups_place ON volume_backups (place);

-- +goose Down
DROP INDEX volume_backups_place;
ALTER TABLE volume_backups DROP COLUMN of_volume; ALTER TABLE volume_backups DROP COLUMN place; ALTER TABLE volume_backups DROP COLUMN busy_until; ALTER TABLE volume_backups DROP COLUMN type_id; ALTER TABLE volume_backups DROP COLUMN key_id;
