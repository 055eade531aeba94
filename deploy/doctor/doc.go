// Package doctor looks a host over, and mends what can be mended.
//
// A check looks and says in words what is wrong and what to do; some can mend it, and
// then look again. What a check is of (this host's disk, its clock, its daemons) it finds
// out by itself; what it must know of a cloud it is given.
package doctor
