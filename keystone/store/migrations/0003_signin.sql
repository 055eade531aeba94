-- +goose Up
-- Wrong proofs of a user in a row.
CREATE TABLE keystone_failures (user_id TEXT PRIMARY KEY, attempts BIGINT NOT NULL, failed_at TIMESTAMPTZ NOT NULL);
-- Passcodes that were used, by the half minute they were for.
CREATE TABLE keystone_used_codes (credential_id TEXT NOT NULL, step BIGINT NOT NULL, PRIMARY KEY (credential_id, step));
CREATE INDEX keystone_used_codes_step ON keystone_used_codes (step);
