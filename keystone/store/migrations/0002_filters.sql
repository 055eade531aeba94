-- +goose Up
CREATE TABLE keystone_endpoint_groups (id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT, filters TEXT NOT NULL);
-- kind: endpoint, group. A project with any row sees only these endpoints in its catalog.
CREATE TABLE keystone_endpoint_filters (project_id TEXT NOT NULL, kind TEXT NOT NULL, item_id TEXT NOT NULL, PRIMARY KEY (project_id, kind, item_id));
CREATE INDEX keystone_endpoint_filters_item ON keystone_endpoint_filters (item_id);
CREATE TABLE keystone_consumers (id TEXT PRIMARY KEY, description TEXT, secret TEXT NOT NULL, extra TEXT NOT NULL);
CREATE TABLE keystone_domain_options (domain_id TEXT NOT NULL, section TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (domain_id, section, name));
