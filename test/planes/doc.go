// Package planes runs two control planes as processes of their own on one
// PostgreSQL, and holds them to it: what one revokes the other refuses at once, and
// one that is killed in the middle of a request leaves nothing half written.
// Without STACKD_TEST_PG there is no such database, and nothing is tested.
package planes
