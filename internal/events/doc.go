// Package events keeps every change of tenants' things, in order and without gaps, and
// lets them follow: GET /events, as docs/events.md describes it.
//
// A change is recorded by the database itself: triggers on the tables that services
// name (Watch) write a row in the same transaction, so that there is no change without
// its event and no event without its change, whichever control plane made it and by
// whichever statement. Order is that of commits on SQLite, which has one writer; on
// PostgreSQL it is that of transactions' ids, and a reader goes only as far as no
// transaction is still open, so that nothing appears behind it.
//
// Read watch.go (what is watched), log.go (positions, reading, forgetting), hub.go (one
// reader for all followers of a process) and serve.go (the HTTP side).
package events
