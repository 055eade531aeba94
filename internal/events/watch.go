package events

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"stackd/internal/sqldb"
)

// A Watch names a table whose changes are told. Project, User, ID, Public and Shares are
// SQL over one row of it, which they call {row}: "{row}.project_id".
type Watch struct {
	Table string
	Type  string // of the thing, as tenants call it: server, floatingip
	ID    string // of the thing; "" is {row}.id
	// Project is whose it is; "" is nobody's: only administrators are told, and User.
	// Where it is NULL, nothing is told: a part whose whole has gone.
	Project string
	User    string // whose it is, where it is a person's; "" is nobody's
	Public  string // a condition: everybody is told
	Shares  string // a query of projects (column q) that are told too; "*" is all
	Gone    string // a condition: the thing counts as deleted while the row is kept
	Part    bool   // the row is a part of the thing: whatever happens to it updates that
	Ignore  []string
}

// Books are columns that no Watch looks at.
var books = []string{"due_at", "tries", "generation", "updated_at", "last_fault", "claimed_by", "claimed_until"}

//go:embed sqlite postgres
var files embed.FS

// Pause takes the triggers of an SQLite file away, before migrations that may change
// the tables they name; Open puts them back. Nobody else writes to such a file. On
// PostgreSQL others may, and the triggers stay.
func Pause(ctx context.Context, db *sqldb.DB) error {
	if db.Postgres() {
		return nil
	}
	var names []string
	if err := db.Q(ctx).NewRaw("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'events_%'").Scan(ctx, &names); err != nil {
		return err
	}
	return db.Tx(ctx, func(ctx context.Context) error {
		for _, n := range names {
			if _, err := db.Q(ctx).ExecContext(ctx, "DROP TRIGGER "+n); err != nil {
				return err
			}
		}
		return nil
	})
}

// Install makes the tables of events and the triggers of all that is watched. The
// tables that are watched must be there.
func Install(ctx context.Context, db *sqldb.DB, all ...Watch) error {
	kind := "sqlite"
	if db.Postgres() {
		kind = "postgres"
	}
	dir, err := fs.Sub(files, kind)
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx, "events", dir); err != nil {
		return err
	}
	if err := Pause(ctx, db); err != nil {
		return err
	}
	return db.Tx(ctx, func(ctx context.Context) error {
		if db.Postgres() { // one control plane at a time
			if _, err := db.Q(ctx).ExecContext(ctx, "SELECT pg_advisory_xact_lock(111550592840819)"); err != nil {
				return err
			}
		}
		for _, w := range all {
			if err := w.install(ctx, db); err != nil {
				return fmt.Errorf("events of %s: %w", w.Table, err)
			}
		}
		return nil
	})
}

func (w Watch) install(ctx context.Context, db *sqldb.DB) error {
	columns, err := w.columns(ctx, db)
	if err != nil {
		return err
	}
	if !db.Postgres() {
		for _, s := range w.sqlite(columns) {
			if _, err := db.Q(ctx).ExecContext(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
	return w.postgres(ctx, db, columns)
}

// columns are those that a change of is told.
func (w Watch) columns(ctx context.Context, db *sqldb.DB) (out []string, err error) {
	q := "SELECT name FROM pragma_table_info(?) ORDER BY cid"
	if db.Postgres() {
		q = "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ? ORDER BY ordinal_position"
	}
	if err := db.Q(ctx).NewRaw(q, w.Table).Scan(ctx, &out); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("there is no such table")
	}
	return slices.DeleteFunc(out, func(c string) bool { return slices.Contains(books, c) || slices.Contains(w.Ignore, c) }), nil
}

func changed(columns []string) string {
	var out []string
	for _, c := range columns {
		out = append(out, fmt.Sprintf(`OLD."%s" IS DISTINCT FROM NEW."%s"`, c, c))
	}
	return strings.Join(out, " OR ")
}

// inserts are the statements that record one change of a row, which is NEW or OLD. They
// are kept plain: SQLite reads them anew with every statement that changes the table.
func (w Watch) inserts(row, action string) string {
	in := func(s string) string { return strings.ReplaceAll(s, "{row}", row) }
	project, audience := in(cmp.Or(w.Project, "''")), in(cmp.Or(w.Project, "''"))
	head := fmt.Sprintf("'%s', '%s', CAST(%s AS TEXT), %s, %s, ", w.Type, action, in(cmp.Or(w.ID, "{row}.id")), project, in(cmp.Or(w.User, "''")))
	if w.Public != "" {
		audience = "CASE WHEN " + in(w.Public) + " THEN '*' ELSE " + project + " END"
	}
	const to = "INSERT INTO events (type, action, thing, project_id, user_id, audience, copied) "
	s := fmt.Sprintf("%sSELECT %s%s, FALSE", to, head, audience)
	if strings.HasPrefix(w.Project, "(") { // of another row, which may have gone
		s += " WHERE " + project + " IS NOT NULL"
	}
	s += ";\n"
	if w.Shares != "" {
		s += fmt.Sprintf("%sSELECT %sq, TRUE FROM (%s) AS shares WHERE q <> %s", to, head, in(w.Shares), project)
		if w.Public != "" { // who is told already
			s += " AND NOT (" + in(w.Public) + ")"
		}
		s += ";\n"
	}
	return s
}

// kinds are what happens to rows: the statement, when, and what is told of which row.
func (w Watch) kinds(columns []string) [][4]string {
	if w.Part {
		return [][4]string{{"insert", "", "NEW", "updated"}, {"update", changed(columns), "NEW", "updated"}, {"delete", "", "OLD", "updated"}}
	}
	if w.Gone == "" {
		return [][4]string{{"insert", "", "NEW", "created"}, {"update", changed(columns), "NEW", "updated"}, {"delete", "", "OLD", "deleted"}}
	}
	was, is := strings.ReplaceAll(w.Gone, "{row}", "OLD"), strings.ReplaceAll(w.Gone, "{row}", "NEW")
	return [][4]string{{"insert", "", "NEW", "created"}, {"update", "NOT (" + is + ") AND (" + changed(columns) + ")", "NEW", "updated"},
		{"update", "(" + is + ") AND NOT (" + was + ")", "NEW", "deleted"}, {"delete", "NOT (" + was + ")", "OLD", "deleted"}}
}

func (w Watch) sqlite(columns []string) (out []string) {
	for n, k := range w.kinds(columns) {
		when := ""
		if k[1] != "" {
			when = " WHEN " + k[1]
		}
		out = append(out, fmt.Sprintf("CREATE TRIGGER events_%s_%s_%d AFTER %s ON %s FOR EACH ROW%s BEGIN\n%sEND", w.Table, w.Type, n, strings.ToUpper(k[0]), w.Table, when, w.inserts(k[2], k[3])))
	}
	return out
}

// postgres makes the triggers unless they are there as they should be.
func (w Watch) postgres(ctx context.Context, db *sqldb.DB, columns []string) error {
	name := "events_" + w.Table + "_" + w.Type
	var body strings.Builder
	kinds := w.kinds(columns)
	for n, k := range kinds {
		when := ""
		if k[1] != "" {
			when = " WHEN (" + k[1] + ")"
		}
		fmt.Fprintf(&body, "CREATE OR REPLACE FUNCTION %[1]s_%[2]d() RETURNS trigger LANGUAGE plpgsql AS $events$ BEGIN\n%[3]sRETURN NULL; END $events$;\n"+
			"DROP TRIGGER IF EXISTS %[1]s_%[2]d ON %[4]s;\nCREATE TRIGGER %[1]s_%[2]d AFTER %[5]s ON %[4]s FOR EACH ROW%[6]s EXECUTE FUNCTION %[1]s_%[2]d();\n",
			name, n, w.inserts(k[2], k[3]), w.Table, strings.ToUpper(k[0]), when)
	}
	var have []string
	if err := db.Q(ctx).NewRaw("SELECT definition FROM events_watches WHERE name = ?", name).Scan(ctx, &have); err != nil {
		return err
	}
	var there int
	if err := db.Q(ctx).NewRaw("SELECT count(*) FROM pg_trigger WHERE tgrelid = to_regclass(?) AND tgname LIKE ?", w.Table, strings.ReplaceAll(name, "_", `\_`)+`\__`).Scan(ctx, &there); err != nil {
		return err
	}
	if there == len(kinds) && len(have) == 1 && have[0] == body.String() {
		return nil
	}
	if _, err := db.Q(ctx).ExecContext(ctx, body.String()); err != nil {
		return err
	}
	_, err := db.Q(ctx).ExecContext(ctx, "INSERT INTO events_watches (name, definition) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET definition = excluded.definition", name, body.String())
	return err
}
