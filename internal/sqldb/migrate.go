package sqldb

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// Migrate brings a service's tables up to date from its goose files, in the folder
// migrations of files. The versions applied are kept in table migrations_<service>.
func (d *DB) Migrate(ctx context.Context, service string, files fs.FS) error {
	dir, err := fs.Sub(files, "migrations")
	if err != nil {
		return err
	}
	dialect := goose.DialectSQLite3
	if d.pg {
		dialect = goose.DialectPostgres
	}
	store, err := database.NewStore(dialect, "migrations_"+service)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider("", d.write.DB, dir, goose.WithStore(store))
	if err != nil {
		return fmt.Errorf("migrations of %s: %w", service, err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrations of %s: %w", service, err)
	}
	return nil
}
