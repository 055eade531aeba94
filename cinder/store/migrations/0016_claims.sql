-- +goose Up
ALTER TABLE volumes ADD COLUMN claimed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE volumes ADD COLUMN claimed_until TIMESTAMPTZ;
ALTER TABLE snapshots ADD COLUMN claimed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE snapshots ADD COLUMN claimed_until TIMESTAMPTZ;
ALTER TABLE volume_backups ADD COLUMN claimed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE volume_backups ADD COLUMN claimed_until TIMESTAMPTZ;

-- +goose Down
ALTER TABLE volume_backups DROP COLUMN claimed_until;
ALTER TABLE volume_backups DROP COLUMN claimed_by;
ALTER TABLE snapshots DROP COLUMN claimed_until;
ALTER TABLE snapshots DROP COLUMN claimed_by;
ALTER TABLE volumes DROP COLUMN claimed_until;
ALTER TABLE volumes DROP COLUMN claimed_by;
