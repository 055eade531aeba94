// Package store keeps the networks in SQL: every query of neutron is in this room.
//
// table.go reads and writes one kind of thing; filter.go turns the wire's filters
// into conditions; one file per kind says its table, its filters and what belongs
// to it. migrations/ holds the tables.
package store
