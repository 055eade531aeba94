// Package api is identity's REST: Keystone v3. Each file holds the rows of one kind
// of thing, its wire type and one short function per row; api.go puts them together.
package api
