-- +goose Up
DROP INDEX volumes_name;
CREATE INDEX volumes_name ON volumes (project_id, name, created_at);

-- +goose Down
DROP INDEX volumes_name;
CREATE INDEX volumes_name ON volumes (project_id, name);
