-- +goose Up
-- authorization_ttl is in minutes.
CREATE TABLE keystone_identity_providers (id TEXT PRIMARY KEY, domain_id TEXT NOT NULL, enabled BOOLEAN NOT NULL, description TEXT, authorization_ttl BIGINT);
CREATE INDEX keystone_identity_providers_domain ON keystone_identity_providers (domain_id);
CREATE TABLE keystone_remote_ids (remote_id TEXT PRIMARY KEY, idp_id TEXT NOT NULL);
CREATE INDEX keystone_remote_ids_idp ON keystone_remote_ids (idp_id);
CREATE TABLE keystone_protocols (idp_id TEXT NOT NULL, id TEXT NOT NULL, mapping_id TEXT NOT NULL, remote_id_attribute TEXT, PRIMARY KEY (idp_id, id));
CREATE TABLE keystone_mappings (id TEXT PRIMARY KEY, rules TEXT NOT NULL, schema_version TEXT NOT NULL);
CREATE TABLE keystone_service_providers (
  id TEXT PRIMARY KEY, enabled BOOLEAN NOT NULL, description TEXT, auth_url TEXT NOT NULL, sp_url TEXT NOT NULL, relay_state_prefix TEXT NOT NULL);
-- Who of an identity provider is which user. shadow: sign-in made the user, which goes when the last of its rows does.
CREATE TABLE keystone_federated_users (
  idp_id TEXT NOT NULL, protocol_id TEXT NOT NULL, unique_id TEXT NOT NULL, user_id TEXT NOT NULL, display_name TEXT NOT NULL, shadow BOOLEAN NOT NULL,
  PRIMARY KEY (idp_id, protocol_id, unique_id));
CREATE INDEX keystone_federated_users_user ON keystone_federated_users (user_id);
-- Groups that an identity provider says a user is in, for as long as that is believed.
CREATE TABLE keystone_expiring_memberships (user_id TEXT NOT NULL, group_id TEXT NOT NULL, idp_id TEXT NOT NULL, expires_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (user_id, group_id, idp_id));
CREATE INDEX keystone_expiring_memberships_group ON keystone_expiring_memberships (group_id);
CREATE INDEX keystone_expiring_memberships_idp ON keystone_expiring_memberships (idp_id);
-- What may be used once: assertions, and the states of sign-ins under way.
CREATE TABLE keystone_used_proofs (id TEXT PRIMARY KEY, expires_at TIMESTAMPTZ NOT NULL);
CREATE INDEX keystone_used_proofs_expiry ON keystone_used_proofs (expires_at);
