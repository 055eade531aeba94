-- +goose Up
ALTER TABLE ports ADD COLUMN attached BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE ports SET attached = TRUE WHERE device_owner LIKE 'compute:%' AND host <> '';

-- +goose Down
ALTER TABLE ports DROP COLUMN attached;
