-- +goose Up
CREATE TABLE events (
	seq INTEGER PRIMARY KEY AUTOINCREMENT, xact BIGINT NOT NULL DEFAULT 0, at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	type TEXT NOT NULL, action TEXT NOT NULL, thing TEXT NOT NULL, project_id TEXT NOT NULL, user_id TEXT NOT NULL, audience TEXT NOT NULL, copied BOOLEAN NOT NULL);
CREATE TABLE events_floor (one INTEGER PRIMARY KEY, xact BIGINT NOT NULL, seq BIGINT NOT NULL);
INSERT INTO events_floor VALUES (1, 0, 0);

-- +goose Down
DROP TABLE events_floor; DROP TABLE events;
