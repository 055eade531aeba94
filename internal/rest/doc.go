// Package rest turns a table of typed operations into an http.Handler.
//
// A service's api room is a []Route: one row an operation, one wire type, one
// short function. Every request walks the same gates, in this order (answer.go):
//
//	version → token → route → policy → body → query → the operation
//
// What an operation returns is written by its wire tags, as the caller's
// microversion knows it (view.go); what it fails with is a fault, shaped as the
// service shapes errors (API.Fault). Nothing else writes to the client.
//
// A wire type for answers has `wire:"name"` tags; `wire:"name,2.9.."`,
// `wire:"name,..2.46"` and `wire:"name,2.3..2.46"` bound a field to microversions,
// `wire:"name,,omitempty"` leaves out empty values, and `wire:"*"` on a map makes
// its members the object's own. Untagged embedded structs are flattened. For
// input, `json:"…"` tags name body members, `path:"id"` a part of the pattern,
// `query:"all_tenants"` a parameter.
//
// A listing row has List set and returns a listing.Page; limit, marker, sort_key,
// sort_dir, sort=key:dir, fields and the filters named in the row are read by the
// gate into Call.List, and the links to the next page are written by it.
package rest
