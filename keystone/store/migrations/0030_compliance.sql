-- +goose Up
-- The day of a user's last sign-in, and whether it chose its password itself.
ALTER TABLE keystone_users ADD COLUMN last_active_at TIMESTAMPTZ;
ALTER TABLE keystone_users ADD COLUMN password_self_service BOOLEAN NOT NULL DEFAULT FALSE;
CREATE TABLE keystone_old_passwords (user_id TEXT NOT NULL, hash TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (user_id, created_at, hash));
