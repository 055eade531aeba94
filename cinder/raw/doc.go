// Package raw moves disks' bytes: what every backend of cinder needs. Copies skip
// what is a hole or zero, images are inspected before a tool sees them and are
// converted with bounds on time, memory and the size of what comes out, and locks
// outlive the process that took them for as long as a tool of it still writes.
package raw
