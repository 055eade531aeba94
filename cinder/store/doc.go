// Package store keeps block storage's rows: one file a table, every query on it there.
package store
