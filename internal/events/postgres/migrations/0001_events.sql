-- +goose Up
CREATE TABLE events (
	xact BIGINT NOT NULL DEFAULT (pg_current_xact_id()::text::bigint), seq BIGINT GENERATED ALWAYS AS IDENTITY,
	at TEXT NOT NULL DEFAULT (to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
	type TEXT NOT NULL, action TEXT NOT NULL, thing TEXT NOT NULL, project_id TEXT NOT NULL, user_id TEXT NOT NULL, audience TEXT NOT NULL, copied BOOLEAN NOT NULL,
	PRIMARY KEY (xact, seq));
CREATE TABLE events_floor (one INTEGER PRIMARY KEY, xact BIGINT NOT NULL, seq BIGINT NOT NULL);
INSERT INTO events_floor VALUES (1, 0, 0);
CREATE TABLE events_watches (name TEXT PRIMARY KEY, definition TEXT NOT NULL);

-- +goose Down
DROP TABLE events_watches; DROP TABLE events_floor; DROP TABLE events;
