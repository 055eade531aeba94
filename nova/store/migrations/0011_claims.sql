-- +goose Up
ALTER TABLE servers ADD COLUMN claimed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE servers ADD COLUMN claimed_until TIMESTAMPTZ;
ALTER TABLE captures ADD COLUMN claimed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE captures ADD COLUMN claimed_until TIMESTAMPTZ;

-- +goose Down
ALTER TABLE captures DROP COLUMN claimed_until;
ALTER TABLE captures DROP COLUMN claimed_by;
ALTER TABLE servers DROP COLUMN claimed_until;
ALTER TABLE servers DROP COLUMN claimed_by;
