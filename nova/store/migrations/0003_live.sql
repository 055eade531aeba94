-- +goose Up
ALTER TABLE hosts ADD COLUMN live_at TEXT NOT NULL DEFAULT '';
