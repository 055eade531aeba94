package sqldb

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// A claim is a due time that lies ahead, and whose it is: columns due_at, claimed_by and
// claimed_until. Who dies leaves claims that end by themselves, at that time; who comes
// back under the same name ends its own at once. A due time that was set for another
// reason, or by a program that knows nothing of names, is no claim of anybody's.

// claimLock is the first half of the advisory lock that the bearer of a name holds.
const claimLock = 0x636c61

// Name gives this process a name that it has had in its earlier lives, and that nobody else
// bears meanwhile. On PostgreSQL the latter is made sure of: when another process bears it,
// or has not been seen to be dead yet, Name returns false and this one stays nameless. The
// file of SQLite has one process, which its caller makes sure of.
func (d *DB) Name(ctx context.Context, name string) (bool, error) {
	if !d.pg {
		d.name = name
		return true, nil
	}
	c, err := d.write.DB.Conn(ctx)
	if err != nil {
		return false, err
	}
	for end := time.Now().Add(patience); ; {
		var got bool
		if err := c.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1, hashtext($2))", claimLock, name).Scan(&got); err != nil {
			c.Close()
			return false, err
		}
		if got {
			d.name, d.bearer = name, c // the lock is the connection's, for as long as it lives
			return true, nil
		}
		if time.Now().After(end) {
			c.Close()
			return false, nil
		}
		time.Sleep(pulse / 10)
	}
}

// nameless is what a process without a name claims by.
var nameless = "?" + rand.Text()

// Claim is what an UPDATE sets to claim until a time, and its arguments.
func (d *DB) Claim(until time.Time) (set string, args []any) {
	name := d.name
	if name == "" {
		name = nameless
	}
	return "due_at = ?, claimed_by = ?, claimed_until = ?", []any{until, name, until}
}

// Unclaim makes due what earlier processes of this name had claimed and did not come to
// put down. It is for the start of a process, before it claims anything.
func (d *DB) Unclaim(ctx context.Context, tables ...string) error {
	if d.name == "" {
		return nil
	}
	return d.Tx(ctx, func(ctx context.Context) error {
		for _, t := range tables {
			_, err := d.Q(ctx).NewUpdate().Table(t).Set("due_at = ?", d.Now()).
				Where("due_at > ? AND claimed_by = ? AND claimed_until = due_at", d.Now(), d.name).Exec(ctx)
			if err != nil {
				return fmt.Errorf("claims in %s: %w", t, err)
			}
		}
		return nil
	})
}
