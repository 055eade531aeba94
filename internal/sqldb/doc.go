// Package sqldb opens the one database and runs everything that talks to it.
//
// The same SQL runs on SQLite (a file, the default) and on PostgreSQL. A service
// keeps its queries in its store room and reaches the database only through
//
//	db.Tx(ctx, func(ctx context.Context) error { … })  // to change things
//	db.Q(ctx)                                          // a bun.IDB to query with
//
// The transaction travels in the context: a Tx inside a Tx joins it, so verbs of
// several services make one transaction without knowing of each other. On
// PostgreSQL transactions are SERIALIZABLE and are run again when they clash, on
// SQLite there is one writer; either way a function given to Tx sees nobody
// else's half-done work, may run more than once, and must do nothing but SQL.
// Outside a Tx, Q is for reading only (SQLite refuses writes there).
//
// After(ctx, f) runs f once the outermost transaction has been committed: the
// place for wake-ups.
package sqldb
