-- +goose Up
ALTER TABLE servers ADD COLUMN shelved_image TEXT NOT NULL DEFAULT '';
ALTER TABLE captures ADD COLUMN shelve BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE captures DROP COLUMN shelve;
ALTER TABLE servers DROP COLUMN shelved_image;
