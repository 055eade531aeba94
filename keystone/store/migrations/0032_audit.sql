-- +goose Up
-- Who did what, and who tried; repeats is how often the same was tried in the same minute.
CREATE TABLE keystone_events (
  id TEXT PRIMARY KEY, at TIMESTAMPTZ NOT NULL, action TEXT NOT NULL, outcome TEXT NOT NULL, code BIGINT NOT NULL, reason TEXT NOT NULL, repeats BIGINT NOT NULL,
  user_id TEXT NOT NULL, user_name TEXT NOT NULL, project_id TEXT NOT NULL, domain_id TEXT NOT NULL, target_type TEXT NOT NULL, target_id TEXT NOT NULL,
  path TEXT NOT NULL, address TEXT NOT NULL, agent TEXT NOT NULL, request_id TEXT NOT NULL);
CREATE INDEX keystone_events_at ON keystone_events (at, id);
CREATE INDEX keystone_events_user ON keystone_events (user_id, at);
