// Package store keeps identity's rows in SQL: the only room of keystone that knows
// any. rows.go is what all tables have in common, the other files hold the queries
// that a table has to itself.
package store
