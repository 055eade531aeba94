// Package file keeps volumes as raw sparse files in a folder: the backend that
// needs nothing. A copy shares blocks with its original where the file system can
// (reflink), and skips holes elsewhere.
//
// Everything is made under a name of its own, flushed, and then renamed to its
// place: a volume or snapshot is there whole or not at all.
package file
