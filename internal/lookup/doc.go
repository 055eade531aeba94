// Package lookup asks DNS servers, for stackd dig and stackd nslookup. It alone imports
// a DNS library.
//
// Words (dig.go, nslookup.go) are read into queries, an Asker (ask.go) asks them of the
// servers, and what is printed looks as dig's and nslookup's output does, so that what
// reads theirs reads ours.
package lookup
