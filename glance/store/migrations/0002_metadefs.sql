-- +goose Up
CREATE TABLE metadef_namespaces (
	id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, display_name TEXT, description TEXT, visibility TEXT NOT NULL, protected BOOLEAN NOT NULL, owner TEXT NOT NULL,
	created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL);
-- kind: object, property, tag. body is what the definition says besides its name.
CREATE TABLE metadef_definitions (
	namespace_id TEXT NOT NULL REFERENCES metadef_namespaces (id) ON DELETE CASCADE, kind TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
	created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (namespace_id, kind, name));
CREATE TABLE metadef_associations (
	namespace_id TEXT NOT NULL REFERENCES metadef_namespaces (id) ON DELETE CASCADE, name TEXT NOT NULL, prefix TEXT, properties_target TEXT,
	created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (namespace_id, name));
CREATE TABLE metadef_resource_types (name TEXT PRIMARY KEY, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL);
INSERT INTO metadef_resource_types SELECT name, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP FROM (
	SELECT 'OS::Glance::Image' AS name UNION SELECT 'OS::Cinder::Volume' UNION SELECT 'OS::Nova::Flavor' UNION SELECT 'OS::Nova::Aggregate' UNION SELECT 'OS::Nova::Server') AS names;
