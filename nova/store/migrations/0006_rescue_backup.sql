-- +goose Up
ALTER TABLE servers ADD COLUMN rescue TEXT;
ALTER TABLE captures ADD COLUMN backup_type TEXT NOT NULL DEFAULT '';
ALTER TABLE captures ADD COLUMN rotation BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE captures DROP COLUMN rotation;
ALTER TABLE captures DROP COLUMN backup_type;
ALTER TABLE servers DROP COLUMN rescue;
