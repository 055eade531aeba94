// Package shape keeps the laws of the tree (ARCHITECTURE.md); it has tests only.
package shape
