package sqldb

import (
	"context"
	"errors"
	"os"
)

// ErrNoSnapshot says that the database is not a file: PostgreSQL has its own tools.
var ErrNoSnapshot = errors.New("the database is PostgreSQL: keep it with pg_dump")

// Snapshot writes the whole database as it is at an instant to a file that is not there
// yet. Those who write meanwhile are not held up.
func (d *DB) Snapshot(ctx context.Context, file string) error {
	if d.pg {
		return ErrNoSnapshot
	}
	made, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // for its owner alone
	if err != nil {
		return err
	}
	made.Close()
	_, err = d.write.DB.ExecContext(ctx, "VACUUM INTO ?", file)
	return err
}
