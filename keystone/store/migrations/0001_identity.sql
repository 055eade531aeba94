-- +goose Up
-- Domains are projects with is_domain; their own domain_id is ''. '' stands for none throughout.
CREATE TABLE keystone_projects (
  id TEXT PRIMARY KEY, domain_id TEXT NOT NULL, parent_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
  is_domain BOOLEAN NOT NULL, enabled BOOLEAN NOT NULL, options TEXT NOT NULL, extra TEXT NOT NULL, tokens_from TIMESTAMPTZ,
  UNIQUE (domain_id, name));
CREATE INDEX keystone_projects_parent ON keystone_projects (parent_id);
CREATE INDEX keystone_projects_name ON keystone_projects (name);
CREATE TABLE keystone_project_tags (project_id TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (project_id, tag));
CREATE TABLE keystone_users (
  id TEXT PRIMARY KEY, domain_id TEXT NOT NULL, name TEXT NOT NULL, enabled BOOLEAN NOT NULL, default_project_id TEXT NOT NULL,
  options TEXT NOT NULL, extra TEXT NOT NULL, password_hash TEXT NOT NULL, password_at TIMESTAMPTZ, password_expires_at TIMESTAMPTZ,
  tokens_from TIMESTAMPTZ, created_at TIMESTAMPTZ NOT NULL,
  UNIQUE (domain_id, name));
CREATE INDEX keystone_users_name ON keystone_users (name);
CREATE TABLE keystone_groups (
  id TEXT PRIMARY KEY, domain_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, extra TEXT NOT NULL,
  UNIQUE (domain_id, name));
CREATE TABLE keystone_memberships (user_id TEXT NOT NULL, group_id TEXT NOT NULL, PRIMARY KEY (user_id, group_id));
CREATE INDEX keystone_memberships_group ON keystone_memberships (group_id);
CREATE TABLE keystone_roles (
  id TEXT PRIMARY KEY, domain_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT, options TEXT NOT NULL, extra TEXT NOT NULL,
  UNIQUE (domain_id, name));
CREATE TABLE keystone_implied_roles (prior_id TEXT NOT NULL, implied_id TEXT NOT NULL, PRIMARY KEY (prior_id, implied_id));
-- actor_kind: user, group; target_kind: project, domain, system.
CREATE TABLE keystone_assignments (
  actor_kind TEXT NOT NULL, actor_id TEXT NOT NULL, target_kind TEXT NOT NULL, target_id TEXT NOT NULL, role_id TEXT NOT NULL, inherited BOOLEAN NOT NULL,
  PRIMARY KEY (actor_id, target_id, role_id, inherited, actor_kind, target_kind));
CREATE INDEX keystone_assignments_target ON keystone_assignments (target_id);
CREATE INDEX keystone_assignments_role ON keystone_assignments (role_id);
CREATE TABLE keystone_regions (id TEXT PRIMARY KEY, parent_region_id TEXT NOT NULL, description TEXT NOT NULL, extra TEXT NOT NULL);
CREATE TABLE keystone_services (id TEXT PRIMARY KEY, type TEXT NOT NULL, name TEXT, description TEXT, enabled BOOLEAN NOT NULL, extra TEXT NOT NULL);
CREATE TABLE keystone_endpoints (
  id TEXT PRIMARY KEY, service_id TEXT NOT NULL REFERENCES keystone_services (id), interface TEXT NOT NULL, region_id TEXT NOT NULL,
  url TEXT NOT NULL, enabled BOOLEAN NOT NULL, extra TEXT NOT NULL);
CREATE INDEX keystone_endpoints_service ON keystone_endpoints (service_id);
CREATE TABLE keystone_policies (id TEXT PRIMARY KEY, type TEXT NOT NULL, blob TEXT NOT NULL, extra TEXT NOT NULL);
CREATE TABLE keystone_credentials (
  id TEXT PRIMARY KEY, user_id TEXT NOT NULL, project_id TEXT NOT NULL, type TEXT NOT NULL, secret TEXT NOT NULL, extra TEXT NOT NULL);
CREATE INDEX keystone_credentials_user ON keystone_credentials (user_id);
CREATE TABLE keystone_app_credentials (
  id TEXT PRIMARY KEY, user_id TEXT NOT NULL, project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT, secret_hash TEXT NOT NULL,
  expires_at TIMESTAMPTZ, unrestricted BOOLEAN, role_ids TEXT NOT NULL, access_rules TEXT NOT NULL,
  UNIQUE (user_id, name));
CREATE TABLE keystone_access_rules (id TEXT PRIMARY KEY, user_id TEXT NOT NULL, service TEXT NOT NULL, path TEXT NOT NULL, method TEXT NOT NULL,
  UNIQUE (user_id, service, path, method));
CREATE TABLE keystone_trusts (
  id TEXT PRIMARY KEY, trustor_user_id TEXT NOT NULL, trustee_user_id TEXT NOT NULL, project_id TEXT NOT NULL, impersonation BOOLEAN NOT NULL,
  role_ids TEXT NOT NULL, expires_at TIMESTAMPTZ, remaining_uses BIGINT, redelegated_trust_id TEXT NOT NULL, redelegation_count BIGINT NOT NULL,
  deleted_at TIMESTAMPTZ, extra TEXT NOT NULL);
CREATE INDEX keystone_trusts_trustor ON keystone_trusts (trustor_user_id);
CREATE INDEX keystone_trusts_trustee ON keystone_trusts (trustee_user_id);
-- A token dies when its own or its chain's audit id is here.
CREATE TABLE keystone_revocations (
  audit_id TEXT NOT NULL, chain BOOLEAN NOT NULL, revoked_at TIMESTAMPTZ NOT NULL, issued_before TIMESTAMPTZ NOT NULL, expires_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (audit_id, chain));
CREATE INDEX keystone_revocations_expiry ON keystone_revocations (expires_at);
-- kind: fernet, credential. The highest position signs, 0 is the next to do so.
CREATE TABLE keystone_keys (kind TEXT NOT NULL, position BIGINT NOT NULL, wrapped TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (kind, position));
CREATE TABLE keystone_registered_limits (
  id TEXT PRIMARY KEY, service_id TEXT NOT NULL, region_id TEXT NOT NULL, resource_name TEXT NOT NULL, default_limit BIGINT NOT NULL, description TEXT,
  UNIQUE (service_id, region_id, resource_name));
CREATE TABLE keystone_limits (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, domain_id TEXT NOT NULL, service_id TEXT NOT NULL, region_id TEXT NOT NULL,
  resource_name TEXT NOT NULL, resource_limit BIGINT NOT NULL, description TEXT,
  UNIQUE (project_id, domain_id, service_id, region_id, resource_name));

