-- +goose Up
-- Users and groups that a domain's directory keeps, by the ids they have here. kind: user, group.
CREATE TABLE keystone_directory_ids (
  public_id TEXT PRIMARY KEY, domain_id TEXT NOT NULL, kind TEXT NOT NULL, local_id TEXT NOT NULL,
  UNIQUE (domain_id, kind, local_id));
