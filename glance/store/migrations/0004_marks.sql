-- +goose Up
-- What was done once, and is not to be done again.
CREATE TABLE image_marks (name TEXT PRIMARY KEY);

-- +goose Down
DROP TABLE image_marks;
