-- +goose Up
CREATE TABLE peer_leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until BIGINT NOT NULL);
CREATE TABLE peer_members (database TEXT NOT NULL, address TEXT NOT NULL, server TEXT NOT NULL, founder BOOLEAN NOT NULL, PRIMARY KEY (database, address));
