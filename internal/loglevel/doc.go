// Package loglevel says how much each package of a running program logs, and changes it.
//
// A logger's name is its package's path with dots: cinder.work is stackd/cinder/work. What
// nobody has set has the level of the longest name above it that somebody has, else Info.
package loglevel
