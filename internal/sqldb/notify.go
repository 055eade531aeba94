package sqldb

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
)

// Notify tells all who Listen on the channel, in every process, once the context's
// transaction has been committed. An SQLite file belongs to one process: there,
// nobody else is to be told.
func (d *DB) Notify(ctx context.Context, channel string) error {
	if !d.pg {
		return nil
	}
	_, err := d.Q(ctx).ExecContext(ctx, "SELECT pg_notify(?, '')", channel)
	return err
}

// Listen calls heard for every Notify on the channel until the context ends, and
// up whenever the ear is lost (false) and, all notices since then missed, found
// again (true). On SQLite it says up(true) and waits.
func (d *DB) Listen(ctx context.Context, channel string, up func(bool), heard func()) {
	if !d.pg {
		up(true)
		<-ctx.Done()
		return
	}
	for ctx.Err() == nil {
		d.listen(ctx, channel, up, heard)
		up(false)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (d *DB) listen(ctx context.Context, channel string, up func(bool), heard func()) error {
	c, err := d.write.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Raw(func(driver any) error {
		pg := driver.(*stdlib.Conn).Conn()
		if _, err := pg.Exec(ctx, `LISTEN "`+channel+`"`); err != nil {
			return err
		}
		defer pg.Exec(context.WithoutCancel(ctx), "UNLISTEN *")
		up(true)
		for {
			if _, err := pg.WaitForNotification(ctx); err != nil {
				return err
			}
			heard()
		}
	})
}
