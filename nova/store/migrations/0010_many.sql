-- +goose Up
CREATE INDEX servers_num ON servers (num);
CREATE INDEX servers_state ON servers (vm_state, created_at);

-- +goose Down
DROP INDEX servers_state;
DROP INDEX servers_num;
