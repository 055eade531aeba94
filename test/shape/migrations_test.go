package shape

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// taken are statements that a program of the version before would not survive.
var taken = regexp.MustCompile(`(?i)\b(DROP\s+(TABLE|COLUMN|CONSTRAINT)|RENAME|ALTER\s+COLUMN|ADD\s+COLUMN\s+\S+\s+\S+\s+NOT\s+NULL\s*(,|;|$|--)|CREATE\s+UNIQUE\s+INDEX)`)

// Tables only grow: during an upgrade the control planes that still run the version before
// work on the tables of the new one.
func TestMigrationsOnlyAdd(t *testing.T) {
	files, err := filepath.Glob("../../*/store/migrations/*.sql")
	more, err2 := filepath.Glob("../../agent/*/store/migrations/*.sql")
	if err != nil || err2 != nil || len(files) < 20 || len(more) == 0 {
		t.Fatal(len(files), len(more), err, err2)
	}
	for _, f := range append(files, more...) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		up, _, _ := strings.Cut(string(b), "-- +goose Down")
		for _, line := range strings.Split(up, "\n") {
			if m := taken.FindString(line); m != "" && !first(f) {
				t.Errorf("%s: %s: the version before cannot live with that", f, m)
			}
		}
	}
}

// first tells whether a file makes the tables: before it there is no version.
func first(file string) bool { return regexp.MustCompile(`/0*1_[^/]*$`).MatchString(file) }

// The law knows what it forbids.
func TestWhatMigrationsMayNot(t *testing.T) {
	for _, bad := range []string{"ALTER TABLE a DROP COLUMN b;", "drop table a;", "ALTER TABLE a RENAME b TO c;", "ALTER TABLE a ADD COLUMN b TEXT NOT NULL;", "CREATE UNIQUE INDEX i ON a (b);"} {
		if !taken.MatchString(bad) {
			t.Error(bad)
		}
	}
	for _, good := range []string{"ALTER TABLE a ADD COLUMN b TEXT NOT NULL DEFAULT '';", "CREATE TABLE a (b TEXT NOT NULL UNIQUE);", "DROP INDEX i;", "CREATE INDEX i ON a (b);"} {
		if taken.MatchString(good) {
			t.Error(good)
		}
	}
}
