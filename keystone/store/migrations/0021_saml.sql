-- +goose Up
-- What this cloud signs SAML with; private is wrapped with the master key.
CREATE TABLE keystone_saml_keys (id TEXT PRIMARY KEY, private TEXT NOT NULL, certificate TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL);
