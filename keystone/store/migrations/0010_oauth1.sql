-- +goose Up
-- What a consumer asks for; authorized once user_id is there.
CREATE TABLE keystone_request_tokens (
  id TEXT PRIMARY KEY, secret TEXT NOT NULL, verifier TEXT NOT NULL, user_id TEXT NOT NULL, project_id TEXT NOT NULL, role_ids TEXT NOT NULL,
  consumer_id TEXT NOT NULL, expires_at TIMESTAMPTZ NOT NULL);
CREATE INDEX keystone_request_tokens_consumer ON keystone_request_tokens (consumer_id);
CREATE TABLE keystone_access_tokens (
  id TEXT PRIMARY KEY, secret TEXT NOT NULL, user_id TEXT NOT NULL, project_id TEXT NOT NULL, role_ids TEXT NOT NULL,
  consumer_id TEXT NOT NULL, expires_at TIMESTAMPTZ NOT NULL);
CREATE INDEX keystone_access_tokens_user ON keystone_access_tokens (user_id);
CREATE INDEX keystone_access_tokens_consumer ON keystone_access_tokens (consumer_id);
-- Signatures that were used, until their time is too old to be used again.
CREATE TABLE keystone_oauth_nonces (
  consumer_id TEXT NOT NULL, token_id TEXT NOT NULL, stamp BIGINT NOT NULL, nonce TEXT NOT NULL, PRIMARY KEY (consumer_id, token_id, stamp, nonce));
CREATE INDEX keystone_oauth_nonces_stamp ON keystone_oauth_nonces (stamp);
