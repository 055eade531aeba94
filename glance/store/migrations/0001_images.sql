-- +goose Up
CREATE TABLE images (
	id TEXT PRIMARY KEY, name TEXT, owner TEXT NOT NULL, status TEXT NOT NULL, visibility TEXT NOT NULL, protected BOOLEAN NOT NULL, hidden BOOLEAN NOT NULL,
	disk_format TEXT NOT NULL, container_format TEXT NOT NULL, min_disk BIGINT NOT NULL, min_ram BIGINT NOT NULL, size BIGINT, virtual_size BIGINT,
	checksum TEXT NOT NULL, hash_value TEXT NOT NULL, tags TEXT NOT NULL, properties TEXT NOT NULL, upload TEXT NOT NULL, touched_at TIMESTAMPTZ,
	created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL);
CREATE INDEX images_owner ON images (owner);
CREATE INDEX images_created ON images (created_at, id);
CREATE TABLE image_members (
	image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE, project_id TEXT NOT NULL, status TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL,
	PRIMARY KEY (image_id, project_id));

-- +goose Down
DROP TABLE image_members; DROP TABLE images;
