// Package cindertest is block storage on a fresh real database, with fakes below it
// that keep everything in memory and can end the process that calls them: before or
// after any of their effects, and before or after any transaction.
package cindertest
