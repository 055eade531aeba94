-- +goose Up
CREATE INDEX ports_owner ON ports (network_id, device_owner);
CREATE INDEX ports_status ON ports (status);

-- +goose Down
DROP INDEX ports_status;
DROP INDEX ports_owner;
